// The built CLI as a person runs it, in a home of its own, with the example servers in its config.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root as repository } from '../../scripts/build-defines.ts';
import { isRecord } from '../../src/base/guards.ts';
import { isRunning } from '../../src/base/process-identity.ts';
import { findProcessesOf } from '../../src/cli/demo/processes.ts';
import { eventually } from './eventually.ts';

export type Outcome = { code: number | null; stdout: string; stderr: string };

export type CliHome = {
  home: string;
  root: string;
  project: string;
  env: Record<string, string>;
  configPath: string;
  run: (...words: string[]) => Promise<Outcome>;
  /** With that text on stdin. */
  runWithInput: (input: string, ...words: string[]) => Promise<Outcome>;
  /** Without waiting for its end. */
  spawn: (...words: string[]) => ChildProcess;
  /** pid of the daemon as its pid file says, if that process runs. */
  daemonPid: () => number | undefined;
  /** Ends the daemon, removes the home, and throws if a process of it was left. */
  close: () => Promise<void>;
};

export const exampleServer = (name: string) => join(repository, 'examples', 'servers', `${name}.mjs`);

export function openCliHome(): CliHome {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-e2e-')));
  const root = join(home, '.aitkit');
  const project = join(home, 'shop');
  mkdirSync(join(project, '.git'), { recursive: true });
  const configPath = join(root, 'lib', 'mcpproxy', 'mcp_proxy_config.json');
  mkdirSync(join(configPath, '..'), { recursive: true, mode: 0o700 });
  const mcpServers = {
    notes: { command: process.execPath, args: [exampleServer('notes')], sharing: 'shared' },
    'project-files': { command: process.execPath, args: [exampleServer('project-files'), '${PROJECT_ROOT}'] },
  };
  writeFileSync(configPath, JSON.stringify({ mcpServers }, null, 2), { mode: 0o600 });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    AITKIT_ROOT: root,
    MCPPROXY_PORT: 'off',
    XDG_CACHE_HOME: join(home, 'cache'),
  };
  const start = (words: readonly string[]) =>
    spawn(process.execPath, [join(repository, 'bin', 'mcp-proxy'), ...words], { cwd: project, env });
  const daemonPid = () => readDaemonPid(join(root, 'run', 'mcp-proxy-mcp-user.pid'));
  const runWithInput = (input: string, ...words: string[]) => outcomeOf(start(words), input);
  return {
    home,
    root,
    project,
    env,
    configPath,
    run: (...words) => runWithInput('', ...words),
    runWithInput,
    spawn: (...words) => start(words),
    daemonPid,
    close: async () => {
      await runWithInput('', 'stop', '--force');
      try {
        await eventually(() => findProcessesOf(home).length === 0, { what: 'all processes to end' });
      } finally {
        for (const pid of findProcessesOf(home)) process.kill(pid, 'SIGKILL');
        rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}

export async function outcomeOf(child: ChildProcess, input = ''): Promise<Outcome> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  child.stdin?.on('error', () => {}); // it ended without reading
  child.stdin?.end(input);
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

function readDaemonPid(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!isRecord(value) || typeof value['pid'] !== 'number' || typeof value['startTime'] !== 'string') return undefined;
  return isRunning({ pid: value['pid'], startTime: value['startTime'] }) ? value['pid'] : undefined;
}
