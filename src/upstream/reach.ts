import { mkdirSync } from 'node:fs';
import type { ServerEntry } from '../config/server-entry.ts';
import type { EnvValues } from '../link/baseline-env.ts';
import type { Asker, Resolved } from './resolve.ts';
import type { Transport, TransportEvents } from './transports/transport.ts';

/** How the copies of one kind of upstream are reached. */
export type Opener = {
  /** false: one pipe for all; true: an MCP session of its own for each of ours. */
  isPerSession: boolean;
  /** A process of ours: its deaths say something about it. A connection that is lost says nothing about the server. */
  isLocal: boolean;
  /** The protocol version in which a server that was never seen is asked first, where that is not the oldest way. */
  presumedVersion?: string;
  open: (events: TransportEvents, owner: string | undefined) => Promise<Transport>;
  /** Ends a process that outlives its connections. */
  close?: (reason: string) => Promise<void>;
  pid: () => number | undefined;
  /** For `status`; names of variables only. */
  describe: () => LaunchDescription;
};

export type LaunchDescription = { command?: string; cwd?: string; environment: string[] };

export type OpenerRequest = {
  entry: ServerEntry;
  resolved: Resolved;
  instanceId: string;
  /** The session that causes the start at hand: PATH and the like are its own. */
  starter: () => Asker;
  /** Headers belong to the MCP session: each of ours has its own values in them. */
  headersOf: (owner: string | undefined) => Readonly<Record<string, string>>;
  startTimeoutMs: number;
};

/** The environment of a copy: what every program needs, from the session that starts it, and what is configured. */
export function instanceEnv({ resolved, starter }: OpenerRequest): EnvValues {
  return { ...starter().baseline, ...resolved.spec.inheritedEnv, ...resolved.spec.env };
}

/** The empty folder of a shared copy is ours to make; a configured folder or a project never is. */
export function ensureWorkFolder(cwd: string, workDir: string): void {
  if (cwd.startsWith(workDir)) mkdirSync(cwd, { recursive: true, mode: 0o700 });
}
