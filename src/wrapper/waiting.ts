// What happens to the host's lines while no daemon can take them: held, answered from the face, or answered with the reason.
import { type AppError, callFate } from '../base/errors.ts';
import { type NotificationEnvelope, paramText, parseEnvelope, type RequestEnvelope } from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import { type ListName, listOfMethod } from '../mcp/lists.ts';
import { errorLine, resultLine, rpcCodes } from '../mcp/messages.ts';
import { type FacePlace, initializeWithoutDaemon, listWithoutDaemon } from './degraded.ts';
import { type Held, HeldLines } from './held.ts';
import type { SentRequest } from './in-flight.ts';
import type { SessionMemory } from './session-memory.ts';

export type WaitingOptions = {
  memory: SessionMemory;
  face: () => FacePlace;
  write: (line: Buffer) => void;
  /** ms since this process started. */
  now: () => number;
  reason: () => AppError | undefined;
  /** Nothing is waited for: refused, or starts keep failing. */
  isHopeless: () => boolean;
};

/** A cold start takes 0.2 s. One second leaves a print-mode host, which waits 2 s in all, the time for its lists. */
const initializeWaitMs = 1_000;
/** Since process start, for the same reason; for a later outage it counts from the request. */
const firstListsByMs = 1_200;
const laterListWaitMs = 1_000;
/** Longer than any start or upgrade of a daemon, shorter than a person waits without a word. */
const requestWaitMs = 20_000;
const limits = { lines: 1_000, bytes: 64 * 1024 * 1024 };

export class Waiting {
  readonly #options: WaitingOptions;
  readonly #held = new HeldLines(limits);
  #timer: NodeJS.Timeout | undefined;
  /** Lists given from the face since the last hello was written: the daemon does not know of them. */
  readonly #untold = new Set<ListName>();
  #wasReady = false;

  constructor(options: WaitingOptions) {
    this.#options = options;
  }

  get requests(): number {
    return this.#held.requests;
  }

  has(key: string): boolean {
    return this.#held.has(key);
  }

  /** A hello with all served etags is being written. */
  onHelloWritten(): void {
    this.#untold.clear();
  }

  /** Its line is valid until this returns. */
  hold(envelope: RequestEnvelope | NotificationEnvelope): void {
    const line = Buffer.from(envelope.line);
    const { method } = envelope;
    if (envelope.kind === 'notification') {
      this.#held.push({ line, request: undefined, method, expiresAt: Number.POSITIVE_INFINITY });
      return;
    }
    const id = envelope.idText;
    if (method === 'ping') {
      this.#options.write(resultLine(id, '{}'));
      return;
    }
    const request = { id, key: idKey(id), method };
    const entry: Held = { line, request, method, expiresAt: this.#expiry(envelope) };
    if (this.#options.isHopeless() || entry.expiresAt <= this.#options.now()) {
      this.#giveUp(entry);
      return;
    }
    if (!this.#held.push(entry)) {
      const message = `It was not sent: ${limits.lines} messages or ${limits.bytes} bytes already wait for the mcp-proxy daemon. ${this.#why()}`;
      this.#options.write(errorLine(id, rpcCodes.unavailable, message, this.#data()));
      return;
    }
    this.#arm();
  }

  /** Reads that were on a lost connection, to be asked again before all that waits. */
  holdAgain(sent: readonly SentRequest[]): void {
    const entries: Held[] = [];
    for (const { line, id, key, method } of sent) {
      const envelope = line && parseEnvelope(line);
      if (envelope?.kind !== 'request') continue;
      entries.push({ line: envelope.line, request: { id, key, method }, method, expiresAt: this.#expiry(envelope) });
      // It was sent right behind; a new daemon has not heard it.
      if (method !== 'initialize' || !this.#options.memory.isInitialized) continue;
      const initialized = Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}');
      entries.push({
        line: initialized,
        request: undefined,
        method: 'notifications/initialized',
        expiresAt: Number.POSITIVE_INFINITY,
      });
    }
    this.#held.unshift(entries);
    this.#arm();
  }

  /** The host gave it up; it was never sent, and a cancelled request gets no answer. */
  cancel(key: string): boolean {
    return this.#held.take((entry) => entry.request?.key === key).length > 0;
  }

  /** A daemon is there: what waits goes to it, in order. Also the lists that must be corrected by us. */
  release(): { held: Held[]; untold: ListName[] } {
    this.#wasReady = true;
    clearTimeout(this.#timer);
    const untold = [...this.#untold];
    this.#untold.clear();
    return { held: this.#held.takeAll(), untold };
  }

  /** No daemon for now: every request that waits is answered. */
  giveUpAll(): void {
    for (const entry of this.#held.take((e) => e.request !== undefined)) this.#giveUp(entry);
  }

  #expiry(request: RequestEnvelope): number {
    const now = this.#options.now();
    if (request.method === 'initialize') return now + initializeWaitMs;
    const isFirstPage = listOfMethod(request.method) && paramText(request, 'cursor') === undefined;
    if (!isFirstPage) return now + requestWaitMs;
    if (this.#wasReady) return now + laterListWaitMs;
    // Never before the answer to an initialize that was asked first: a host reads the capabilities in it before the lists.
    return Math.max(now, firstListsByMs, this.#held.expiryOf('initialize') ?? 0);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#held.nextExpiry();
    if (next === undefined) return;
    this.#timer = setTimeout(() => this.#expire(), Math.max(1, next - this.#options.now()));
  }

  #expire(): void {
    const now = this.#options.now();
    for (const entry of this.#held.take((e) => e.expiresAt <= now)) this.#giveUp(entry);
    this.#arm();
  }

  #giveUp({ line, request, method }: Held): void {
    if (!request) return;
    const { memory, face, write } = this.#options;
    const envelope = parseEnvelope(line);
    const params = envelope.kind === 'request' ? envelope.params : undefined;
    if (method === 'initialize') {
      const text = params && line.toString('utf8', params.start, params.end);
      memory.isInitializeAnswered = true;
      // The replay says it from now on.
      this.#held.take((e) => e.method === 'notifications/initialized');
      write(resultLine(request.id, initializeWithoutDaemon(face(), text)));
      return;
    }
    const list = paramText({ line, params }, 'cursor') === undefined ? listOfMethod(method) : undefined;
    if (list) {
      const { result, etag } = listWithoutDaemon(face(), list);
      memory.rememberServed(list, etag);
      this.#untold.add(list);
      write(resultLine(request.id, result));
      return;
    }
    write(errorLine(request.id, rpcCodes.unavailable, `It was not sent. ${this.#why()}`, this.#data()));
  }

  #why(): string {
    const reason = this.#options.reason();
    if (!reason) return 'The mcp-proxy daemon is not there yet. Try again, or run: ~/.aitkit/bin/mcp-proxy doctor';
    return reason.hint ? `${reason.message} ${reason.hint}` : reason.message;
  }

  #data(): Record<string, unknown> {
    const code = this.#options.reason()?.code ?? 'DAEMON_BUSY';
    return { code, ...callFate(code, false) };
  }
}
