// One downstream connection: who it is, what it was shown, what it waits for. No routing here.
import type { ProcessIdentity } from '../base/process-identity.ts';
import type { EnvValues } from '../link/baseline-env.ts';
import type { ResponseEnvelope } from '../mcp/envelope.ts';
import type { Era } from '../mcp/eras/era.ts';
import { eraOf } from '../mcp/eras/eras.ts';
import { idKey } from '../mcp/id-key.ts';
import type { ListName } from '../mcp/lists.ts';
import { notificationLine, requestLine } from '../mcp/messages.ts';
import { type ConnectionEvent, type ConnectionState, nextConnectionState } from './connection-state.ts';
import { ResultLedger } from './result-ledger.ts';

/** Where a session's messages go. `bufferedBytes`: written, but not yet taken by the other side. */
export type SessionSink = {
  /** `related`: key of the host's request that the message belongs to, for a sink with a stream for each. */
  send: (line: Buffer, related?: string) => void;
  /** Lets the host's connection for that request go; the host comes back for the rest. */
  pause?: (related: string) => void;
  readonly bufferedBytes: number;
  close: (reason: string) => void;
};

export type SessionIdentity = {
  id: string;
  /** One life of a wrapper, kept over reconnects: `${SESSION_ID}` and sharing by session hang on it. */
  lifeId: string;
  host: ProcessIdentity;
  wrapper: ProcessIdentity;
  /** As the program named it. */
  projectDir: string;
  /** The same with symlinks resolved: where its own copies start, and their only root. '' if it has none. */
  folder: string;
  /** '' if the session has no project. */
  projectRoot: string;
  hostSessionId?: string;
  /** Over HTTP no process is known: where the session was opened from. */
  address?: string;
  /** It may stand for several conversations of one program, which nothing tells apart. */
  isShared?: boolean;
  /** One upstream, untouched. */
  server?: string;
  mode?: string;
};

/** A request of the host that is being worked on. */
export type OpenRequest = {
  method: string;
  cancel: (reason: string | undefined) => void;
  /** Its server asked for something that the program did not declare. */
  noteLack?: (capability: string) => void;
};

export type SessionOptions = {
  identity: SessionIdentity;
  sink: SessionSink;
  /** Allow-listed variables, for the start of instances. */
  baseline: EnvValues;
  served: Partial<Record<ListName, string>>;
  /** Prefix of the ids of our own requests: unique for one daemon life, so that a late answer to another's is known. */
  idPrefix: string;
  /** Names of variables it was asked for. */
  wants: readonly string[];
  now: () => number;
  /** See `unreadLimit`; above it the session is closed: it alone pays for not reading. */
  maxBufferedBytes: number;
  /** Of the session in whose name it calls. */
  results?: ResultLedger;
};

/** What a session may leave unread: some of the largest messages. */
export function unreadLimit(maxMessageBytes: number): number {
  return 2 * maxMessageBytes;
}

export class Session {
  readonly identity: SessionIdentity;
  readonly baseline: EnvValues;
  readonly since: number;
  readonly #options: SessionOptions;
  readonly requests = new Map<string, OpenRequest>();
  readonly #asked = new Map<string, (answer: ResponseEnvelope | undefined) => void>();
  readonly subscriptions = new Set<string>();
  served: Partial<Record<ListName, string>>;
  /** Lists for which list_changed was sent and no list request came yet. */
  readonly announced = new Set<ListName>();
  isInitialized = false;
  /** `info`: what it says of itself, in full. */
  client: { name: string; capabilities: Record<string, unknown>; info?: Record<string, unknown> } | undefined;
  /** As the host set it; absent: the server's own choice. */
  logLevel: string | undefined;
  calls = 0;
  lastCallAt: number | undefined;
  readonly results: ResultLedger;
  isClosed = false;
  #connection: ConnectionState = 'open';
  #protocolVersion: string | undefined;
  #era: Era = eraOf(undefined);
  #values: EnvValues = {};
  #valuesReady: Promise<void>;
  #resolveValues: () => void = () => {};
  #hasValues = false;
  /** Answers to come: an earlier one, to other names, must not pass for the one that is waited for. */
  #valuesAsked = 1;
  #lastAskId = 0;

