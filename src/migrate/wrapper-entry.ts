// The entry by which a program reaches the daemon: the stdio wrapper at its stable path. It needs no token, holds no
// secret, and can start the daemon.
import { join } from 'node:path';
import { defaultName } from '../link/locations.ts';
import type { TomlOp } from './documents/toml-document.ts';
import type { ConnectableHost } from './hosts.ts';
import type { World } from './world.ts';

export type WrapperCommand = { command: string; args: string[]; env?: Record<string, string> };

/** Variables that move our folders; an entry must lead to the same daemon as this command. */
const carried = ['AITKIT_ROOT', 'MCPPROXY_CONFIG_PATH', 'MCPPROXY_DATA_DIR', 'MCPPROXY_PORT'];

export function wrapperCommand(world: World, server?: string): WrapperCommand {
  const isWindows = world.platform === 'win32';
  const launcher = join(world.locations.binDir, isWindows ? 'run-mcp-proxy.cmd' : 'run-mcp-proxy');
  const own = [world.locations.name || defaultName, ...(server === undefined ? [] : ['--server', server])];
  const env = Object.fromEntries(carried.flatMap((name) => (world.env[name] ? [[name, world.env[name]]] : [])));
  return {
    // Windows starts a .cmd file through its shell only.
    command: isWindows ? 'cmd' : launcher,
    args: isWindows ? ['/c', launcher, ...own] : own,
    ...(Object.keys(env).length > 0 ? { env } : {}),
  };
}

/** In the form the program reads. */
export function wrapperEntryFor(world: World, host: ConnectableHost, server?: string): Record<string, unknown> {
  const { command, args, env } = wrapperCommand(world, server);
  if (host === 'opencode') {
    return { type: 'local', command: [command, ...args], ...(env ? { environment: env } : {}), enabled: true };
  }
  const needsType = host === 'claude-code' || host === 'vscode';
  return { ...(needsType ? { type: 'stdio' } : {}), command, args, ...(env ? { env } : {}) };
}

/** The tables of the entry in Codex's TOML. */
export function tomlWrapperTables(world: World, server?: string, name = 'mcp-proxy'): TomlOp[] {
  const { command, args, env } = wrapperCommand(world, server);
  const path = ['mcp_servers', name];
  const main: TomlOp = { op: 'toml-append', path, value: { command, args } };
  return env ? [main, { op: 'toml-append', path: [...path, 'env'], value: env }] : [main];
}
