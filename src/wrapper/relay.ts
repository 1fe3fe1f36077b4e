// Copies lines between host and daemon, untouched, and keeps the promises for the time between two daemons: each request
// is answered once, nothing that was written to a socket is written again (reads apart), what waits goes out in order.

import { callFate } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import { firstText } from '../base/last-text.ts';
import type { OversizeLine } from '../base/line-splitter.ts';
import { type HelloReply, linkMethods, linkPrefix } from '../link/hello.ts';
import {
  batchOf,
  type InvalidEnvelope,
  maxBatch,
  type NotificationEnvelope,
  paramText,
  parseEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
  whyInvalid,
} from '../mcp/envelope.ts';
import { readEnds } from '../mcp/envelope-ends.ts';
import { idKey } from '../mcp/id-key.ts';
import { isListName, listKinds } from '../mcp/lists.ts';
import { errorLine, idInUse, invalidLine, resultLine, rpcCodes } from '../mcp/messages.ts';
import { Asked } from './asked.ts';
import { InFlight, isResendable, lostLine, maxInFlight } from './in-flight.ts';
import type { Reconnector } from './reconnect.ts';
import { replayIdPrefix, type SessionMemory } from './session-memory.ts';
import type { Waiting } from './waiting.ts';

export type RelayOptions = {
  daemon: Pick<Reconnector, 'state' | 'attempt' | 'send' | 'wake' | 'drain'>;
  waiting: Waiting;
  memory: SessionMemory;
  /** To the host. */
  write: (line: Uint8Array | string) => void;
  /** Host side: stop or go on reading. */
  pauseHost: () => void;
  resumeHost: () => void;
  wantedValues: (wants: readonly string[]) => Record<string, string>;
  /** One line for the person, on stderr. */
  warn: (text: string) => void;
  maxLineBytes: number;
  /** Something was settled; the end of the host's input may have waited for it. */
  onSettled: () => void;
};

export class Relay {
  readonly #o: RelayOptions;
  readonly #inFlight = new InFlight();
  readonly #asked = new Asked();
  /** An initialize that left right behind the hello. */
  #ahead: { key: string; attempt: number } | undefined;

  constructor(options: RelayOptions) {
    this.#o = options;
  }

  /** Requests of the host that have no answer yet. */
  get openRequests(): number {
    return this.#inFlight.size + this.#o.waiting.requests;
  }

  onHostLine(line: Buffer): void {
    const envelope = parseEnvelope(line);
    switch (envelope.kind) {
      case 'invalid':
        this.#onHostInvalid(envelope);
        return;
      case 'request':
        this.#onHostRequest(envelope);
        return;
      case 'notification':
        this.#onHostNotification(envelope);
        return;
      case 'response':
        if (this.#asked.settle(envelope.idText)) this.#send(line);
    }
  }

  /**
   * Only revision 2025-03-26 has them, and there servers must take them; each answer goes out alone, under its id. In
   * any other whoever waits for an id learns that it comes to nothing.
   */
  #onHostBatch(batch: InvalidEnvelope): void {
    const isTaken = this.#o.memory.askedVersion === '2025-03-26';
    const refuse = (idText: string | undefined, message: string) =>
      this.#o.write(errorLine(idText, rpcCodes.invalidRequest, message));
    const lines = batchOf(batch);
    if (!lines) return refuse(undefined, `A batch has at most ${maxBatch} messages.`);
    for (const line of lines) {
      const envelope = parseEnvelope(line);
      const isBatch = envelope.kind === 'invalid' && envelope.isBatch;
      if (isTaken && !isBatch) this.onHostLine(line);
      else if (envelope.kind === 'request' || (envelope.kind === 'invalid' && !envelope.isAnswer)) {
        refuse(envelope.idText, 'Batches are not supported: send one message a line.');
      }
    }
  }

  #onHostInvalid(envelope: InvalidEnvelope): void {
    if (envelope.isBatch) return this.#onHostBatch(envelope);
    const { isAnswer, idText } = envelope;
    // A server waits for that answer, and learns that it has come to nothing.
    if (isAnswer && this.#asked.settle(idText)) this.#send(errorLine(idText, envelope.code, whyInvalid(envelope)));
    this.#o.write(invalidLine(envelope));
  }

