// One MCP session with a server over one transport: our ids, whose request each is, progress tokens, cancellation.
// Ids start at 1: version 1 of the MCP SDK ignores `notifications/cancelled` for id 0 (measured).

import { AppError } from '../base/errors.ts';
import { stringAt, textAt } from '../base/json-scan.ts';
import {
  answeredNumber,
  type InvalidEnvelope,
  memberAt,
  type NotificationEnvelope,
  parseEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
} from '../mcp/envelope.ts';
import type { Era } from '../mcp/eras/era.ts';
import { eraOf } from '../mcp/eras/eras.ts';
import { notificationLine, requestLine } from '../mcp/messages.ts';
import { metaKeys, type WhoAsks } from '../mcp/modern.ts';
import type { ChannelRequest } from './channel-request.ts';
import { Listening, listenMethod } from './listening.ts';
import type { SendOptions, Transport } from './transports/transport.ts';

export type ChannelEvents = {
  onServerRequest: (envelope: RequestEnvelope, stream: string | undefined) => void;
  onNotification: (envelope: NotificationEnvelope, stream: string | undefined) => void;
  /** Neither a message nor part of one; whoever may wait for it is not told yet. */
  onInvalid: (envelope: InvalidEnvelope) => void;
};

export class Channel {
  readonly #transport: Transport;
  readonly #events: ChannelEvents;
  readonly #pending = new Map<number, ChannelRequest>();
  /** Of those: the transport was over before it wrote them. */
  readonly #unsent = new Set<number>();
  #lastId = 0;
  #era: Era = eraOf(undefined);
  #meta: Record<string, unknown> | undefined;
  /** What requests are told that come after the loss. */
  #lost: AppError | undefined;
  /** Bytes handed to the transport and not yet written. */
  unsentBytes = 0;
  /** Called whenever some were written, and at the loss: whoever waits for room may go on. */
  onRoom: (() => void) | undefined;
  /** What a server without sessions is asked to tell of. */
  readonly listening: Listening;

  constructor(transport: Transport, events: ChannelEvents) {
    this.#transport = transport;
    this.#events = events;
    this.listening = new Listening({
      request: (request) => this.request(request),
      cancel: (id, reason) => this.cancel(id, reason),
      meta: () => this.#meta,
      heard: (envelope) => events.onNotification(envelope, undefined),
    });
  }

  /** How the server is spoken to, as the handshake found out. */
  get era(): Era {
    return this.#era;
  }

  get isLost(): boolean {
    return this.#lost !== undefined;
  }

