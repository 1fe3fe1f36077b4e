// `npm test`: everything that runs on a developer's machine without a download; with names, those projects of vitest.
// A few files that failed get a second run, alone: it tells what is broken from what only fails among others. What passes
// then is printed, for it is a race in a test or in the product, and somebody has to look.
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
process.exitCode = (await runWithSecondLook()) ? 0 : 1;

async function runWithSecondLook(): Promise<boolean> {
  const first = await run([]);
  if (first.ok || first.files.length === 0 || first.files.length > secondRunsAtMost) return first.ok;
  console.log(`\nOnce more, alone: ${first.files.join(', ')}`);
  const second = await run(first.files);
  if (second.ok) console.log(`\nFAILED AT FIRST, passed alone (a race: look for it): ${first.files.join(', ')}`);
  return second.ok;
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