  constructor(options: SessionOptions) {
    this.identity = options.identity;
    this.baseline = options.baseline;
    this.served = options.served;
    this.since = options.now();
    this.results = options.results ?? new ResultLedger();
    this.#options = options;
    this.#valuesReady = this.#nextValues();
    if (options.wants.length === 0) this.#valuesKnown();
  }

  get id(): string {
    return this.identity.id;
  }

  /** As agreed with its program; undefined: nothing was yet. */
  get protocolVersion(): string | undefined {
    return this.#protocolVersion;
  }

  /** How its program is spoken to. */
  get era(): Era {
    return this.#era;
  }

  speak(version: string): void {
    this.#protocolVersion = version;
    this.#era = eraOf(version);
  }

  /** Values of the variables that the config mentions, from this session's environment. */
  get values(): EnvValues {
    return this.#values;
  }

  get hasValues(): boolean {
    return this.#hasValues;
  }

  /** Resolves when the wrapper has answered what it was asked for. */
  valuesReady(): Promise<void> {
    return this.#valuesReady;
  }

  setValues(values: EnvValues): void {
    this.#values = values;
    this.#valuesAsked = Math.max(this.#valuesAsked - 1, 0);
    if (this.#valuesAsked === 0) this.#valuesKnown();
  }

  /** The config mentions other names now: until the wrapper answers, calls that need them wait. */
  expectValues(): void {
    this.#valuesAsked += 1;
    if (!this.#hasValues) return;
    this.#hasValues = false;
    this.#valuesReady = this.#nextValues();
  }

  send(line: Buffer, related?: string): void {
    if (this.isClosed) return;
    const { sink, maxBufferedBytes } = this.#options;
    sink.send(line, related);
    if (sink.bufferedBytes > maxBufferedBytes) {
      sink.close(`it did not read: ${sink.bufferedBytes} bytes were waiting for it`);
    }
  }

  get connection(): ConnectionState {
    return this.#connection;
  }

  /** What happened to its connection; see connection-state.ts. */
  advance(event: ConnectionEvent): void {
    this.#connection = nextConnectionState(this.#connection, event);
  }

  /** Bytes that its wrapper has not taken yet. */
  get bufferedBytes(): number {
    return this.#options.sink.bufferedBytes;
  }

  /** The server does not want to hold a connection for that request: neither do we, where the host can come back. */
  pause(related: string): void {
    if (!this.isClosed) this.#options.sink.pause?.(related);
  }

  notify(method: string, params?: unknown): void {
    this.send(notificationLine(method, params));
  }

  /** Sends a request of ours to the host; `undefined` when the session ends before it answers. */
  ask(method: string, params: unknown): { id: string; answer: Promise<ResponseEnvelope | undefined> } {
    const id = this.nextAskId();
    const answer = this.expectAnswer(id);
    this.send(requestLine(id, method, params));
    return { id, answer };
  }

  /** Id text for a request to the host. */
  nextAskId(): string {
    this.#lastAskId += 1;
    return JSON.stringify(`${this.#options.idPrefix}-${this.#lastAskId}`);
  }

  expectAnswer(idText: string): Promise<ResponseEnvelope | undefined> {
    return new Promise((resolve) => this.#asked.set(idKey(idText), resolve));
  }

  /** The server withdrew its question. */
  forgetAsk(idText: string): boolean {
    return this.#asked.delete(idKey(idText));
  }

  /** Hands an answer of the host to whom asked; false if nobody did. */
  answer(envelope: ResponseEnvelope): boolean {
    const key = idKey(envelope.idText);
    const resolve = this.#asked.get(key);
    this.#asked.delete(key);
    resolve?.(envelope);
    return resolve !== undefined;
  }

  noteCall(): void {
    this.calls += 1;
    this.lastCallAt = this.#options.now();
  }

  close(reason: string): void {
    this.#options.sink.close(reason);
  }

  /** The connection is gone: nothing is sent any more, whoever waits for the host learns it. */
  end(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.advance('close');
    for (const request of this.requests.values()) request.cancel('the session ended');
    this.requests.clear();
    for (const resolve of this.#asked.values()) resolve(undefined);
    this.#asked.clear();
    this.#resolveValues();
  }

  #valuesKnown(): void {
    this.#hasValues = true;
    this.#resolveValues();
  }

  #nextValues(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolveValues = resolve;
    });
  }
}
