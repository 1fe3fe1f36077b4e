// How a server of the fleet is started on this machine: what its starter downloads is kept for the next run, all else is
// in the run's own home.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../support/cache-folder.ts';
import { ensureUv } from '../support/real-servers.ts';
import type { FleetServer } from './server-row.ts';

const run = promisify(execFile);
const downloads = join(cacheFolder, 'fleet');
const goFolder = join(downloads, 'go');
/** A first download with everything that it needs, on a slow line. */
const downloadMs = 300_000;

export type Command = { command: string; args: string[]; env: Record<string, string> };
export type Places = { home: string; port: number };

/** Certificates and proxies of this machine, and where the starters keep what they downloaded. */
export const starterEnv: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && /^(?:SSL_CERT_(?:FILE|DIR)|NODE_EXTRA_CA_CERTS|(?:HTTPS?|NO|ALL)_PROXY)$/i.test(name)
        ? [[name, value]]
        : [],
    ),
  ),
  npm_config_cache: join(downloads, 'npm'),
  npm_config_prefer_offline: 'true',
  npm_config_update_notifier: 'false',
  UV_CACHE_DIR: join(downloads, 'uv'),
  UV_PYTHON_INSTALL_DIR: join(downloads, 'python'),
};

/** Absent folders are left out: then only what needs them cannot be started. */
export async function searchPath(): Promise<string> {
  const uv = await ensureUv();
  return ['bin' in uv ? uv.bin : '', process.env['PATH'] ?? ''].filter(Boolean).join(':');
}

/** Values put in but for `${PROJECT_ROOT}`, which is the session's. */
export function commandOf(server: Pick<FleetServer, 'command' | 'args' | 'env'>, places: Places): Command {
  const env = Object.entries(server.env ?? {}).map(([name, value]) => [name, fill(value, places)]);
  return {
    command: fill(server.command, places),
    args: server.args.map((arg) => fill(arg, places)),
    env: { ...starterEnv, ...Object.fromEntries(env) },
  };
}

/** `{project}` is filled in only where a folder is given. */
export function fill(text: string, { home, port }: Places, project?: string): string {
  const values: Record<string, string | undefined> = {
    home,
    project,
    port: String(port),
    bin: join(goFolder, 'bin'),
    chromium: browserPath(),
  };
  return text.replace(/\{(home|project|port|bin|chromium)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** Without the places of this machine. */
export function placeless(text: string, home: string): string {
  return text.replaceAll(home, '~').replaceAll(cacheFolder, '…').replace(/\s+/g, ' ');
}

function browserPath(): string {
  return ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => existsSync(path)) ?? 'chromium';
}

/** Downloads a server, so that no measured start waits for it; why not, if it cannot be had. */
export async function download(server: FleetServer, path: string): Promise<string | undefined> {
  const env = { ...process.env, ...starterEnv, ...server.env, PATH: path };
  const [program, args] = downloadCommand(server);
  try {
    await run(program, args, { timeout: downloadMs, env, maxBuffer: 64 * 1_024 * 1_024 });
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function downloadCommand({ command, args, package: name, version }: FleetServer): [string, string[]] {
  if (command === 'uvx') {
    // Options with one value each, then the program.
    const at = args.findIndex((arg, i) => i % 2 === 0 && !arg.startsWith('--'));
    return ['uvx', [...args.slice(0, at), 'python', '-c', '']];
  }
  if (command.startsWith('{bin}')) {
    const install = ['install', `${name}@${version}`];
    return ['env', [`GOBIN=${join(goFolder, 'bin')}`, `GOPATH=${goFolder}`, 'GOFLAGS=-modcacherw', 'go', ...install]];
  }
  return ['npm', ['exec', '--yes', `--package=${name}@${version}`, '--', 'node', '-e', '0']];
}

function reasonOf(error: unknown): string {
  const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const lines = (stderr || String(error)).split('\n').map((line) => line.trim());
  const telling = lines.filter((line) => /error|not found|no solution|failed|refused|denied/i.test(line));
  return (telling[0] ?? lines.find(Boolean) ?? 'unknown').slice(0, 200);
}
