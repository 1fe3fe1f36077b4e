// What our own tools need of the daemon's other parts.
import type { Log } from '../base/log.ts';
import type { Forwarder } from '../calls/forward.ts';
import type { HeldNames } from '../calls/held-names.ts';
import type { Views } from '../calls/views.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { Roster } from '../sessions/roster.ts';
import type { Session } from '../sessions/session.ts';
import type { Supervisor } from '../upstream/supervisor.ts';

export type ModesDeps = {
  config: () => Config;
  views: Views;
  forwarder: Forwarder;
  heldNames: HeldNames;
  roster: Roster;
  supervisor: () => Supervisor;
  /** Full results lie here; emptied at start. */
  spillFolder: string;
  /** The tools that sessions have found lie here, for the daemon after this one. */
  poolFolder: string;
  /** And what became of their jobs. */
  jobFolder: string;
  /** Starts the server if need be and waits until its lists are known; rejects if it cannot. */
  learn: (session: Session, entry: ServerEntry) => Promise<void>;
  announceTo: (session: Session) => void;
  log: Log;
  now: () => number;
};
