// The wrapper's life toward the daemon, as a table that tests and docs read. Toward the host it is always alive.

export type RelayState = 'connecting' | 'hello' | 'ready' | 'lost' | 'draining' | 'degraded' | 'closed';

export type RelayEvent =
  /** A connection is being made and the hello is on its way. */
  | 'dial'
  | 'accepted'
  /** Absent and a daemon is being started. */
  | 'launch'
  /** Busy, or ended before its hello: tried again after a pause. */
  | 'failed'
  /** Refused, or cannot be started: requests are answered at once with the reason. */
  | 'refused'
  /** An accepted connection ended. */
  | 'lost'
  /** The daemon asked to send nothing more. */
  | 'drain'
  | 'end';

export const transitions: Readonly<Record<RelayState, Readonly<Partial<Record<RelayEvent, RelayState>>>>> = {
  connecting: { dial: 'hello', failed: 'lost', refused: 'degraded', end: 'closed' },
  hello: { accepted: 'ready', launch: 'connecting', failed: 'lost', refused: 'degraded', end: 'closed' },
  ready: { lost: 'lost', drain: 'draining', end: 'closed' },
  draining: { lost: 'lost', end: 'closed' },
  lost: { dial: 'hello', refused: 'degraded', end: 'closed' },
  // Requests keep their quick answer while the next try runs; only success leaves this state.
  degraded: {
    accepted: 'ready',
    dial: 'degraded',
    launch: 'degraded',
    failed: 'degraded',
    refused: 'degraded',
    end: 'closed',
  },
  closed: {},
};

/** The next state; an event that has no meaning in `state` changes nothing. */
export function transition(state: RelayState, event: RelayEvent): RelayState {
  return transitions[state][event] ?? state;
}
