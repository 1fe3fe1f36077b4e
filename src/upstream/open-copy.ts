// One start of a copy, or of one more MCP session with it: within its time, until it is stopped, and once more in the oldest
// way where the newer one ends the server.
import { AppError } from '../base/errors.ts';
import { eraOf } from '../mcp/eras/eras.ts';
import { timeoutError } from './instance-errors.ts';
import type { StderrSink } from './process/stderr-sink.ts';
import type { Opener } from './reach.ts';
import { openSlot, type Slot, type SlotEvents } from './slot.ts';

export type StartOptions = {
  server: string;
  opener: Opener;
  capabilities: Record<string, unknown>;
  /** The protocol version that a copy of the same identity spoke last; asked with each start. */
  knownVersion?: () => string | undefined;
  startTimeoutMs: number;
  stderr: StderrSink;
};

type Start = {
  /** The session that it is for; undefined: for all. */
  owner: string | undefined;
  /** Aborted by a stop, with its reason. */
  signal: AbortSignal;
  /** Nothing of this copy runs yet: its words begin anew. */
  isFirst: () => boolean;
  events: SlotEvents;
};

export async function openCopy(options: StartOptions, { owner, signal, isFirst, events }: Start): Promise<Slot> {
  const { opener, server, stderr, capabilities, startTimeoutMs, knownVersion } = options;
  // Not AbortSignal.any: the long-lived one would remember each start for as long as it lives.
  const given = new AbortController();
  const timer = setTimeout(() => given.abort(timeoutError(server, startTimeoutMs)), startTimeoutMs);
  const onStop = () => given.abort(signal.reason);
  if (signal.aborted) onStop();
  signal.addEventListener('abort', onStop);
  const open = (version: string | undefined) => {
    if (isFirst()) stderr.begin();
    return openSlot({
      ...{ server, owner, capabilities, stderr, events, knownVersion: version },
      ...{ signal: given.signal, limitMs: startTimeoutMs },
      open: (transportEvents) => opener.open(transportEvents, owner),
    });
  };
  const known = knownVersion?.();
  try {
    // Some older servers end when they are asked the newer way first; that is no fault of theirs.
    return await open(known ?? opener.presumedVersion).catch((error: unknown) => {
      const hasEnded = opener.isLocal && error instanceof AppError && error.code === 'SERVER_START_FAILED';
      if (eraOf(known).hasHandshake || !hasEnded || given.signal.aborted) throw error;
      return open(undefined);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onStop);
  }
}
