// A session whose program speaks Streamable HTTP (revisions up to 2025-11-25): which of its streams each message takes,
// what it can still be resumed with, when it counts as gone.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { textAt } from '../../base/json-scan.ts';
import { linkMethods, linkPrefix } from '../../link/hello.ts';
import { type Envelope, memberAt, parseEnvelope, type RequestEnvelope } from '../../mcp/envelope.ts';
import { idKey } from '../../mcp/id-key.ts';
import { requestLine } from '../../mcp/messages.ts';
import { primesStreams } from '../../mcp/versions.ts';
import type { Session, SessionSink } from '../../sessions/session.ts';
import { Exchange } from './exchange.ts';
import { type Accepts, headerText } from './http-reply.ts';
import { MessageStream, parseEventId } from './message-stream.ts';
import { projectOfRoots } from './project-path.ts';

export type HttpSessionDeps = {
  /** Hands one message of the program to the router. */
  handle: (session: Session, line: Buffer) => void;
  /** The config mentions other variables now. */
  onWant: (session: Session) => void;
  /** Its roots say which project it is in. */
  onProject: (session: Session, folder: string) => void;
  onEnd: (http: HttpSession, reason: string) => void;
  now: () => number;
};

export type HttpSessionOptions = {
  /** Who opened it; nobody else may use it. */
  principal: string;
  /** Its address: a session of one is none of another. */
  path: string;
  /** A header named the project, so the roots need not. */
  hasProject: boolean;
  createSession: (sink: SessionSink) => Session;
  deps: HttpSessionDeps;
};

/** A program that declares roots answers at once; its first list must not wait longer for one that does not. */
const rootsWaitMs = 1_500;
/** A program whose stream broke comes back within seconds, or it is gone. */
const streamGraceMs = 30_000;
/** A program without a stream says nothing when it goes. */
const idleMs = 30 * 60_000;
/** Calls whose program is nowhere to be seen: long enough for a network to come back. */
const lostCallMs = 5 * 60_000;
/** Streams with an answer that nobody has fetched. */
const maxLeftStreams = 64;

export class HttpSession {
  readonly session: Session;
  readonly principal: string;
  readonly path: string;
  readonly #deps: HttpSessionDeps;
  readonly #hasProject: boolean;
  /** By key of the request's id. */
  readonly #exchanges = new Map<string, Exchange>();
  readonly #streams = new Map<string, MessageStream>();
  #main: MessageStream | undefined;
  #lastStream = 0;
  #lastSeen: number;
  #hadStream = false;
  #project: Promise<void> | undefined;
  /** Key of the initialize request. */
  #introduction: string | undefined;

  constructor({ principal, path, hasProject, createSession, deps }: HttpSessionOptions) {
    this.principal = principal;
    this.path = path;
    this.#hasProject = hasProject;
    this.#deps = deps;
    this.#lastSeen = deps.now();
    const unread = () => this.#unreadBytes();
    this.session = createSession({
      send: (line, related) => this.#deliver(line, related),
      get bufferedBytes() {
        return unread();
      },
      pause: (related) => {
        if (primesStreams(this.session.protocolVersion)) this.#exchanges.get(related)?.detach();
      },
      close: (reason) => this.end(reason),
    });
  }

  /** Requests, notifications and answers of one POST; all valid. */
  post(envelopes: readonly Envelope[], response: ServerResponse, accepts: Accepts, isBatch: boolean): void {
    this.#lastSeen = this.#deps.now();
    const requests = envelopes.filter((envelope) => envelope.kind === 'request');
    const exchange = requests.length > 0 ? this.#open(requests, response, accepts, isBatch) : undefined;
    for (const envelope of envelopes) this.#take(envelope);
    if (!exchange) response.writeHead(202).end();
  }

  /** true: a request with this id is under way. */
  hasRequest(idText: string): boolean {
    return this.#exchanges.has(idKey(idText));
  }

