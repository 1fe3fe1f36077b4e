// What requests without a session have in common while one program sends them: its capabilities, its copies of servers,
// its listeners. To the router it is a session; ids of its own keep equal ids of several programs apart.

import { isRecord } from '../../base/guards.ts';
import { type Span, textAt } from '../../base/json-scan.ts';
import { within } from '../../base/within.ts';
import { linkMethods, linkPrefix } from '../../link/hello.ts';
import {
  memberAt,
  type NotificationEnvelope,
  parseEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
  withEdits,
} from '../../mcp/envelope.ts';
import { idKey } from '../../mcp/id-key.ts';
import { type ListName, listKinds, listNames } from '../../mcp/lists.ts';
import { declinedLine, errorLine, notificationLine, requestLine, resultLine, rpcCodes } from '../../mcp/messages.ts';
import {
  errorCode,
  errorEdits,
  type ListenFilter,
  mayNeedInput,
  pagesAsInput,
  resultEdits,
  statusOf,
} from '../../mcp/modern.ts';
import { statelessVersion } from '../../mcp/versions.ts';
import type { Session, SessionSink } from '../../sessions/session.ts';
import { Listener } from './listener.ts';
import { ModernCall, type ModernCallOptions } from './modern-call.ts';
import type { ModernReply } from './modern-reply.ts';

export type ModernContextOptions = {
  createSession: (sink: SessionSink) => Session;
  clientInfo: string | undefined;
  capabilities: string;
  handle: (session: Session, line: Buffer) => void;
  onWant: (session: Session) => void;
  onEnd: (context: ModernContext, reason: string) => void;
  /** Ids that no other request of this daemon has. */
  nextId: () => string;
  now: () => number;
};

/** A program that comes back within that time finds its copies as it left them. */
const idleMs = 10 * 60_000;
/** Longer than that the daemon does not stay for it. */
const holdMs = 30_000;
/** A listener is told of what differs from what is known when it begins. */
const listWaitMs = 2_000;
const notAskedBack = 'the request cannot be asked back';

export class ModernContext {
  readonly session: Session;
  readonly #options: ModernContextOptions;
  readonly #calls = new Map<string, ModernCall>();
  readonly #listeners = new Set<Listener>();
  /** Requests of our own in its name. */
  readonly #own = new Map<string, (answer: ResponseEnvelope | undefined) => void>();
  readonly #uris = new Map<string, number>();
  #serverInfo: string | undefined;
  #lastUsed: number;

