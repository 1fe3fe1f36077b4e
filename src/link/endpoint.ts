// run/mcp-proxy-<name>.pid: what the daemon says about itself for people and programs. The socket decides, not this file.

import { randomBytes } from 'node:crypto';
import { createFileExclusive, readFileIfPresent } from '../base/atomic-file.ts';
import type { ProcessIdentity } from '../base/process-identity.ts';
import type { Build } from './build.ts';

export type Endpoint = ProcessIdentity & {
  build: Build;
  /** Major of the link protocol. */
  protocol: number;
  socket: string;
  /** TCP port on 127.0.0.1, absent while there is none. */
  port?: number;
  /** Names one life of a daemon; whoever removes the endpoint checks it first. */
  nonce: string;
  execPath: string;
};

/** The endpoint as written, or undefined if there is none or it is not readable as one. */
export function readEndpoint(pidPath: string): Endpoint | undefined {
  try {
    const text = readFileIfPresent(pidPath, 16_384);
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return isEndpoint(value) ? value : undefined;
  } catch {
    return undefined; // malformed: advisory, the socket decides
  }
}

function isEndpoint(value: unknown): value is Endpoint {
  if (typeof value !== 'object' || value === null) return false;
  const has = (key: string, type: string) => typeof Reflect.get(value, key) === type;
  return has('pid', 'number') && has('startTime', 'string') && has('socket', 'string') && has('nonce', 'string');
}

/**
 * The unguessable name under which a daemon holds its lock, and a starter its own: 128 random bits in a private file, as 32
 * hex characters, made by the first who asks; undefined if the file cannot be made or holds something else.
 */
export function readLockKey(path: string): string | undefined {
  try {
    if (readFileIfPresent(path) === undefined) createFileExclusive(path, `${randomBytes(16).toString('hex')}\n`);
    const key = readFileIfPresent(path)?.trim();
    return key !== undefined && /^[0-9a-f]{32}$/.test(key) ? key : undefined;
  } catch {
    return undefined; // read-only folder: a starter goes on, and the daemon's own lock decides
  }
}