  /** The stream for messages that belong to no request, or the rest of another one. */
  listen(request: IncomingMessage, response: ServerResponse): void {
    this.#lastSeen = this.#deps.now();
    this.#hadStream = true;
    const lastId = headerText(request, 'last-event-id');
    const from = lastId === undefined ? undefined : parseEventId(lastId);
    const stream = (from && this.#streams.get(from.stream)) ?? this.#mainStream();
    stream.attach(response, this.#deps.now, from?.stream === stream.id ? from.number : undefined);
    if (stream === this.#main && this.session.isInitialized) void this.#knowProject(undefined);
  }

  keepAlive(): void {
    this.#main?.keepAlive();
    for (const exchange of new Set(this.#exchanges.values())) exchange.keepAlive();
  }

  /** Whether the daemon must go on for it. */
  isHolding(): boolean {
    return this.#deps.now() - this.#lastHeardAt() < (this.#hadStream ? streamGraceMs : idleMs);
  }

  /** Ends it when its program is gone; forgets streams that nobody will ask for. */
  sweep(): void {
    const now = this.#deps.now();
    const silentMs = now - this.#lastHeardAt();
    if (silentMs > idleMs) return this.end('nothing was heard of it for 30 minutes');
    if (this.#exchanges.size > 0 && silentMs > lostCallMs) return this.end('its program is gone');
    for (const [id, { isFinished, leftAt = now }] of this.#streams) {
      if (isFinished && now - leftAt > lostCallMs) this.#streams.delete(id);
    }
  }

  /** Idempotent. */
  end(reason: string): void {
    if (this.session.isClosed) return;
    this.session.end();
    for (const exchange of new Set(this.#exchanges.values())) exchange.abandon();
    this.#exchanges.clear();
    this.#main?.finish(this.#deps.now);
    this.#streams.clear();
    this.#deps.onEnd(this, reason);
  }

  #open(requests: readonly RequestEnvelope[], response: ServerResponse, accepts: Accepts, isBatch: boolean): Exchange {
    const keys = requests.map(({ idText }) => idKey(idText));
    const exchange = new Exchange({
      response,
      keys,
      isBatch,
      accepts,
      streamsAtOnce: requests.some(({ method }) => method === 'tools/call'),
      createStream: () => this.#createStream(),
      now: this.#deps.now,
    });
    for (const key of keys) this.#exchanges.set(key, exchange);
    if (requests[0]?.method === 'initialize') this.#introduction ??= keys[0];
    return exchange;
  }

  #take(envelope: Envelope): void {
    const { handle } = this.#deps;
    const waits = envelope.kind === 'request' && envelope.method !== 'initialize' && envelope.method !== 'ping';
    if (!waits || !this.session.isInitialized || !this.#wantsRoots()) {
      handle(this.session, envelope.line);
      if (envelope.kind === 'notification') this.#noticed(envelope.method, envelope);
      return;
    }
    const key = idKey(envelope.idText);
    void this.#knowProject(key).then(() => {
      // Meanwhile it may have been withdrawn.
      if (!this.session.isClosed && this.#exchanges.has(key)) handle(this.session, envelope.line);
    });
  }

  #noticed(method: string, { line, ...envelope }: Envelope): void {
    if (method === 'notifications/roots/list_changed') this.#project = undefined;
    if (method !== 'notifications/cancelled' || !('params' in envelope)) return;
    const id = memberAt(line, envelope.params, ['requestId']);
    if (!id) return;
    const key = idKey(textAt(line, id));
    // A withdrawn request gets no answer: what carries its answer must not wait for one.
    if (this.session.requests.has(key)) return;
    this.#exchanges.get(key)?.drop(key);
    this.#exchanges.delete(key);
  }

  #wantsRoots(): boolean {
    return !this.#hasProject && this.session.client?.capabilities['roots'] !== undefined;
  }

  /** Asks for the roots, once until they change. Resolves when they are known or not to be waited for. */
  #knowProject(related: string | undefined): Promise<void> {
    if (!this.#wantsRoots()) return Promise.resolve();
    if (this.#project) return this.#project;
    const id = this.session.nextAskId();
    const answer = this.session.expectAnswer(id).then((envelope) => {
      if (!envelope?.result) return;
      const folder = projectOfRoots(JSON.parse(textAt(envelope.line, envelope.result)));
      if (folder !== undefined) this.#deps.onProject(this.session, folder);
    });
    this.#project = Promise.race([answer.catch(() => {}), delay(rootsWaitMs)]);
    this.session.send(requestLine(id, 'roots/list'), related);
    return this.#project;
  }

  #deliver(line: Buffer, related: string | undefined): void {
    const envelope = parseEnvelope(line);
    if (envelope.kind === 'response') return this.#answer(idKey(envelope.idText), line, envelope.error !== undefined);
    if (envelope.kind === 'invalid') return;
    if (envelope.method === linkMethods.want) return this.#deps.onWant(this.session);
    // The other messages of the link are for a wrapper.
    if (envelope.method.startsWith(linkPrefix)) return;
    const exchange = related === undefined ? undefined : this.#exchanges.get(related);
    if (exchange?.emit(line)) return;
    // A question that nobody hears would wait for ever: with no stream of its own open it takes one that is.
    if (envelope.kind === 'request' && !this.#main?.isAttached) {
      for (const other of this.#exchanges.values()) if (other.emit(line)) return;
    }
    this.#mainStream().push(line);
  }

  #answer(key: string, line: Buffer, isError: boolean): void {
    const exchange = this.#exchanges.get(key);
    this.#exchanges.delete(key);
    exchange?.answer(key, line);
    // What failed to be introduced is no session.
    if (isError && key === this.#introduction) this.end('initialize failed');
  }

  #mainStream(): MessageStream {
    this.#main ??= this.#createStream();
    return this.#main;
  }

  #createStream(): MessageStream {
    this.#lastStream += 1;
    const id = `s${this.#lastStream}`;
    const stream = new MessageStream({ id, primes: primesStreams(this.session.protocolVersion) });
    this.#streams.set(id, stream);
    if (this.#streams.size > maxLeftStreams) {
      const oldest = [...this.#streams].find(([, { isFinished }]) => isFinished);
      if (oldest) this.#streams.delete(oldest[0]);
    }
    return stream;
  }

  #isAttached(): boolean {
    if (this.#main?.isAttached) return true;
    for (const exchange of this.#exchanges.values()) if (exchange.isAttached) return true;
    return false;
  }

  /** Its last message, or the end of the last connection that it kept open. */
  #lastHeardAt(): number {
    if (this.#isAttached()) this.#lastSeen = this.#deps.now();
    for (const { leftAt = 0 } of this.#streams.values()) this.#lastSeen = Math.max(this.#lastSeen, leftAt);
    return this.#lastSeen;
  }

  #unreadBytes(): number {
    let sum = this.#main?.unreadBytes ?? 0;
    for (const exchange of new Set(this.#exchanges.values())) sum += exchange.unreadBytes;
    return sum;
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
