// Sessions that no wrapper opened: nobody has an environment to ask for, and nothing was served before.
import type { EnvValues } from '../link/baseline-env.ts';
import { Session, type SessionOptions } from './session.ts';

export type Unwrapped = Omit<SessionOptions, 'served' | 'wants'> & {
  /** Of the variables that the config mentions: known from the start. */
  values: EnvValues;
};

export function createUnwrapped({ values, ...options }: Unwrapped): Session {
  const session = new Session({ ...options, served: {}, wants: [] });
  session.setValues(values);
  return session;
}

/** Nor has it a connection: each line that it is sent is handed over at once, so none is ever left unread. */
export function createUnconnected({
  onLine,
  ...options
}: Omit<Unwrapped, 'sink' | 'maxBufferedBytes'> & { onLine: (line: Buffer) => void }): Session {
  const sink = { send: onLine, bufferedBytes: 0, close: () => {} };
  return createUnwrapped({ ...options, sink, maxBufferedBytes: Number.POSITIVE_INFINITY });
}
