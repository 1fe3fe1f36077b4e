// Reads what comes back on one HTTP response and hands its messages out.
import { parseEnvelope } from '../../mcp/envelope.ts';
import { EventStreamParser } from './event-stream.ts';
import { collect, noMessageError } from './http-call.ts';
import type { HttpResponse } from './http-client.ts';
import { handOut } from './message-lines.ts';
import type { TransportEvents } from './transport.ts';

export type ReadStream = {
  /** The reply to the request that the stream belongs to was on it. */
  isAnswered: boolean;
  events: number;
  lastEventId: string | undefined;
  retryMs: number | undefined;
};

export type ReadOptions = {
  events: TransportEvents;
  maxMessageBytes: number;
  gate: BodyGate;
  /** Raw id of the request that the response belongs to. */
  tag: string | undefined;
};

/** Time for a server to end the stream after the reply, so that the connection can be used again. */
const lingerMs = 1_000;

/** All bodies being read, so that they can be held back together. */
export class BodyGate {
  readonly #bodies = new Set<HttpResponse['body']>();
  #isClosed = false;

  pause(): void {
    this.#isClosed = true;
    for (const body of this.#bodies) body.pause();
  }

  resume(): void {
    this.#isClosed = false;
    for (const body of this.#bodies) body.resume();
  }

  /** `read` attaches its listeners synchronously. */
  async through<T>({ body }: HttpResponse, read: () => Promise<T>): Promise<T> {
    this.#bodies.add(body);
    try {
      const reading = read();
      if (this.#isClosed) body.pause();
      return await reading;
    } finally {
      this.#bodies.delete(body);
    }
  }
}

/** Hands out one event stream to its end, whatever ends it. */
export async function readEventStream(response: HttpResponse, options: ReadOptions): Promise<ReadStream> {
  const { events, tag, gate, maxMessageBytes } = options;
  const { body } = response;
  const read: ReadStream = { isAnswered: false, events: 0, lastEventId: undefined, retryMs: undefined };
  const answered = () => {
    if (read.isAnswered) return;
    read.isAnswered = true;
    setTimeout(() => body.destroy(), lingerMs).unref();
  };
  const parser = new EventStreamParser({
    maxDataBytes: maxMessageBytes,
    onEvent: ({ event, data }) => {
      if (event !== 'message') return;
      read.events += 1;
      handOut(data, events, tag);
      if (tag !== undefined && isReplyTo(data, tag)) answered();
    },
    onId: (id) => {
      read.lastEventId = id;
    },
    onRetry: (retryMs) => {
      read.retryMs = retryMs;
    },
    onOversize: (line) => {
      events.onOversize(line, tag);
      if (tag !== undefined) answered();
    },
  });
  body.on('data', (chunk: Buffer) => parser.push(chunk));
  await gate.through(response, () => new Promise<void>((resolve) => body.once('close', () => resolve())));
  return read;
}

/** Hands out the message that is the whole body. Rejects if it breaks off or is none. */
export async function readJsonBody(response: HttpResponse, options: ReadOptions): Promise<void> {
  const { events, tag, gate, maxMessageBytes } = options;
  const found = await gate.through(response, () => collect(response, maxMessageBytes));
  if ('oversize' in found) events.onOversize(found.oversize, tag);
  else if (!handOut(found.bytes, events, tag)) throw noMessageError(response);
}

export function isReplyTo(line: Buffer, requestId: string): boolean {
  const envelope = parseEnvelope(line);
  return envelope.kind === 'response' && envelope.idText === requestId;
}
