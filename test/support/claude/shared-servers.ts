// The servers of the end-to-end tests: real ones from npm, started by absolute path so that no test needs the network.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../../../scripts/build-defines.ts';
import { locationsOf } from './daemon-view.ts';
import { processesOf, type World, type WorldProcess, writeJson } from './world.ts';

export type ServerName = 'everything' | 'memory' | 'filesystem';

/** Short, so that a test sees the daemon go; long enough that a session after another finds it. */
export const idleExitMs = 1_500;

function program(server: ServerName): string {
  return join(root, 'node_modules', '@modelcontextprotocol', `server-${server}`, 'dist', 'index.js');
}

/** Shares the three servers: two by everyone, the filesystem by project. `longName` names the first one once more. */
export function shareServers(world: World, longName?: string): void {
  const { configPath } = locationsOf(world);
  const node = process.execPath;
  const everything = { command: node, args: [program('everything'), 'stdio'], sharing: 'shared' };
  mkdirSync(dirname(configPath), { recursive: true, mode: 0o700 });
  mkdirSync(join(world.home, '.aitkit'), { recursive: true, mode: 0o700 });
  writeJson(configPath, {
    mcpServers: {
      everything,
      ...(longName === undefined ? {} : { [longName]: everything }),
      memory: {
        command: node,
        args: [program('memory')],
        env: { MEMORY_FILE_PATH: join(world.root, 'memory.jsonl') },
        sharing: 'shared',
      },
      filesystem: { command: node, args: [program('filesystem'), '${PROJECT_ROOT}'] },
    },
    daemon: { idleExitMs },
    http: { port: 0 },
  });
}

/** Running copies of that server. */
export function copiesOf(world: World, server: ServerName): WorldProcess[] {
  return processesOf(world).filter(({ command }) => command.includes(program(server)));
}

/** The name under which the client knows a tool of a shared server. */
export function toolName(server: ServerName, tool: string): string {
  return `mcp__plugin_mcp-proxy_s__${server}__${tool}`;
}
