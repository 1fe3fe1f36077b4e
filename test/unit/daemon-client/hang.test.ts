// Busy is not hung: only a process that does not run at all for a minute is named so.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { linuxStat, processStartTime } from '../../../src/base/process-identity.ts';
import { findStopped, HangWatch } from '../../../src/daemon-client/hang.ts';
import { eventually } from '../../support/eventually.ts';

let folder: string;
let pidPath: string;
const children: ReturnType<typeof spawn>[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-hang-'));
  pidPath = join(folder, 'd.pid');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(code: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', `process.stdout.write('up'); ${code}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const pid = child.pid ?? 0;
  writeFileSync(pidPath, JSON.stringify({ pid, startTime: processStartTime(pid), socket: 's', nonce: 'n' }));
  return pid;
}

const stop = async (pid: number) => {
  process.kill(pid, 'SIGSTOP');
  await eventually(() => linuxStat(pid)?.state === 'T', { what: 'it to stop' });
};

it('names a stopped daemon after a minute of silence, with pid and way out, and not before', async () => {
  let now = 0;
  const watch = new HangWatch(() => now);
  const pid = await start('setInterval(() => {}, 1e6)');
  await stop(pid);
  expect(watch.note(pidPath)).toBeUndefined();
  now = 59_000;
  expect(watch.note(pidPath)).toBeUndefined();
  now = 61_000;
  expect(watch.note(pidPath)).toMatchObject({
    code: 'DAEMON_HUNG',
    message: `The mcp-proxy daemon (pid ${pid}) has said nothing for 61 s and its process is stopped.`,
    hint: expect.stringContaining('restart --force'),
  });
  expect(findStopped(pidPath, 5_000)).toMatchObject({ code: 'DAEMON_HUNG', data: { pid } });
});

it('takes a daemon that works without answering for busy, however long', async () => {
  let now = 0;
  const watch = new HangWatch(() => now);
  await start('for (;;) {}');
  expect(watch.note(pidPath)).toBeUndefined();
  await eventually(
    () => {
      now += 120_000;
      return watch.note(pidPath) === undefined;
    },
    { what: 'it to use some time' },
  );
  // Each look in which it has worked begins the minute anew.
  expect(findStopped(pidPath, 5_000)).toBeUndefined();
});

it('begins anew with another process, and says nothing of one that is gone', async () => {
  let now = 0;
  const watch = new HangWatch(() => now);
  await stop(await start('setInterval(() => {}, 1e6)'));
  watch.note(pidPath);
  await stop(await start('setInterval(() => {}, 1e6)'));
  now = 120_000;
  expect(watch.note(pidPath)).toBeUndefined();
  writeFileSync(pidPath, JSON.stringify({ pid: 4_194_303, startTime: '1', socket: 's', nonce: 'n' }));
  now = 240_000;
  expect(watch.note(pidPath)).toBeUndefined();
});
