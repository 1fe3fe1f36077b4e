// One connection on the daemon's socket, from its first byte to its end, as a table that tests and docs read.

export type ConnectionState = 'fresh' | 'hello' | 'open' | 'draining' | 'drained' | 'http' | 'refused' | 'closed';

export type ConnectionEvent =
  /** The first byte opens a JSON object. */
  | 'brace'
  /** The first byte is anything else. */
  | 'other'
  | 'accepted'
  /** Another protocol, other settings, no hello, or the daemon is ending. */
  | 'refuse'
  /** The daemon is about to end. */
  | 'drain'
  /** The wrapper sends nothing more. */
  | 'drained'
  /** By either side; also what says nothing in time, or more than is allowed. */
  | 'close';

export const connectionTransitions: Readonly<
  Record<ConnectionState, Readonly<Partial<Record<ConnectionEvent, ConnectionState>>>>
> = {
  fresh: { brace: 'hello', other: 'http', close: 'closed' },
  hello: { accepted: 'open', refuse: 'refused', close: 'closed' },
  open: { drain: 'draining', close: 'closed' },
  // Calls under way are finished and answered.
  draining: { drained: 'drained', close: 'closed' },
  drained: { close: 'closed' },
  http: { close: 'closed' },
  refused: { close: 'closed' },
  closed: {},
};

/** The next state; an event that has no meaning in `state` changes nothing. */
export function nextConnectionState(state: ConnectionState, event: ConnectionEvent): ConnectionState {
  return connectionTransitions[state][event] ?? state;
}
