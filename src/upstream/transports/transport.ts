// What every way to reach an upstream offers: raw lines in, raw lines out. The relay never re-serialises what it does
// not own, so nothing here builds values.
import type { AppError } from '../../base/errors.ts';
import type { OversizeLine } from '../../base/line-splitter.ts';

export type TransportEvents = {
  /**
   * One message, a line that opens like a JSON object; whether it is one, the receiver finds out. Batches are split.
   * `stream`: on HTTP the raw id of the request whose reply stream carried it, absent for what belongs to no request.
   */
  onMessage: (line: Buffer, stream?: string) => void;
  /** Text on the protocol channel that is no message. The receiver redacts and shortens it. */
  onGarbage: (what: string) => void;
  /** A message over the limit; its ends, so that its request can be answered. */
  onOversize: (line: OversizeLine, stream?: string) => void;
  /**
   * HTTP: this one request failed, others go on. `error.data.mayHaveRun` is false only if it cannot have been executed.
   * Without this handler the failure comes as a JSON-RPC error reply through `onMessage`.
   */
  onRequestFailed?: (requestId: string, error: AppError) => void;
  /** HTTP: the server closed the stream of this request to have it resumed later, which is done. */
  onStreamPaused?: (requestId: string) => void;
  onStderr: (chunk: Buffer) => void;
  /** Exactly once, after all output was handed out. Nothing follows it. */
  onExit: (exit: TransportExit) => void;
};

export type TransportExit = {
  /**
   * `closed`: we ended it. `exited`: the process ended by itself. `lost`: the connection or the output ended while the
   * other side may still live. `spawn-failed`: it never started.
   */
  reason: 'closed' | 'exited' | 'lost' | 'spawn-failed';
  code?: number | null;
  signal?: string | null;
  error?: unknown;
};

export type SendOptions = {
  headers?: Readonly<Record<string, string>> | undefined;
  /** Only to find something out, before the handshake: nobody is asked to log in for it, and it opens no session. */
  isProbe?: boolean | undefined;
};

export type Transport = {
  readonly pid?: number | undefined;
  /**
   * Resolves when written, so awaiting it is back-pressure. `requestId`: raw id text if it is a request; what happens to
   * it later comes through the events. Rejects if the transport is gone, and on HTTP if a message without id was refused.
   */
  send: (line: Buffer, requestId?: string, options?: SendOptions) => Promise<void>;
  /** Carries each request with headers of its own. */
  readonly takesHeaders?: boolean;
  /** Gives up waiting for the reply to a request (HTTP: closes its stream). */
  cancel?: (requestId: string) => void;
  /** Idempotent; resolves when everything that was started is gone. */
  close: (reason: string) => Promise<void>;
  setProtocolVersion?: (version: string) => void;
  /** Stops reading until `resume`, for a receiver that cannot keep up. */
  pause: () => void;
  resume: () => void;
};
