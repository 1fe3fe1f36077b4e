// The entries by which a program reaches the daemon. As a rule the stdio wrapper at its stable path: it needs no token,
// holds no secret, and can start the daemon. For a program that cannot start a command, the daemon's address and token.

import { join } from 'node:path';
import { isRecord } from '../../base/guards.ts';
import { defaultName } from '../../link/locations.ts';
import type { TomlOp } from '../documents/toml-document.ts';
import type { World } from '../world.ts';
import type { ConnectableHost } from './hosts.ts';

export type WrapperCommand = { command: string; args: string[]; env?: Record<string, string> };

/** Where the daemon listens for programs without a wrapper. */
export type HttpAccess = { port: number; token: string };

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

/** The same for a program that only takes an address. Claude Desktop takes none in its file. */
export function httpEntryFor(host: ConnectableHost, access: HttpAccess, server?: string): Record<string, unknown> {
  const url = httpAddress(access.port, server);
  const headers = { Authorization: `Bearer ${access.token}` };
  if (host === 'codex') return { url, http_headers: headers };
  if (host === 'opencode') return { type: 'remote', url, headers, enabled: true };
  const needsType = host === 'claude-code' || host === 'vscode';
  return { ...(needsType ? { type: 'http' } : {}), url, headers };
}

export function httpAddress(port: number, server?: string): string {
  return `http://127.0.0.1:${port}/mcp${server === undefined ? '' : `/${encodeURIComponent(server)}`}`;
}

/** An entry as tables of Codex's TOML: one for itself, one for each group in it. */
export function tomlTables(name: string, entry: Record<string, unknown>): TomlOp[] {
  const path = ['mcp_servers', name];
  const plain = Object.entries(entry).filter(([, value]) => !isRecord(value));
  const groups = Object.entries(entry).filter(([, value]) => isRecord(value));
  return [
    { op: 'toml-append', path, value: texts(Object.fromEntries(plain)) },
    ...groups.map(([key, value]): TomlOp => ({ op: 'toml-append', path: [...path, key], value: texts(value) })),
  ];
}

function texts(value: unknown): Record<string, string | string[]> {
  const members = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    members.map(([key, inner]) => [key, Array.isArray(inner) ? inner.map(String) : String(inner)]),
  );
}
