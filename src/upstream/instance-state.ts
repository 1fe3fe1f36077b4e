// The life of one running copy, as a table that tests and docs read.
import type { InstanceState } from '../link/control.ts';

export type InstanceEvent =
  /** Somebody needs it; after a pause if it died before. */
  | 'start'
  /** The server introduced itself. */
  | 'opened'
  /** Its last connection ended, or its start failed; the next call starts it again. */
  | 'gone'
  /** The same, too often in a row. */
  | 'crashLoop'
  /** Idle, asked for by a person, another config, or the end of the daemon. */
  | 'stop'
  /** All of its processes are gone. */
  | 'ended'
  /** A person restarts it: the crashes are forgotten. */
  | 'reset'
  /** Its long pause is over, or a session needs it that was not told of its failure: one start. */
  | 'retry';

export const instanceTransitions: Readonly<
  Record<InstanceState, Readonly<Partial<Record<InstanceEvent, InstanceState>>>>
> = {
  // `opened`: with an MCP session for each of ours, one may come while another one's start has just failed.
  stopped: { start: 'starting', opened: 'ready', crashLoop: 'failed', stop: 'stopping' },
  starting: { opened: 'ready', gone: 'stopped', crashLoop: 'failed', stop: 'stopping' },
  ready: { gone: 'stopped', crashLoop: 'failed', stop: 'stopping' },
  stopping: { ended: 'stopped' },
  // A stop leaves it failed: nothing of it runs, and it says nothing about the cause.
  failed: { reset: 'stopped', retry: 'stopped' },
};

/** The next state; an event that has no meaning in `state` changes nothing. */
export function nextInstanceState(state: InstanceState, event: InstanceEvent): InstanceState {
  return instanceTransitions[state][event] ?? state;
}
