// Text of others must never hold everybody: the work on it grows as it does, not with its square. Each parser, matcher and
// cleaner of such text is in test/support/growth/cases.ts; breaks for a new one that is not linear. As small as shows it here;
// `npm run test:full` takes the largest inputs.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';

/** Ends what never returns; a case that is right takes milliseconds of processor time. */
const deadlineMs = 5 * 60_000;
const program = join(root, 'test', 'support', 'growth', 'main.ts');

type Said = { count?: number; begins?: number; name?: string; problem?: string; done?: boolean };

/** Runs the cases from `first` on; where one never returns, `next` is the one behind it. */
function runCases(first: number): Promise<{ problems: string[]; next: number | undefined; count: number }> {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', program, String(first)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const problems: string[] = [];
  let [at, name, count, isDone] = [first, 'the start', 0, false];
  return new Promise((resolve) => {
    let timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    const hear = (said: Said) => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
      count = said.count ?? count;
      at = said.begins ?? at;
      name = said.name ?? name;
      if (said.problem !== undefined) problems.push(`${said.name}: ${said.problem}`);
      if (said.done) isDone = true;
    };
    if (child.stdout) createInterface(child.stdout).on('line', (line) => hear(JSON.parse(line)));
    child.once('close', (code) => {
      clearTimeout(timer);
      if (!isDone) problems.push(`${name}: never returned (or ended the process, ${code})`);
      resolve({ problems, next: isDone ? undefined : at + 1, count });
    });
  });
}

it('works on the text of others in time that grows as the text does', { timeout: 60 * 60_000 }, async () => {
  const problems: string[] = [];
  for (let first: number | undefined = 0; first !== undefined; ) {
    const run = await runCases(first);
    expect(run.count, 'the cases could not be loaded').toBeGreaterThan(1_000);
    problems.push(...run.problems);
    first = run.next !== undefined && run.next < run.count ? run.next : undefined;
  }
  expect(problems).toEqual([]);
});