  onHostOversize(line: OversizeLine): void {
    const id = readEnds(line).id;
    const message = `This message has ${line.bytes} bytes; ${this.#o.maxLineBytes} is the limit.`;
    const data = { code: 'MESSAGE_TOO_LARGE', limitBytes: this.#o.maxLineBytes, mayHaveRun: false };
    const error = errorLine(id, rpcCodes.invalidRequest, message, data);
    // An answer to a server's question: that server waits for it.
    if (this.#asked.settle(id)) this.#send(error);
    else this.#o.write(error);
  }

  onDaemonLine(line: Buffer): void {
    const envelope = parseEnvelope(line);
    switch (envelope.kind) {
      case 'response':
        this.#onAnswer(envelope);
        return;
      case 'request':
        this.#asked.note(envelope.idText);
        this.#o.write(line);
        return;
      case 'notification':
        if (envelope.method.startsWith(linkPrefix)) {
          this.#onLinkMessage(line, envelope.method);
          return;
        }
        if (envelope.method === 'notifications/cancelled') this.#asked.settle(paramText(envelope, 'requestId'));
        this.#o.write(line);
        return;
      case 'invalid':
        this.#o.warn(`The daemon sent a line that is no message. ${whyInvalid(envelope)}`);
    }
  }

  onDaemonOversize(line: OversizeLine): void {
    const id = readEnds(line).id;
    const request = id === undefined ? undefined : this.#inFlight.settle(idKey(id));
    if (!request) {
      this.#o.warn(`A message of ${line.bytes} bytes from the daemon was dropped.`);
      return;
    }
    const message = `The answer has ${line.bytes} bytes; ${this.#o.maxLineBytes} is the limit. The call has run. Ask for less.`;
    const data = { code: 'MESSAGE_TOO_LARGE', limitBytes: this.#o.maxLineBytes, mayHaveRun: true };
    this.#o.write(errorLine(request.id, rpcCodes.unavailable, message, data));
    this.#o.onSettled();
  }

  onReady(reply: HelloReply): void {
    this.#sendEnv(reply.wants);
    for (const line of this.#o.memory.replayLines()) this.#send(line);
    const { held, untold } = this.#o.waiting.release();
    for (const { line } of held) {
      const envelope = parseEnvelope(line);
      if (envelope.kind !== 'request') this.#send(line);
      else if (this.#isAhead(idKey(envelope.idText))) this.#track(envelope);
      else this.#forward(envelope);
    }
    // These came from the face after the hello had left, so the daemon cannot know that they may differ.
    for (const method of new Set(untold.map((list) => listKinds[list].changed))) {
      this.#o.write(`{"jsonrpc":"2.0","method":"${method}"}`);
    }
    this.#o.resumeHost();
  }

  onLost(wasDraining: boolean): void {
    const { again, gone } = this.#inFlight.lose();
    for (const request of gone) this.#o.write(lostLine(request, wasDraining));
    for (const line of this.#asked.withdrawals()) this.#o.write(line);
    for (const { id, method } of again) if (method === 'ping') this.#o.write(resultLine(id, '{}'));
    const reads = again.filter(({ method }) => method !== 'ping');
    this.#o.waiting.holdAgain(reads);
    if (reads.length > 0) this.#o.daemon.wake();
    this.#o.resumeHost(); // it may have been paused for the socket that is gone
    this.#o.onSettled();
  }

  #onHostRequest(request: RequestEnvelope): void {
    const { idText: id, method, line } = request;
    const key = idKey(id);
    // Claude Code probes with it before initialize and waits 3 s when it is not answered.
    if (method === 'server/discover' || method.startsWith(linkPrefix)) {
      this.#o.write(errorLine(id, rpcCodes.methodNotFound, `Method not found: ${method}`));
      return;
    }
    if (this.#inFlight.has(key) || this.#o.waiting.has(key)) {
      this.#o.write(errorLine(id, rpcCodes.invalidRequest, idInUse(id)));
      return;
    }
    if (this.#inFlight.size >= maxInFlight) {
      const data = { code: 'SERVER_OVERLOADED', ...callFate('SERVER_OVERLOADED') };
      this.#o.write(errorLine(id, rpcCodes.unavailable, `It was not sent: ${maxInFlight} requests are open.`, data));
      return;
    }
    if (method === 'initialize') {
      this.#o.memory.rememberInitialize(request);
    }
    if (this.#o.daemon.state === 'ready') {
      this.#forward(request);
      return;
    }
    this.#o.waiting.hold(request);
    // Behind the hello it saves a round trip of every start; a daemon that does not take the hello does not read it.
    if (method === 'initialize' && this.#o.daemon.state === 'hello' && this.#o.waiting.has(key)) {
      this.#ahead = { key, attempt: this.#o.daemon.attempt };
      this.#send(line);
    }
    if (method !== 'ping') this.#o.daemon.wake();
  }

  #onHostNotification(notification: NotificationEnvelope): void {
    const { method, line } = notification;
    if (method.startsWith(linkPrefix)) return;
    const { memory, waiting } = this.#o;
    if (method === 'notifications/initialized') memory.isInitialized = true;
    if (method === 'notifications/cancelled') {
      const key = cancelledKey(notification) ?? '';
      const wasHeld = waiting.cancel(key);
      // The host no longer wants an answer, and a daemon need not give one.
      if (!wasHeld) this.#inFlight.settle(key);
      this.#o.onSettled();
      if (wasHeld) return;
    }
    if (this.#o.daemon.state === 'ready') {
      this.#send(line);
      return;
    }
    // Told by the replay instead, or about something that ended with the daemon.
    if (method === 'notifications/initialized' && memory.isInitializeAnswered) return;
    if (method === 'notifications/cancelled' || method === 'notifications/progress') return;
    waiting.hold(notification);
  }

  #isAhead(key: string): boolean {
    return this.#ahead?.key === key && this.#ahead.attempt === this.#o.daemon.attempt;
  }

  #forward(request: RequestEnvelope): void {
    this.#track(request);
    this.#send(request.line);
  }

  #track(request: RequestEnvelope): void {
    const { idText, method, line } = request;
    this.#inFlight.add({
      id: idText,
      key: idKey(idText),
      method,
      sentAt: Date.now(),
      line: isResendable(method) ? Buffer.from(line) : undefined,
      effect: this.#o.memory.effectOf(request),
    });
  }

  #onAnswer({ line, idText, error }: ResponseEnvelope): void {
    const key = idKey(idText);
    const request = this.#inFlight.settle(key);
    if (!request) {
      if (error && key.startsWith(`"${replayIdPrefix}`)) {
        this.#o.warn(`The new daemon did not take over a part of this session: ${firstText(line, 300)}`);
      }
      return; // an answer to the replay, or a second answer
    }
    if (!error) request.effect?.();
    this.#o.write(line);
    this.#o.onSettled();
  }

  #onLinkMessage(line: Buffer, method: string): void {
    const message: unknown = JSON.parse(line.toString('utf8'));
    const params = isRecord(message) && isRecord(message['params']) ? message['params'] : {};
    if (method === linkMethods.want && Array.isArray(params['names'])) {
      this.#sendEnv(params['names'].filter((name): name is string => typeof name === 'string'));
    } else if (method === linkMethods.served && isListName(params['list']) && typeof params['etag'] === 'string') {
      this.#o.memory.rememberServed(params['list'], params['etag']);
    } else if (method === linkMethods.drain) {
      this.#o.daemon.drain(params['restart'] === true || params['reason'] === 'upgrade');
      this.#send(`{"jsonrpc":"2.0","method":"${linkMethods.drained}"}`);
    }
  }

  #sendEnv(wants: readonly string[]): void {
    const params = { values: this.#o.wantedValues(wants) };
    this.#send(JSON.stringify({ jsonrpc: '2.0', method: linkMethods.env, params }));
  }

  #send(line: Uint8Array | string): void {
    if (!this.#o.daemon.send(line)) this.#o.pauseHost();
  }
}

function cancelledKey(notification: NotificationEnvelope): string | undefined {
  const id = paramText(notification, 'requestId');
  return id === undefined ? undefined : idKey(id);
}