  get inFlight(): number {
    let count = 0;
    // A server that is only listened to is idle.
    for (const { method } of this.#pending.values()) if (method !== listenMethod) count += 1;
    return count;
  }

  /** Whether something of a session was sent and is not answered. */
  get isAsked(): boolean {
    for (const [id, { owner }] of this.#pending) if (owner !== undefined && !this.#unsent.has(id)) return true;
    return false;
  }

  /** Sessions whose requests are under way, with how many. */
  owners(): Map<string, number> {
    const owners = new Map<string, number>();
    for (const { owner } of this.#pending.values()) if (owner) owners.set(owner, (owners.get(owner) ?? 0) + 1);
    return owners;
  }

  ownerOf(id: number): string | undefined {
    return this.#pending.get(id)?.owner;
  }

  /** The session's request that a message of the server belongs to: by its stream, else the only one under way. */
  relatedTo(owner: string, stream: string | undefined): string | undefined {
    const named = stream === undefined ? undefined : this.#pending.get(Number(stream));
    if (named) return named.owner === owner ? named.related : undefined;
    const own = [...this.#pending.values()].filter((request) => request.owner === owner);
    return own.length === 1 ? own[0]?.related : undefined;
  }

  /** Sends and returns our id. `onAnswer` is called exactly once, unless the request is cancelled first. */
  request(request: ChannelRequest): number {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#lost) {
      request.onAnswer({ error: this.#lost });
      return id;
    }
    this.#pending.set(id, request);
    const { headers, isProbe } = request;
    this.#send(request.encode(id), String(id), { headers, isProbe });
    return id;
  }

  /** Stops waiting; a late answer is dropped. */
  cancel(id: number, reason: string | undefined): void {
    const request = this.#pending.get(id);
    if (!request) return;
    this.#pending.delete(id);
    // The specification forbids to cancel initialize.
    if (request.method === 'initialize') return;
    const params = { requestId: id, ...(reason ? { reason } : {}) };
    // Whoever does not answer before the handshake may not know the question, still less its end.
    if (!request.isProbe) this.#send(notificationLine('notifications/cancelled', params));
    this.#transport.cancel?.(String(id));
  }

  send(line: Buffer): void {
    if (!this.#lost) this.#send(line);
  }

  /** A request of our own whose result we read. Rejects with the server's error or the loss; aborted, it stays open. */
  ask(
    method: string,
    params?: Record<string, unknown>,
    { isProbe = false, signal }: { isProbe?: boolean; signal?: AbortSignal } = {},
  ): Promise<ResponseEnvelope> {
    return new Promise((resolve, reject) => {
      const request = this.request({
        method,
        isProbe,
        encode: (id) => this.encode(id, method, params),
        onAnswer: (answer) => ('error' in answer ? reject(answer.error) : resolve(answer.envelope)),
      });
      signal?.addEventListener('abort', () => this.cancel(request, undefined), { once: true });
    });
  }

  /** A request of our own as this server understands it. */
  encode(id: number, method: string, params?: Record<string, unknown>): Buffer {
    return requestLine(String(id), method, this.#meta ? { ...params, _meta: this.#meta } : params);
  }

  /** From now on. `who`: what each request of our own says, where the era has nothing else to tell it by. */
  speak(era: Era, who: WhoAsks): void {
    this.#era = era;
    this.#meta = era.requestMeta(who);
  }

  setProtocolVersion(version: string): void {
    this.#transport.setProtocolVersion?.(version);
  }

  receive(line: Buffer, stream?: string): void {
    const envelope = parseEnvelope(line);
    switch (envelope.kind) {
      case 'response':
        return this.#settle(envelope);
      case 'request':
        return this.#events.onServerRequest(envelope, stream);
      case 'notification':
        if (envelope.method === 'notifications/progress') return this.#progress(envelope);
        return this.#notified(envelope, stream);
      case 'invalid':
        return this.#events.onInvalid(envelope);
    }
  }

  /** An answer that cannot be handed on: its request is told so. */
  failRequest(idText: string, error: AppError): void {
    const id = answeredNumber(idText);
    const request = this.#pending.get(id);
    this.#pending.delete(id);
    request?.onAnswer({ error });
  }

  pauseRequest(idText: string): void {
    this.#pending.get(Number(idText))?.onPaused?.();
  }

  /** The transport is gone: every request is answered now; later ones, and what was never written, with `later`. Idempotent. */
  lose(error: AppError, later: AppError = error): void {
    if (this.#lost) return;
    this.#lost = later;
    this.listening.close();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const [id, request] of pending) request.onAnswer({ error: this.#unsent.has(id) ? later : error });
    this.#unsent.clear();
    this.onRoom?.();
  }

  #settle(envelope: ResponseEnvelope): void {
    const id = answeredNumber(envelope.idText);
    const request = this.#pending.get(id);
    // Unknown: cancelled, answered twice, or invented by the server.
    if (!request) return;
    this.#pending.delete(id);
    request.onAnswer({ envelope });
  }

  #progress(envelope: NotificationEnvelope): void {
    const token = memberAt(envelope.line, envelope.params, ['progressToken']);
    if (!token) return;
    const text = stringAt(envelope.line, token) ?? textAt(envelope.line, token);
    this.#pending.get(Number(text))?.onProgress?.(envelope);
  }

  #notified(envelope: NotificationEnvelope, stream: string | undefined): void {
    const { line, params } = envelope;
    const tag = line.includes(metaKeys.subscriptionId)
      ? memberAt(line, params, ['_meta', metaKeys.subscriptionId])
      : undefined;
    if (tag) this.listening.hear(Number(stringAt(line, tag) ?? textAt(line, tag)), envelope);
    else this.#events.onNotification(envelope, stream);
  }

  #send(line: Buffer, requestId?: string, options?: SendOptions): void {
    this.unsentBytes += line.length;
    const written = () => {
      this.unsentBytes -= line.length;
      this.onRoom?.();
    };
    // A failed write is followed by the transport's exit, which answers what waits.
    const failed = (error: unknown) => {
      const isUnsent = error instanceof AppError && error.data?.['mayHaveRun'] === false;
      if (isUnsent && this.#pending.has(Number(requestId))) this.#unsent.add(Number(requestId));
      written();
    };
    this.#transport.send(line, requestId, options).then(written, failed);
  }
}
