// Streamable HTTP: one POST for each message, replies as JSON or as an event stream, one GET stream for what belongs to
// no request. One object is one MCP session with the server; when the server has forgotten it, the object ends as lost.
import { AppError } from '../../../base/errors.ts';
import { type Envelope, parseEnvelope } from '../../../mcp/envelope.ts';
import { eraOf, eraOfMessage } from '../../../mcp/eras/eras.ts';
import { appErrorLine } from '../../../mcp/messages.ts';
import { handOut } from '../message-lines.ts';
import type { SendOptions, Transport, TransportEvents, TransportExit } from '../transport.ts';
import {
  brokenOff,
  type Credentials,
  call,
  closedError,
  errorText,
  forgottenError,
  isEventStream,
  mergeHeaders,
  withoutRenewal,
} from './http-call.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts';
import { isOfGateway, refusalOf, speaksOtherEra } from './http-refusal.ts';
import { BodyGate, isReplyTo, listenAside, type ReadOptions, readJsonBody } from './http-replies.ts';
import { readStreamedReply } from './http-resume.ts';

export type HttpSpec = { url: URL; headers: Readonly<Record<string, string>>; maxMessageBytes: number };
export type HttpDeps = {
  client: HttpClient;
  credentials?: Credentials;
  /** First wait before a broken stream is asked for again, unless the server names one. */
  firstRetryMs?: number;
};

/** A notification is acknowledged at once by any server; one that is silent for so long is not going to. */
const notificationTimeoutMs = 30_000;

/** The session is forgotten by itself later, so its end must not hold up ours. */
const deleteTimeoutMs = 2_000;

export function openHttp(spec: HttpSpec, events: TransportEvents, deps: HttpDeps): Transport {
  return new HttpTransport(spec, events, deps);
}

type Sent = { envelope: Envelope; requestId: string; options: SendOptions };

class HttpTransport implements Transport {
  readonly #spec: HttpSpec;
  readonly #events: TransportEvents;
  readonly #deps: HttpDeps;
  readonly #requests = new Map<string, AbortController>();
  readonly #gate = new BodyGate();
  readonly #ended = new AbortController();
  #sessionId: string | undefined;
  #version: string | undefined;
  #era = eraOf(undefined);
  #introduced: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;
  #isListening = false;

  constructor(spec: HttpSpec, events: TransportEvents, deps: HttpDeps) {
    this.#spec = spec;
    this.#events = events;
    this.#deps = deps;
  }

  readonly takesHeaders = true;

