// One run of the official suite against one address, and what it found.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SuitePrograms } from './suite-programs.ts';

export type Tally = { scenarios: number; failed: string[]; checks: number; failedChecks: number };

/** Which scenarios: `active`, or exactly those that a revision requires. */
export type Selection = { suite: string } | { requirements: string };

export type SuiteResult = {
  /** Those that the selection counts, and all that it ran. */
  scored: Tally;
  all: Tally;
  /** As printed, for a person who looks into a failure. */
  output: string;
};

export type SuiteRun = { programs: SuitePrograms; url: string; select: Selection };

export async function runSuite({ programs, url, select }: SuiteRun): Promise<SuiteResult> {
  const which = 'suite' in select ? ['--suite', select.suite] : ['--requirements', select.requirements];
  // It writes its findings into its working folder.
  const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-suite-'));
  const args = [programs.suite, 'server', '--url', url, ...which];
  try {
    const output = await new Promise<string>((resolve) => {
      execFile(programs.node, args, { cwd: folder, maxBuffer: 64 * 1024 * 1024, timeout: 240_000 }, (_, out, err) =>
        resolve(`${out}${err}`),
      );
    });
    return readSummary(output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Scenarios that the file next to this one names: they must fail, and nothing else may. */
export function failuresIn(name: string): string[] {
  const text = readFileSync(join(import.meta.dirname, name), 'utf8');
  return [...text.matchAll(/^ +- ([\w-]+)$/gm)].map((match) => match[1] ?? '');
}

/** The lines of its summary: `✓ name: n passed, m failed`; what a revision does not score is named after it. */
function readSummary(output: string): SuiteResult {
  const notScored = new Set(
    [...output.matchAll(/^\s+[✓✗] ([\w-]+) \((?:extension|pending|added-after-release)\)/gm)].map((match) => match[1]),
  );
  const lines = [...output.matchAll(/^([✓✗]) ([\w-]+): (\d+) passed, (\d+) failed/gm)].map((match) => ({
    isGood: match[1] === '✓',
    name: match[2] ?? '',
    passed: Number(match[3]),
    failed: Number(match[4]),
  }));
  const tally = (some: typeof lines): Tally => ({
    scenarios: some.length,
    failed: some.filter(({ isGood }) => !isGood).map(({ name }) => name),
    checks: some.reduce((sum, { passed, failed }) => sum + passed + failed, 0),
    failedChecks: some.reduce((sum, { failed }) => sum + failed, 0),
  });
  return { scored: tally(lines.filter(({ name }) => !notScored.has(name))), all: tally(lines), output };
}
