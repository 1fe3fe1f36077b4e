// A daemon built from the sources as they are, with a root of its own and HTTP on a free port.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildDefines, root } from '../../scripts/build-defines.ts';
import { eventually } from './eventually.ts';

export const fixture = (name: string): string => join(root, 'test/fixtures/upstreams', name);

export type HttpDaemon = {
  folder: string;
  pid: number;
  port: number;
  token: string;
  url: (path: string) => string;
  log: () => string;
  writeConfig: (config: Record<string, unknown>) => void;
  hasEnded: () => boolean;
  /** Ends it and removes its folder. */
  stop: () => Promise<void>;
};

export type HttpDaemonOptions = {
  servers: Record<string, unknown>;
  settings?: Record<string, unknown>;
  env?: Record<string, string>;
  /** Contents of the `env` file. */
  envFile?: string;
};

export async function startHttpDaemon({ servers, settings, env, envFile }: HttpDaemonOptions): Promise<HttpDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-http-'));
  const data = join(folder, 'root/lib/mcpproxy');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const program = join(folder, 'daemon.cjs');
  await build({
    entryPoints: [join(root, 'src/daemon/main.ts')],
    absWorkingDir: root,
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    target: 'node20',
    define: buildDefines('test'),
    logLevel: 'error',
  });
  const writeConfig = (config: Record<string, unknown>) =>
    writeFileSync(join(data, 'mcp_proxy_config.json'), JSON.stringify(config));
  writeConfig({ mcpServers: servers, daemon: { idleExitMs: 600_000 }, ...settings });
  if (envFile !== undefined) writeFileSync(join(data, 'env'), envFile, { mode: 0o600 });
  const child = spawn(process.execPath, [program, '--foreground'], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      AITKIT_ROOT: join(folder, 'root'),
      XDG_CACHE_HOME: join(folder, 'cache'),
      MCPPROXY_PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-100_000);
  });
  const pidPath = join(folder, 'root/run/mcp-proxy-mcp-user.pid');
  const port = await eventually(() => portIn(pidPath, child, () => stderr), { what: 'the port' });
  return {
    folder,
    pid: child.pid ?? 0,
    port,
    token: readFileSync(join(data, 'token'), 'utf8').trim(),
    url: (path) => `http://127.0.0.1:${port}${path}`,
    log: () => stderr,
    writeConfig,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
        child.kill('SIGTERM');
        const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
        await ended;
        clearTimeout(timer);
      }
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function portIn(path: string, child: ChildProcess, stderr: () => string): number {
  if (child.exitCode !== null) throw new Error(`the daemon ended: ${stderr()}`);
  const endpoint: { port?: number } = JSON.parse(readFileSync(path, 'utf8'));
  if (endpoint.port === undefined) throw new Error('not listening yet');
  return endpoint.port;
}
