// The control API as data: HTTP on the daemon's socket (and on 127.0.0.1 with the token). No verb can name a command.

import type { ListName } from '../mcp/lists.ts';
import type { Build } from './build.ts';

export const controlRoutes = {
  health: { method: 'GET', path: '/health' },
  ping: { method: 'GET', path: '/ping' },
  status: { method: 'GET', path: '/status' },
  events: { method: 'GET', path: '/events' },
  tools: { method: 'GET', path: '/tools' },
  tokens: { method: 'GET', path: '/tokens' },
  ensure: { method: 'POST', path: '/ensure' },
  start: { method: 'POST', path: '/start' },
  stop: { method: 'POST', path: '/stop' },
  restart: { method: 'POST', path: '/restart' },
  startAll: { method: 'POST', path: '/start-all' },
  stopAll: { method: 'POST', path: '/stop-all' },
  drain: { method: 'POST', path: '/drain' },
  reload: { method: 'POST', path: '/reload' },
  call: { method: 'POST', path: '/call' },
  explain: { method: 'POST', path: '/explain' },
} as const;

export type ControlVerb = keyof typeof controlRoutes;

/** Body of ensure, start, stop, restart. `projectDir` chooses the copy of a server that is shared by project. */
export type ServerRequest = { name: string; projectDir?: string };
/** Body of call. */
export type CallRequest = { server: string; tool: string; arguments?: unknown; projectDir?: string };
/** Body of drain. `restart`: the next session may start a new daemon at once; else the wrappers wait for a request. */
export type DrainRequest = { restart?: boolean; force?: boolean };

export type HealthReport = {
  status: 'ok' | 'draining';
  pid: number;
  build: Build;
  uptimeMs: number;
  sessions: number;
  servers: number;
  tools: number;
};

export type Memory = { pssBytes: number; rssBytes: number };
export type Sharing = 'shared' | 'project' | 'session';
export type InstanceState = 'stopped' | 'starting' | 'ready' | 'stopping' | 'failed';

export type Problem = { code: string; message: string; hint?: string };

/** `waitsFor` says what keeps it, in one sentence for a person. */
export type UpgradeStatus = { to: Build; waitsFor: string };

export type DaemonStatus = {
  name: string;
  pid: number;
  build: Build;
  protocol: number;
  nonce: string;
  since: string;
  uptimeMs: number;
  socket: string;
  /** Absent: not listening; `portProblem` says why if that was not wanted. */
  port?: number;
  portProblem?: string;
  configPath: string;
  dataDir: string;
  logPath: string;
  isDraining: boolean;
  /** A newer build is installed and takes over when nothing would be lost. */
  upgrade?: UpgradeStatus;
  idleExitMs: number;
  memory?: Memory;
  /** Variables and limits in force, after the environment was laid over the file. */
  settings: { topK: number; toolsLimit: number; mode: string; transport: string };
};

export type SessionStatus = {
  id: string;
  /** Absent over HTTP, where no process is known; then `address` says where it was opened from. */
  hostPid?: number;
  wrapperPid?: number;
  address?: string;
  projectDir: string;
  projectRoot: string;
  since: string;
  /** It has called something. */
  isActive: boolean;
  calls: number;
  lastCallAt?: string;
  client?: string;
  server?: string;
  mode: string;
  memory?: Memory;
};

export type InstanceStatus = {
  id: string;
  /** First characters of the key; equal keys share. */
  key: string;
  state: InstanceState;
  sharing: Sharing;
  /** Folder of the sessions that share it, for sharing by project: the project's root or a folder in it. */
  projectRoot?: string;
  sessionId?: string;
  pid?: number;
  since?: string;
  /** Absolute path of the program found on the session's PATH. */
  command?: string;
  cwd?: string;
  /** Names only. */
  environment: string[];
  processes: number;
  memory?: Memory;
  sessions: string[];
  inFlight: number;
  queued: number;
  calls: number;
  restarts: number;
  lastError?: Problem;
};

/** A list that a server did not give when it was asked last: with an error, without a list, or not at all. */
export type ListFailure = {
  list: ListName;
  reason: string;
  since: string;
  /** When it is asked again by itself; absent: with its next start, or when it says that something changed. */
  nextAt?: string;
  /** Entries of the last good answer, which are shown meanwhile; absent: there was none. */
  shown?: number;
};

