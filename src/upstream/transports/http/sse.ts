// The older HTTP+SSE: one GET stream that carries everything from the server, and an address, told on it, that takes
// everything for the server. The session is the stream: when it ends, the object ends as lost.
import { AppError } from '../../../base/errors.ts';
import { appErrorLine } from '../../../mcp/messages.ts';
import { handOut } from '../message-lines.ts';
import type { Transport, TransportEvents, TransportExit } from '../transport.ts';
import { EventStreamParser } from './event-stream.ts';
import type { HttpDeps, HttpSpec } from './http.ts';
import {
  brokenOff,
  call,
  closedError,
  errorText,
  isEventStream,
  mergeHeaders,
  statusError,
  whyClosed,
} from './http-call.ts';
import type { HttpRequest, HttpResponse } from './http-client.ts';
import { BodyGate, floodGuard } from './http-replies.ts';

/** The address is the first thing on the stream; a server that has not sent it by then speaks something else. */
const endpointTimeoutMs = 30_000;

/** A message is acknowledged at once; its reply comes on the stream. */
const postTimeoutMs = 30_000;

/** Connects at once; a failure comes as `onExit({ reason: 'lost', error })`. */
export function openSse(spec: HttpSpec, events: TransportEvents, deps: HttpDeps): Transport {
  return new SseTransport(spec, events, deps);
}

class SseTransport implements Transport {
  readonly #spec: HttpSpec;
  readonly #events: TransportEvents;
  readonly #deps: HttpDeps;
  readonly #ended = new AbortController();
  readonly #gate = new BodyGate();
  readonly #endpoint: Promise<URL>;
  #version: string | undefined;

  constructor(spec: HttpSpec, events: TransportEvents, deps: HttpDeps) {
    this.#spec = spec;
    this.#events = events;
    this.#deps = deps;
    this.#endpoint = new Promise((resolve, reject) => {
      void this.#run(resolve).then((exit) => {
        reject(exit.error ?? closedError(spec.url));
        this.#exit(exit);
      });
    });
    this.#endpoint.catch(() => {}); // told by the exit, and to whoever sends
  }

  async send(line: Buffer, requestId?: string): Promise<void> {
    const url = await this.#endpoint;
    if (this.#ended.signal.aborted) throw closedError(this.#spec.url);
    try {
      const response = await this.#call(AbortSignal.timeout(postTimeoutMs), {
        url,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(this.#version === undefined ? {} : { 'mcp-protocol-version': this.#version }),
        },
        body: line,
      });
      if (response.status >= 300) throw this.#refusal(response, await errorText(response));
      response.discard();
    } catch (error) {
      if (requestId === undefined || this.#ended.signal.aborted) throw error;
      this.#fail(requestId, error);
    }
  }

  setProtocolVersion(version: string): void {
    this.#version = version;
  }

  async close(_reason: string): Promise<void> {
    this.#exit({ reason: 'closed' });
  }

  pause(): void {
    this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  async #run(onEndpoint: (url: URL) => void): Promise<TransportExit> {
    const { url } = this.#spec;
    let timer: NodeJS.Timeout | undefined;
    try {
      const response = await this.#call(this.#ended.signal, {
        url,
        method: 'GET',
        headers: { accept: 'text/event-stream' },
      });
      if (response.status !== 200 || !isEventStream(response)) {
        return { reason: 'lost', error: this.#refusal(response, await errorText(response)) };
      }
      let problem: AppError | undefined;
      const end = (error: AppError) => {
        problem = error;
        response.body.destroy();
      };
      timer = setTimeout(() => end(noEndpointError(url)), endpointTimeoutMs);
      const onAddress = (text: string) => {
        clearTimeout(timer);
        const endpoint = URL.canParse(text, url.href) ? new URL(text, url) : undefined;
        // Credentials go with every message, so the server may not name another place.
        if (endpoint?.origin === url.origin) onEndpoint(endpoint);
        else end(foreignEndpointError(url, endpoint));
      };
      await this.#read(response, onAddress, (bytes) => end(floodError(this.#spec, bytes)));
      const error = problem ?? whyClosed(response);
      return { reason: 'lost', ...(error ? { error } : {}) };
    } catch (error) {
      return { reason: 'lost', error };
    } finally {
      clearTimeout(timer);
    }
  }

  async #read(
    response: HttpResponse,
    onAddress: (text: string) => void,
    onFlood: (bytes: number) => void,
  ): Promise<void> {
    const { body } = response;
    const parser = new EventStreamParser({
      maxDataBytes: this.#spec.maxMessageBytes,
      onEvent: ({ event, data }) => {
        if (this.#ended.signal.aborted) return;
        if (event === 'endpoint') onAddress(data.toString('utf8'));
        else if (event === 'message') handOut(data, this.#events);
      },
      onId: () => {}, // this transport cannot resume
      onRetry: () => {},
      onOversize: (line) => this.#events.onOversize(line),
      onFlood: floodGuard(response, ({ bytes }) => onFlood(bytes)),
    });
    body.on('data', (chunk: Buffer) => parser.push(chunk));
    await this.#gate.through(response, () => new Promise<void>((resolve) => body.once('close', () => resolve())));
  }

  #call(signal: AbortSignal, request: Omit<HttpRequest, 'signal'>): Promise<HttpResponse> {
    const headers = mergeHeaders(this.#spec.headers, request.headers);
    const both = AbortSignal.any([signal, this.#ended.signal]);
    return call(this.#deps.client, { ...request, headers, signal: both }, this.#deps.credentials);
  }

  #refusal(response: HttpResponse, text: string): AppError {
    return statusError(response, text, this.#spec.headers);
  }

  #fail(requestId: string, error: unknown): void {
    const known = error instanceof AppError ? error : brokenOff({ url: this.#spec.url });
    if (this.#events.onRequestFailed) this.#events.onRequestFailed(requestId, known);
    else this.#events.onMessage(appErrorLine(requestId, known));
  }

  #exit(exit: TransportExit): void {
    if (this.#ended.signal.aborted) return;
    this.#gate.resume();
    this.#ended.abort();
    this.#events.onExit(exit);
  }
}

function noEndpointError(url: URL): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.href} sent no endpoint within ${endpointTimeoutMs / 1_000} s.`,
    hint: 'It may speak Streamable HTTP: set "type": "http".',
    data: { mayHaveRun: false },
  });
}

function floodError({ url, maxMessageBytes }: HttpSpec, bytes: number): AppError {
  return new AppError({
    code: 'MESSAGE_TOO_LARGE',
    message: `${url.origin} sent ${bytes} bytes without an end of a message; daemon.maxMessageBytes allows ${maxMessageBytes}.`,
    hint: 'Ask for less at once, or raise daemon.maxMessageBytes in the config.',
    data: { mayHaveRun: true },
  });
}

function foreignEndpointError(url: URL, endpoint: URL | undefined): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} wants its messages at ${endpoint?.origin ?? 'an address that is none'}; they are not sent to another origin.`,
    hint: 'Put the final address into `url`.',
    data: { mayHaveRun: false },
  });
}