  async send(line: Buffer, requestId?: string, options: SendOptions = {}): Promise<void> {
    const envelope = parseEnvelope(line);
    if (envelope.kind === 'notification' && !this.#era.http.sendsNotifications) return;
    const before = this.#introduced;
    if (isInitialized(envelope)) {
      // What is sent after it waits for it to arrive: on a connection of its own it could overtake.
      const sent = before.then(() => this.#notify(envelope));
      this.#introduced = sent.catch(() => {}); // told to whoever sent it
      return sent;
    }
    await before;
    if (requestId === undefined) return this.#notify(envelope);
    if (this.#ended.signal.aborted) throw closedError(this.#spec.url);
    await new Promise<void>((resolve) => void this.#request({ envelope, requestId, options }, resolve));
  }

  cancel(requestId: string): void {
    this.#requests.get(requestId)?.abort();
  }

  setProtocolVersion(version: string): void {
    this.#version = version;
    this.#era = eraOf(version);
  }

  close(_reason: string): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  pause(): void {
    this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  async #notify(envelope: Envelope): Promise<void> {
    if (this.#ended.signal.aborted) throw closedError(this.#spec.url);
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(notificationTimeoutMs)]);
    const response = await this.#post(envelope, signal);
    if (response.status >= 300) {
      const error = this.#refusal(response, await errorText(response));
      this.#exitIfForgotten(error);
      throw error;
    }
    response.discard();
    if (isInitialized(envelope)) this.#startListening();
  }

  async #request({ envelope, requestId, options }: Sent, onSent: () => void): Promise<void> {
    const abort = new AbortController();
    this.#requests.set(requestId, abort);
    const signal = AbortSignal.any([this.#ended.signal, abort.signal]);
    try {
      const response = await this.#post(envelope, signal, { ...options, onSent });
      await this.#reply(response, requestId, { signal, isProbe: options.isProbe === true });
    } catch (error) {
      if (!signal.aborted) this.#fail(requestId, error);
      this.#exitIfForgotten(error);
    } finally {
      this.#requests.delete(requestId);
      onSent();
    }
  }

  async #post(
    envelope: Envelope,
    signal: AbortSignal,
    own: SendOptions & { onSent?: () => void } = {},
  ): Promise<HttpResponse> {
    const { onSent, headers, isProbe = false } = own;
    const request = {
      method: 'POST',
      headers: {
        ...headers,
        ...this.#sessionHeaders(),
        ...eraOfMessage(envelope, this.#era).http.routingHeaders(envelope),
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      },
      body: envelope.line,
      ...(onSent ? { onSent } : {}),
    };
    const response = await this.#call(signal, request, isProbe);
    const sessionId = response.headers['mcp-session-id'];
    if (isProbe) return response;
    // Only what the specification allows: the id becomes a header of ours.
    if (typeof sessionId === 'string' && /^[\x21-\x7e]{1,1024}$/.test(sessionId)) this.#sessionId ??= sessionId;
    return response;
  }

  #get(signal: AbortSignal, lastEventId: string | undefined): Promise<HttpResponse> {
    const resume: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return this.#call(signal, {
      method: 'GET',
      headers: { ...this.#sessionHeaders(), accept: 'text/event-stream', ...resume },
    });
  }

  #call(signal: AbortSignal, request: Omit<HttpRequest, 'url' | 'signal'>, isProbe = false): Promise<HttpResponse> {
    const headers = mergeHeaders(this.#spec.headers, request.headers);
    const { client, credentials } = this.#deps;
    const known = isProbe && credentials ? withoutRenewal(credentials) : credentials;
    return call(client, { ...request, url: this.#spec.url, headers, signal }, known);
  }

  #sessionHeaders(): Record<string, string> {
    return this.#era.http.sessionHeaders({ id: this.#sessionId, version: this.#version });
  }

  async #reply(
    response: HttpResponse,
    requestId: string,
    { signal, isProbe }: { signal: AbortSignal; isProbe: boolean },
  ): Promise<void> {
    if (response.status === 200) {
      if (isEventStream(response)) await this.#readReply(response, requestId, signal);
      else await readJsonBody(response, this.#reading(requestId));
      return;
    }
    const text = await errorText(response);
    // Servers of the stateless era, and some others, put the JSON-RPC error into the error response.
    const line = Buffer.from(text);
    const isReply = isReplyTo(line, requestId) && !speaksOtherEra(text, this.#version);
    if (!isReply || isOfGateway(response.status, isProbe)) throw this.#refusal(response, text);
    handOut(line, this.#events, requestId);
  }

  #readReply(first: HttpResponse, requestId: string, signal: AbortSignal): Promise<void> {
    return readStreamedReply(first, {
      ...{ signal, reading: this.#reading(requestId), firstRetryMs: this.#firstRetryMs },
      isResumable: () => this.#era.http.resumesStreams,
      onPaused: () => this.#events.onStreamPaused?.(requestId),
      resume: (lastEventId) => this.#resume(lastEventId, signal),
    });
  }

  /** The rest of a stream; undefined if the server could not be reached this time. */
  async #resume(lastEventId: string, signal: AbortSignal): Promise<HttpResponse | undefined> {
    const response = await this.#get(signal, lastEventId).catch(() => undefined);
    if (!response || response.status >= 500) {
      response?.discard();
      return undefined;
    }
    if (response.status === 200 && isEventStream(response)) return response;
    const text = await errorText(response);
    this.#exitIfForgotten(this.#refusal(response, text));
    throw brokenOff(response); // the request itself got through before
  }

  #startListening(): void {
    if (this.#isListening || !this.#era.http.hasStreamAside) return;
    this.#isListening = true;
    const { signal } = this.#ended;
    listenAside({
      ...{ signal, firstRetryMs: this.#firstRetryMs, reading: this.#reading(undefined) },
      open: (lastEventId) => this.#get(signal, lastEventId),
      onRefused: (response, text) => this.#exitIfForgotten(this.#refusal(response, text)),
    }).catch(() => {}); // only the end of the transport interrupts it
  }

  #reading(tag: string | undefined): ReadOptions {
    return { events: this.#events, maxMessageBytes: this.#spec.maxMessageBytes, gate: this.#gate, tag };
  }

  get #firstRetryMs(): number {
    return this.#deps.firstRetryMs ?? 1_000; // as the SDKs do it, and what the event stream standard suggests
  }

  #refusal(response: HttpResponse, text: string): AppError {
    const conversation = { version: this.#version, hasSession: this.#sessionHeaders()['mcp-session-id'] !== undefined };
    return refusalOf(response, text, { ...conversation, headers: this.#spec.headers });
  }

  /** The request that found out did not run; of the others nobody knows. */
  #exitIfForgotten(error: unknown): void {
    if (!(error instanceof AppError) || error.data?.['isSessionLost'] !== true) return;
    this.#exit({ reason: 'lost', error: forgottenError(this.#spec.url, true) });
  }

  #fail(requestId: string, error: unknown): void {
    const known = error instanceof AppError ? error : brokenOff({ url: this.#spec.url });
    if (this.#events.onRequestFailed) this.#events.onRequestFailed(requestId, known);
    else this.#events.onMessage(appErrorLine(requestId, known), requestId);
  }

  async #close(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    const headers = this.#sessionHeaders();
    this.#exit({ reason: 'closed' });
    if (headers['mcp-session-id'] === undefined) return;
    try {
      const response = await this.#call(AbortSignal.timeout(deleteTimeoutMs), { method: 'DELETE', headers });
      response.discard(); // 405: the server does not let clients end sessions
    } catch {
      // it is away, or slow: the session ends by itself
    }
  }

  #exit(exit: TransportExit): void {
    if (this.#ended.signal.aborted) return;
    // Read on, if held back: an aborted stream tells its end only to who reads it.
    this.#gate.resume();
    this.#ended.abort();
    this.#events.onExit(exit);
  }
}

function isInitialized(envelope: Envelope): boolean {
  return envelope.kind === 'notification' && envelope.method === 'notifications/initialized';
}
