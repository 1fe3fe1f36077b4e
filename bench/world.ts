// A scratch root with a daemon of its own for each measurement; ended and removed afterwards.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../scripts/build-defines.ts';
import type { Command } from './rpc-process.ts';

const packages = join(root, 'node_modules/@modelcontextprotocol');
export const everything: Command = {
  command: process.execPath,
  args: [join(packages, 'server-everything/dist/index.js')],
};
export const memory = (file: string): Command => ({
  command: process.execPath,
  args: [join(packages, 'server-memory/dist/index.js')],
  env: { MEMORY_FILE_PATH: file },
});
export const filesystem = (folder: string): Command => ({
  command: process.execPath,
  args: [join(packages, 'server-filesystem/dist/index.js'), folder],
});

export type World = {
  folder: string;
  project: string;
  env: Record<string, string>;
  wrapper: Command;
  daemonPid: () => number | undefined;
  close: () => Promise<void>;
};

export function createWorld(servers: Record<string, unknown>, daemon: Record<string, unknown> = {}): World {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-bench-'));
  const project = join(folder, 'project');
  const data = join(folder, 'root/lib/mcpproxy');
  mkdirSync(join(project, '.git'), { recursive: true });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(join(data, 'mcp_proxy_config.json'), JSON.stringify({ mcpServers: servers, daemon }));
  const env = {
    AITKIT_ROOT: join(folder, 'root'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    MCPPROXY_PORT: 'off',
    CLAUDE_PROJECT_DIR: project,
  };
  const pidPath = join(folder, 'root/run/mcp-proxy-mcp-user.pid');
  const daemonPid = () => {
    try {
      const endpoint: { pid: number } = JSON.parse(readFileSync(pidPath, 'utf8'));
      return endpoint.pid;
    } catch {
      return undefined; // not running
    }
  };
  return {
    folder,
    project,
    env,
    wrapper: { command: process.execPath, args: [join(root, 'bin/run-mcp-proxy'), 'mcp-user'], env, cwd: project },
    daemonPid,
    close: async () => {
      const pid = daemonPid();
      if (pid !== undefined) process.kill(pid, 'SIGTERM');
      const deadline = Date.now() + 15_000;
      while (pid !== undefined && existsSync(`/proc/${pid}`) && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Proportional share of memory in KiB, as the kernel counts it. Linux only. */
export function pssKib(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? Number.NaN);
}
