// Runs the client scenarios of a revision one after the other, two at a time, and reads what the suite found. The suite
// itself would start all at once, with a daemon and a wrapper for each.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../../scripts/build-defines.ts';
import type { SuitePrograms } from '../suite-programs.ts';

export type Finding = { scenario: string; isScored: boolean; passed: number; failed: string[]; output: string };

const atOnce = 2;
/** Warns of a client that comes back 0.2 s late, which a machine with other work may cause. What is too early fails. */
const timed: ReadonlySet<string> = new Set(['sse-retry']);
const scenarioTimeoutMs = 90_000;

export async function runClientScenarios(
  programs: SuitePrograms,
  revision: string,
  only: (scenario: string) => boolean = () => true,
): Promise<Finding[]> {
  const { scored, others } = scenariosOf(programs, revision);
  const wanted = [...scored, ...others].filter(only);
  const findings: Finding[] = [];
  const work = async () => {
    for (let next = wanted.shift(); next !== undefined; next = wanted.shift()) {
      const output = await runScenario(programs, next, revision);
      const verdict = readVerdict(output, !timed.has(next));
      findings.push({ scenario: next, isScored: scored.includes(next), ...verdict, output });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return findings.sort((a, b) => (a.scenario < b.scenario ? -1 : 1));
}

/** Scenarios of `expected-failures.yaml`: nothing else may fail, and what is named there must. */
export function expectedFailures(): string[] {
  const text = readFileSync(join(import.meta.dirname, 'expected-failures.yaml'), 'utf8');
  return [...text.matchAll(/^\s+- (\S+)/gm)].map((match) => match[1] ?? '');
}

/** The frozen list of a revision is a file of the suite. */
function scenariosOf({ suite }: SuitePrograms, revision: string): { scored: string[]; others: string[] } {
  const text = readFileSync(join(dirname(suite), '..', 'requirements', `${revision}.yaml`), 'utf8');
  const section = /^client:\n((?: {2}- .*\n)+)/m.exec(text)?.[1] ?? '';
  const scored = [...section.matchAll(/^ {2}- (\S+)/gm)].map((match) => match[1] ?? '');
  const others = [...text.matchAll(/^ {2}- scenario: (\S+)\n {4}leg: client\n {4}reason: added-after-release/gm)];
  return { scored, others: others.map((match) => match[1] ?? '') };
}

function runScenario({ node, suite }: SuitePrograms, scenario: string, revision: string): Promise<string> {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const command = `${process.execPath} --import ${loader} ${join(root, 'test/conformance/client/scripted-client.ts')}`;
  const args = [suite, 'client', '--command', command, '--scenario', scenario, '--spec-version', revision, '--force'];
  const limits = ['--timeout', String(scenarioTimeoutMs)];
  const options = { cwd: tmpdir(), maxBuffer: 64 * 1024 * 1024, timeout: scenarioTimeoutMs + 30_000 };
  return new Promise((resolve) => {
    execFile(node, [...args, ...limits], options, (_, out, err) => resolve(`${out}${err}`));
  });
}

function readVerdict(output: string, countsWarnings: boolean): { passed: number; failed: string[] } {
  const passed = Number(/^Passed: (\d+)\//m.exec(output)?.[1] ?? 0);
  const list = /\nFailed Checks:\n([\s\S]*?)(?:\n\n|$)/.exec(output)?.[1] ?? '';
  const warned = /\nWarning Checks:\n([\s\S]*?)(?:\n\n|$)/.exec(output)?.[1] ?? '';
  const counted = countsWarnings ? `${list}\n${warned}` : list;
  const failed = [...counted.matchAll(/^ {2}- (.*)$/gm)].map((match) => match[1] ?? '');
  const isJudged = output.includes('OVERALL: PASSED') || (!countsWarnings && warned !== '');
  if (failed.length === 0 && !isJudged) failed.push('the client did not come to its end');
  return { passed, failed };
}
