// Reads what comes back on one HTTP response and hands its messages out.

import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../../base/backoff.ts';
import type { AppError } from '../../../base/errors.ts';
import type { OversizeLine } from '../../../base/line-splitter.ts';
import { answeredNumber, parseEnvelope, withoutMark } from '../../../mcp/envelope.ts';
import { endsOf, readEnds } from '../../../mcp/envelope-ends.ts';
import { handOut } from '../message-lines.ts';
import type { TransportEvents } from '../transport.ts';
import { DecodedBody } from './decoded-body.ts';
import { EventStreamParser } from './event-stream.ts';
import { brokenOff, collect, errorText, isEventStream, noMessageError, noReplyError, whyClosed } from './http-call.ts';
import type { HttpResponse } from './http-client.ts';

export type ReadStream = {
  /** The reply to the request that the stream belongs to was on it. */
  isAnswered: boolean;
  events: number;
  lastEventId: string | undefined;
  retryMs: number | undefined;
  /** What came cannot be read. */
  problem: AppError | undefined;
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
  const read: ReadStream = {
    ...{ isAnswered: false, events: 0, lastEventId: undefined, retryMs: undefined, problem: undefined },
  };
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
      if (tag !== undefined && mayBeReplyTo(line, tag)) answered();
    },
    onFlood: floodGuard(response, (line) => {
      events.onOversize(line, tag);
      read.isAnswered = tag !== undefined;
    }),
  });
  body.on('data', (chunk: Buffer) => parser.push(chunk));
  await gate.through(response, () => new Promise<void>((resolve) => body.once('close', () => resolve())));
  read.problem = whyClosed(response);
  return read;
}

/**
 * What is packed can be a million times longer than what the server had to send, so it is not read on once it is over
 * the limit; what comes as it is costs whoever sends it as much as us.
 */
export function floodGuard(
  { body }: HttpResponse,
  onFlood: (line: OversizeLine) => void,
): ((line: OversizeLine) => void) | undefined {
  if (!(body instanceof DecodedBody)) return undefined;
  return (line) => {
    if (body.destroyed) return;
    body.destroy();
    onFlood(line);
  };
}

/** Hands out the message that is the whole body. Rejects if it breaks off or is none. */
export async function readJsonBody(response: HttpResponse, options: ReadOptions): Promise<void> {
  const { events, tag, gate, maxMessageBytes } = options;
  const found = await gate.through(response, () => collect(response, maxMessageBytes));
  if ('oversize' in found) return events.onOversize(found.oversize, tag);
  const text = withoutMark(found.bytes);
  if (response.body instanceof DecodedBody && response.body.isCut && !isJson(text)) throw brokenOff(response);
  let isAnswered = tag === undefined;
  const watched: Pick<TransportEvents, 'onMessage' | 'onGarbage'> = {
    onGarbage: events.onGarbage,
    onMessage: (line, stream) => {
      isAnswered ||= isAnswerTo(line, tag);
      events.onMessage(line, stream);
    },
  };
  if (!handOut(text, watched, tag)) throw noMessageError(response);
  // Nothing else comes on this response: whoever asked would wait for ever.
  if (!isAnswered) throw noReplyError(response, text);
}

function isJson(text: Buffer): boolean {
  try {
    JSON.parse(text.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** One that is not valid is told to whoever asked by its receiver, if its id can be read. */
function isAnswerTo(line: Buffer, requestId: string | undefined): boolean {
  const { id, hasMethod } = readEnds(endsOf(line));
  if (!hasMethod && isIdOf(id, requestId)) return true; // whoever gets it reads it whole
  const envelope = parseEnvelope(line);
  return (envelope.kind === 'response' || envelope.kind === 'invalid') && isIdOf(envelope.idText, requestId);
}

/** Of a message over the limit only the ends are left. */
function mayBeReplyTo(line: OversizeLine, requestId: string): boolean {
  const { id, hasMethod } = readEnds(line);
  return !hasMethod && (id === undefined || isIdOf(id, requestId));
}

function isIdOf(idText: string | undefined, requestId: string | undefined): boolean {
  return idText !== undefined && (idText === requestId || String(answeredNumber(idText)) === requestId);
}

export function isReplyTo(line: Buffer, requestId: string): boolean {
  const envelope = parseEnvelope(line);
  return envelope.kind === 'response' && isIdOf(envelope.idText, requestId);
}

// The GET stream of revisions with sessions: what belongs to no request. Asked for again whenever it ends.

type Aside = {
  signal: AbortSignal;
  firstRetryMs: number;
  reading: ReadOptions;
  open: (lastEventId: string | undefined) => Promise<HttpResponse>;
  onRefused: (response: HttpResponse, text: string) => void;
};

/** A server that is away for long is not asked more often than this. */
const maxRetryMs = 30_000;

/** Spread, so that many do not come back at once, but never before the time that the server named. */
export function retryDelay(failures: number, firstMs: number, random: () => number = Math.random): number {
  return Math.max(firstMs, backoffMs(failures, { firstMs, maxMs: maxRetryMs, factor: 1.5 }, random));
}

export async function listenAside({ signal, firstRetryMs, reading, open, onRefused }: Aside): Promise<void> {
  let lastEventId: string | undefined;
  let firstMs = firstRetryMs;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const response = await open(lastEventId).catch(() => undefined);
    if (response?.status === 200 && isEventStream(response)) {
      const read = await readEventStream(response, reading);
      lastEventId = read.lastEventId ?? lastEventId;
      firstMs = read.retryMs ?? firstMs;
      if (read.events > 0) failures = 0;
    } else if (response) {
      const text = await errorText(response);
      // 405 says that the server has no such stream; whatever else it refuses, asking again would not change it.
      if (response.status < 500) {
        if (response.status >= 400) onRefused(response, text);
        return;
      }
    }
    await delay(retryDelay(failures, firstMs), undefined, { signal, ref: false });
  }
}
