// The first line each way on the socket, and the few messages of the link itself. Everything after the hello is MCP,
// one message a line; methods that start with `aitkit/` belong to the link and never come from or go to a host or server.
import { isRecord, stringRecord } from '../base/guards.ts';
import type { ProcessIdentity } from '../base/process-identity.ts';
import type { ListName } from '../mcp/lists.ts';
import type { EnvValues } from './baseline-env.ts';
import type { Build } from './build.ts';

export const linkPrefix = 'aitkit/';
export const linkMethods = {
  /** wrapper -> daemon, first line. Request with id "hello". */
  hello: 'aitkit/hello',
  /** daemon -> wrapper: names whose values the config needs now. */
  want: 'aitkit/want',
  /** wrapper -> daemon: the answer to `wants` of the hello and to `aitkit/want`. */
  env: 'aitkit/env',
  /** daemon -> wrapper, just before a list answer or after initialize: { list, etag }. */
  served: 'aitkit/served',
  /** daemon -> wrapper: send nothing more, this daemon is about to end. Answered by `drained`. */
  drain: 'aitkit/drain',
  /** wrapper -> daemon: nothing more will come on this connection. */
  drained: 'aitkit/drained',
} as const;

/** Longest hello line; it carries a PATH and a few names. */
export const maxHelloBytes = 256 * 1024;

/** Settings that a wrapper was given by its environment; they must agree with the running daemon's. */
export type SessionSettings = { configPath?: string; dataDir?: string; port?: string };

export type Hello = {
  protocol: number;
  build: Build;
  /** One life of a wrapper; a reconnect carries the same id, so the session goes on. */
  wrapperId: string;
  wrapper: ProcessIdentity;
  host: ProcessIdentity;
  projectDir: string;
  hostSessionId?: string;
  /** `--server`: one upstream, untouched. */
  server?: string;
  /** `--mode`. */
  mode?: string;
  settings: SessionSettings;
  /** Allow-listed variables (see baseline-env.ts). */
  env: EnvValues;
  /** Etags of the lists that the host last got, present on a reconnect and after a start from a face. */
  served?: Partial<Record<ListName, string>>;
};

export type HelloReply = {
  protocol: number;
  build: Build;
  daemon: ProcessIdentity;
  nonce: string;
  sessionId: string;
  /** Variables that the config mentions; `NAME*` for a prefix. */
  wants: string[];
};

export type HelloRefusal = { code: string; message: string; hint?: string };

export function parseHello(value: unknown): Hello | undefined {
  if (!isRecord(value) || !isIdentity(value['wrapper']) || !isIdentity(value['host'])) return undefined;
  if (typeof value['protocol'] !== 'number' || !isBuild(value['build'])) return undefined;
  if (typeof value['wrapperId'] !== 'string' || typeof value['projectDir'] !== 'string') return undefined;
  if (!/^[\w-]{8,64}$/.test(value['wrapperId'])) return undefined;
  const settings = isRecord(value['settings']) ? value['settings'] : {};
  return {
    protocol: value['protocol'],
    build: value['build'],
    wrapperId: value['wrapperId'],
    wrapper: value['wrapper'],
    host: value['host'],
    projectDir: value['projectDir'],
    ...text(value, 'hostSessionId'),
    ...text(value, 'server'),
    ...text(value, 'mode'),
    settings: { ...text(settings, 'configPath'), ...text(settings, 'dataDir'), ...text(settings, 'port') },
    env: stringRecord(value['env']),
    ...(isRecord(value['served']) ? { served: stringRecord(value['served']) } : {}),
  };
}

export function parseHelloReply(value: unknown): HelloReply | undefined {
  if (!isRecord(value) || !isIdentity(value['daemon']) || !isBuild(value['build'])) return undefined;
  if (typeof value['protocol'] !== 'number' || typeof value['nonce'] !== 'string') return undefined;
  if (typeof value['sessionId'] !== 'string' || !Array.isArray(value['wants'])) return undefined;
  return {
    protocol: value['protocol'],
    build: value['build'],
    daemon: value['daemon'],
    nonce: value['nonce'],
    sessionId: value['sessionId'],
    wants: value['wants'].filter((name): name is string => typeof name === 'string'),
  };
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return isRecord(value) && typeof value['pid'] === 'number' && typeof value['startTime'] === 'string';
}

function isBuild(value: unknown): value is Build {
  return isRecord(value) && typeof value['version'] === 'string' && typeof value['fingerprint'] === 'string';
}

function text<K extends string>(record: Record<string, unknown>, key: K): { [P in K]?: string } {
  const value = record[key];
  return typeof value === 'string' ? ({ [key]: value } as { [P in K]?: string }) : {};
}
