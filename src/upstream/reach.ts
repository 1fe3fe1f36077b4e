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
