// What hosts and servers find on PATH: node (which one, how old), npx, uvx, and the commands of the configured servers.
import { execFile } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import type { Environment } from '../../link/locations.ts';
import { whyNodeTooOld } from '../node-version.ts';
import type { Check, CheckFinding, DoctorFacts } from './check.ts';

export const programs: Check = {
  name: 'programs',
  title: "node, npx, uvx and the servers' programs on PATH",
  run: async (facts) => [...(await nodeFindings(facts)), ...serverPrograms(facts)],
};

async function nodeFindings({ context: { env } }: DoctorFacts): Promise<CheckFinding[]> {
  const own = whyNodeTooOld(process.version);
  const findings: CheckFinding[] = own
    ? [{ severity: 'error', what: own.split('\n')[0] ?? own, fix: { say: 'Install Node.js 20 or newer.' } }]
    : [];
  const node = findProgram('node', env);
  if (node === undefined) {
    const say = `Put the folder of ${process.execPath} on the PATH that Claude Code is started with.`;
    return [
      ...findings,
      { severity: 'error', what: 'There is no node on PATH: hosts cannot start the plugin.', fix: { say } },
    ];
  }
  const version = await versionOf(node);
  if (version === undefined) {
    const what = `${node}, the node on PATH, does not say its version.`;
    return [...findings, { severity: 'error', what, fix: { say: `Try it: ${node} --version` } }];
  }
  if (whyNodeTooOld(version)) {
    const what = `${node}, the node on PATH, is ${version}; the daemon needs 20 or newer.`;
    findings.push({ severity: 'warning', what, fix: { say: 'Put a newer one first on PATH.' } });
  }
  return findings;
}

/** How to get the programs by which most servers are started. */
const installs: Readonly<Record<string, string>> = {
  npx: 'It comes with Node.js: install npm.',
  uvx: 'Install uv: https://docs.astral.sh/uv/',
  uv: 'Install uv: https://docs.astral.sh/uv/',
  docker: 'Install Docker, or start it.',
};

function serverPrograms({ config, context: { env } }: DoctorFacts): CheckFinding[] {
  if (!config.ok) return [];
  const users = new Map<string, string[]>();
  for (const { name, command, enabled, cwd, env: own } of config.config.servers) {
    // A reference, a path relative to a folder, or a PATH of its own is known only when a session asks.
    if (!enabled || command === undefined || command.includes('$') || command.includes('{env:')) continue;
    if (Object.hasOwn(own, 'PATH') || (command.includes('/') && !isAbsolute(command))) continue;
    if (cwd !== undefined && !isAbsolute(cwd)) continue;
    if (findProgram(command, env) === undefined) users.set(command, [...(users.get(command) ?? []), name]);
  }
  return [...users].map(([command, names]) => ({
    severity: 'error',
    what: `${command} is not ${isAbsolute(command) ? 'a program that can be run' : 'on this PATH'}: ${names.join(', ')} cannot start.`,
    fix: { say: installs[basename(command)] ?? 'Install it, or give its absolute path in the config.' },
  }));
}

export function findProgram(name: string, env: Environment): string | undefined {
  if (isAbsolute(name)) return isProgram(name) ? name : undefined;
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`, name] : [name];
  const folders = (env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  return folders.flatMap((folder) => names.map((file) => join(folder, file))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not ours to run
  }
}

/** A version manager's shim may install something or ask; 3 s is ample for one that only answers. */
function versionOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, ['--version'], { timeout: 3_000, maxBuffer: 4_096 }, (error, stdout) =>
      resolve(error ? undefined : stdout.trim()),
    );
  });
}
