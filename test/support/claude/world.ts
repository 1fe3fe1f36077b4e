// A scratch HOME with a client in it, its projects and its stand-in API. Everything that runs there carries that HOME
// in its environment, so that nothing can be left behind unseen.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, linuxStat, type ProcessIdentity } from '../../../src/base/process-identity.ts';
import { eventually } from '../eventually.ts';
import { type ClientVersion, ensureClient } from './client-binary.ts';
import { type MessagesApi, startMessagesApi } from './messages-api.ts';

export type World = {
  root: string;
  home: string;
  client: string;
  version: ClientVersion;
  api: MessagesApi;
  /** Folder of a project; made, trusted and a git repository. */
  project: (name: string) => string;
};

export type WorldProcess = ProcessIdentity & { ppid: number; command: string };

const apiKey = 'sk-ant-not-a-key-0000000000000000000000';

export async function makeWorld(version: ClientVersion, projects: readonly string[]): Promise<World> {
  if (process.platform !== 'linux') throw new Error('These tests find processes in /proc: they run on Linux only.');
  const client = await ensureClient(version);
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-claude-')));
  const home = join(root, 'my home');
  const project = (name: string) => join(root, 'projects', name);
  mkdirSync(join(home, '.claude'), { recursive: true });
  for (const name of projects) {
    mkdirSync(project(name), { recursive: true });
    execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: project(name), env: plainEnv(home) });
  }
  // These keys answer every first-run dialog, so that an interactive session opens with its prompt.
  writeJson(join(home, '.claude.json'), {
    hasCompletedOnboarding: true,
    lastOnboardingVersion: '9.9.9',
    theme: 'dark',
    autoUpdates: false,
    bypassPermissionsModeAccepted: true,
    customApiKeyResponses: { approved: [apiKey.slice(-20)], rejected: [] },
    projects: Object.fromEntries(
      projects.map((name) => [
        project(name),
        { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true, allowedTools: [] },
      ]),
    ),
  });
  return { root, home, client, version, api: await startMessagesApi(), project };
}

/** Ends whatever still runs in the world, removes it and returns what had to be ended. A test expects an empty list. */
export async function endWorld(world: World): Promise<WorldProcess[]> {
  const left = processesOf(world);
  for (const { pid } of left) signal(pid, 'SIGKILL');
  await eventually(() => processesOf(world).length === 0, { what: 'the last processes to end' });
  await world.api.close();
  rmSync(world.root, { recursive: true, force: true, maxRetries: 5 });
  return left;
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // already gone
  }
}

/** Nothing of the caller's environment but what a shell needs: no key, no proxy, no setting of another client. */
export function plainEnv(home: string): Record<string, string> {
  const env: Record<string, string> = { HOME: home, LANG: 'C.UTF-8', TERM: 'xterm-256color' };
  for (const name of ['PATH', 'USER', 'SHELL', 'TMPDIR']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

export function clientEnv(world: World): Record<string, string> {
  return {
    ...plainEnv(world.home),
    ANTHROPIC_BASE_URL: world.api.url,
    ANTHROPIC_API_KEY: apiKey,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_ERROR_REPORTING: '1',
  };
}

/** Living processes of this world, found by HOME: daemonised ones too, as a daemon keeps HOME. */
export function processesOf(world: World): WorldProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => worldProcess(Number(name), world.home));
}

function worldProcess(pid: number, home: string): WorldProcess[] {
  try {
    if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOME=${home}`)) return [];
    const stat = linuxStat(pid);
    if (stat === undefined || !isRunning(stat)) return [];
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return [{ pid, startTime: stat.startTime, ppid: stat.ppid, command }];
  } catch {
    return []; // gone meanwhile, or another user's
  }
}

export function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