/**
 * A definition that strict programs would refuse a whole list for: left out of it, or mended. The name is the server's own
 * text; the first hundred of each list are named.
 */
export type FaultReport = {
  list: ListName;
  name: string;
  what: string;
  isLeftOut: boolean;
};

export type ServerStatus = {
  name: string;
  /** What sessions see, where that is another name. */
  shownName?: string;
  kind: string;
  isEnabled: boolean;
  /** The worst or most telling state of its instances; `stopped` while there is none. */
  state: InstanceState | 'disabled' | 'invalid';
  sharing: Sharing;
  sharingReason: string;
  /** Folders that may see it; absent: all. */
  projects?: string[];
  /** From the last known lists. */
  tools?: number;
  /** Absent: there are none. */
  listFailures?: ListFailure[];
  instances: InstanceStatus[];
  lastError?: Problem;
  hazards: { at: string; what: string }[];
  /** Absent: none. */
  definitionFaults?: FaultReport[];
};

/** Measured: what runs now, and the same copies once for each session that has used or may use them. */
export type Savings = {
  processes: number;
  processesWithout: number;
  memoryBytes?: number;
  memoryBytesWithout?: number;
  method: string;
};

export type StatusReport = {
  daemon: DaemonStatus;
  config: { path: string; exists: boolean; error?: Problem; warnings: Problem[] };
  sessions: SessionStatus[];
  servers: ServerStatus[];
  savings: Savings;
  problems: Problem[];
};

export type ExplainReport = {
  server: string;
  projectDir: string;
  projectRoot: string;
  isVisible: boolean;
  sharing: Sharing;
  sharingReason: string;
  instanceKey: string;
  command?: string[];
  url?: string;
  cwd?: string;
  environment: string[];
  missing: string[];
  lines: string[];
};

/** What models are given, as texts: who asks counts their tokens. */
export type TokensReport = {
  projectRoot: string;
  /** Definitions by the key that `modes` and `sessions` name: name, description and argument schema of each tool. */
  lists: Record<string, { tools: number; names: string[]; text: string }>;
  /** What a session of this project would be given in each mode. */
  modes: { mode: string; list: string }[];
  servers: { server: string; tools: number; text: string }[];
  sessions: {
    id: string;
    client?: string;
    projectRoot: string;
    mode: string;
    reason: string;
    list: string;
    /** Answers to its tool calls, as servers sent them and as it was given them; without pictures and sound. */
    results: {
      count: number;
      bytes: number;
      sent: Record<'results' | 'fetched' | 'searches' | 'jobs', number>;
      /** A random choice of what was sent; on the socket alone, to count its tokens. */
      sample?: { bytes: number; pieces: string[] };
    };
  }[];
};

export type ToolSummary = { name: string; server: string; tool: string; title?: string; description?: string };

export type CopyState = { state: InstanceState; pid: number | undefined };
export type StartReport = { started: string; instances: CopyState[] };
/** A server without a copy is started. */
export type RestartReport = { restarted: string; instances: CopyState[] } | StartReport;
export type StartAllReport = {
  servers: ({ name: string; started: true } | { name: string; started: false; error: string })[];
};
/** Names of servers, and paths of settings as `http.port`; or why the last good config stays. */
export type ReloadReport =
  | { reloaded: true; added: string[]; removed: string[]; changed: string[]; restart: string[]; settings: string[] }
  | { reloaded: false; error: Problem | undefined };

/** What each verb answers. */
export type ControlReplies = {
  health: HealthReport;
  ping: { pong: true };
  status: StatusReport;
  /** A stream of server-sent events. */
  events: undefined;
  tools: ToolSummary[];
  tokens: TokensReport;
  ensure: StartReport;
  start: StartReport;
  stop: { stopped: string };
  restart: RestartReport;
  startAll: StartAllReport;
  stopAll: { stopped: string[] };
  drain: { draining: true };
  reload: ReloadReport;
  /** The result as its server wrote it. */
  call: unknown;
  explain: ExplainReport;
};