  constructor(options: ModernContextOptions) {
    this.#options = options;
    this.#lastUsed = options.now();
    const unread = () => [...this.#calls.values()].reduce((sum, call) => sum + call.unreadBytes, 0);
    this.session = options.createSession({
      send: (line, related) => this.#deliver(line, related),
      get bufferedBytes() {
        return unread();
      },
      close: (reason) => this.end(reason),
    });
    this.session.client = readClient(options.clientInfo, options.capabilities);
    this.session.speak(statelessVersion);
    this.session.isInitialized = true;
  }

  /** A request of the program on its way to the router. */
  begin(options: Omit<ModernCallOptions, 'now'>): ModernCall {
    this.#lastUsed = this.#options.now();
    const call = new ModernCall({ ...options, now: this.#options.now });
    this.#calls.set(call.id, call);
    // A server is asked to log as much as any of its requests wants; each request gets only its own.
    if (options.logLevel !== undefined && this.session.logLevel === undefined) {
      void this.#ask('logging/setLevel', { level: 'debug' });
    }
    const { line, id } = options.request;
    this.#options.handle(this.session, withEdits(line, [{ at: id, with: call.id }]));
    return call;
  }

  find(callId: string): ModernCall | undefined {
    return this.#calls.get(callId);
  }

  /** The program comes back to a call with answers. */
  resume(call: ModernCall, next: Parameters<ModernCall['resume']>[0], responses: Span | undefined): void {
    this.#lastUsed = this.#options.now();
    const isDone = call.resume(next, responses, (line) => this.#options.handle(this.session, line));
    if (isDone) this.#forget(call);
  }

  /** The program closed the connection, which is how it cancels, or never came back with its answers. */
  lost(call: ModernCall): void {
    for (const { askId, method } of call.openAsks()) {
      this.#options.handle(this.session, declinedLine({ idText: askId, method }, notAskedBack));
    }
    this.#forget(call);
    const params = { requestId: JSON.parse(call.id), reason: 'the program closed the connection' };
    this.#options.handle(this.session, notificationLine('notifications/cancelled', params));
  }

  /** The server's (or our joint) introduction: an initialize result, or an error. */
  async introduction(): Promise<ResponseEnvelope | undefined> {
    const { clientInfo, capabilities } = this.#options;
    const envelope = await this.#ask('initialize', {
      protocolVersion: statelessVersion,
      capabilities: JSON.parse(capabilities),
      clientInfo: clientInfo === undefined ? { name: 'unknown', version: '0' } : JSON.parse(clientInfo),
    });
    const info = envelope && memberAt(envelope.line, envelope.result, ['serverInfo']);
    if (envelope && info) this.#serverInfo = textAt(envelope.line, info);
    return envelope;
  }

  get serverInfo(): string | undefined {
    return this.#serverInfo;
  }

  async listen(idText: string, filter: ListenFilter, reply: ModernReply): Promise<Listener> {
    const listener = new Listener(idText, filter, reply);
    this.#listeners.add(listener);
    await this.#note(listNames.filter((list) => filter.lists.has(listKinds[list].capability)));
    const known: string[] = [];
    for (const uri of filter.uris) {
      const count = this.#uris.get(uri) ?? 0;
      const answer = count > 0 ? undefined : await this.#ask('resources/subscribe', { uri });
      if (count === 0 && !answer?.result) continue;
      this.#uris.set(uri, count + 1);
      known.push(uri);
    }
    if (!reply.isOver) listener.acknowledge(known);
    return listener;
  }

  unlisten(listener: Listener): void {
    this.#lastUsed = this.#options.now();
    if (!this.#listeners.delete(listener) || this.session.isClosed) return;
    for (const uri of listener.filter.uris) {
      const count = this.#uris.get(uri);
      if (count === undefined) continue;
      if (count > 1) this.#uris.set(uri, count - 1);
      else {
        this.#uris.delete(uri);
        void this.#ask('resources/unsubscribe', { uri });
      }
    }
  }

  isHolding(): boolean {
    return this.#isBusy() || this.#options.now() - this.#lastUsed < holdMs;
  }

  sweep(): void {
    for (const call of this.#calls.values()) if (call.isAbandoned) this.lost(call);
    if (!this.#isBusy() && this.#options.now() - this.#lastUsed > idleMs) this.end('nothing was heard of it');
  }

  /** Idempotent. */
  end(reason: string): void {
    if (this.session.isClosed) return;
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
    this.session.end();
    for (const call of this.#calls.values()) {
      call.close();
      this.#answerFor(call, errorLine(call.id, rpcCodes.unavailable, `mcp-proxy ended this request: ${reason}.`));
    }
    this.#calls.clear();
    for (const resolve of this.#own.values()) resolve(undefined);
    this.#own.clear();
    this.#options.onEnd(this, reason);
  }

  #isBusy(): boolean {
    return this.#calls.size > 0 || this.#listeners.size > 0;
  }

  /** What the router says of a list counts as seen, so that it tells of the next difference. */
  async #note(lists: readonly ListName[]): Promise<void> {
    const answers = lists.map((list) => this.#ask(listKinds[list].method, {}));
    await within(Promise.all(answers), listWaitMs);
  }

  #ask(method: string, params: Record<string, unknown>): Promise<ResponseEnvelope | undefined> {
    const id = this.#options.nextId();
    return new Promise((resolve) => {
      this.#own.set(idKey(id), resolve);
      this.#options.handle(this.session, requestLine(id, method, params));
    });
  }

  #deliver(line: Buffer, related: string | undefined): void {
    const envelope = parseEnvelope(line);
    switch (envelope.kind) {
      case 'invalid':
        return;
      case 'response':
        return this.#answered(envelope);
      case 'request':
        return this.#asked(envelope, related);
      case 'notification':
        return this.#notified(envelope, related);
    }
  }

  #answered(envelope: ResponseEnvelope): void {
    const key = idKey(envelope.idText);
    const own = this.#own.get(key);
    if (own) {
      this.#own.delete(key);
      return own(envelope);
    }
    const call = this.#calls.get(key);
    if (call) this.#answerFor(call, envelope.line, envelope);
  }

  #answerFor(call: ModernCall, line: Buffer, parsed?: ResponseEnvelope): void {
    const envelope = parsed ?? parseEnvelope(line);
    if (envelope.kind !== 'response') return;
    const asks = mayNeedInput(call.method) ? pagesAsInput(envelope) : undefined;
    if (asks !== undefined) return this.#answerFor(call, resultLine(envelope.idText, asks));
    const edits = envelope.error
      ? errorEdits(envelope)
      : resultEdits(envelope, { method: call.method, serverInfoText: this.#serverInfo });
    call.answer(line, envelope.id, edits, statusOf(errorCode(envelope)));
    // Without a POST that waits, its answer waits for the next one.
    if (!call.isHeld) this.#forget(call);
  }

  #asked(request: RequestEnvelope, related: string | undefined): void {
    const call = related === undefined ? undefined : this.#calls.get(related);
    if (call?.ask(request)) return;
    // Whose it is cannot be said, or this request is none in which one may be asked.
    this.#options.handle(this.session, declinedLine(request, notAskedBack));
  }

  #notified(notification: NotificationEnvelope, related: string | undefined): void {
    const { method, line, params } = notification;
    if (method === linkMethods.want) return this.#options.onWant(this.session);
    if (method.startsWith(linkPrefix) || method === 'notifications/elicitation/complete') return;
    if (method === 'notifications/cancelled') {
      const id = memberAt(line, params, ['requestId']);
      for (const call of this.#calls.values()) if (id && call.withdraw(textAt(line, id))) return;
      return;
    }
    if (method.endsWith('/list_changed') || method === 'notifications/resources/updated') {
      for (const listener of this.#listeners) listener.hear(notification);
      const changed = listNames.filter((list) => listKinds[list].changed === method);
      if (changed.length > 0) void this.#note(changed);
      return;
    }
    if (related !== undefined) this.#calls.get(related)?.notify(notification);
  }

  #forget(call: ModernCall): void {
    this.#lastUsed = this.#options.now();
    call.close();
    this.#calls.delete(call.id);
  }
}

/** What its program says of itself, for those parts that know sessions only. Both as written in the request: JSON objects. */
function readClient(clientInfo: string | undefined, capabilities: string): NonNullable<Session['client']> {
  const name = clientInfo === undefined ? undefined : recordIn(clientInfo)['name'];
  return { name: typeof name === 'string' ? name : 'unknown', capabilities: recordIn(capabilities) };
}

function recordIn(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return isRecord(value) ? value : {};
}
