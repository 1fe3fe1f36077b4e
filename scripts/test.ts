// `npm test`: everything that runs on a developer's machine without a download; with names, those projects of vitest.
// A few files that failed get a second run, alone, which tells what is broken from what only fails among others: a race in a
// test or in the product. It changes no verdict: a race is what this suite is there to find.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { $ } from 'zx';
import { failedListVariable } from '../test/support/plain-summary.ts';

/** More than this many failed files are no accident. */
const secondRunsAtMost = 3;

/** `files` is empty when the run failed as a whole, outside every file. */
type Outcome = { ok: boolean; files: string[] };

$.verbose = false;
const named = process.argv.slice(2);
const projects = named.length > 0 ? named : ['unit', 'contract', 'integration', 'transparency'];
const first = await run([]);
process.exitCode = first.ok ? 0 : 1;
if (first.files.length > 0 && first.files.length <= secondRunsAtMost) {
  console.log(`\nFailed; once more, alone, for the reason only: ${first.files.join(', ')}`);
  const { ok } = await run(first.files);
  console.log(ok ? '\nFAILED among others, passed alone: look for a race.' : '\nFAILED, also alone.');
}

async function run(files: string[]): Promise<Outcome> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'mcp-proxy-test-'));
  const list = path.join(scratch, 'failed.json');
  const only = projects.flatMap((name) => ['--project', name]);
  const env = { ...process.env, [failedListVariable]: list };
  try {
    const { exitCode } = await $({ nothrow: true, stdio: 'inherit', env })`vitest run ${only} ${files}`;
    return { ok: exitCode === 0, files: exitCode === 0 ? [] : readList(list) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function readList(file: string): string[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
}
