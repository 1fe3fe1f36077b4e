// A server in the test's own process: it introduces itself and lists as it is set up; every other request waits for the
// test's answer, and everything that reached it is kept as it came.
import { AppError, type ErrorCode } from '../../src/base/errors.ts';
import { type ListName, listKinds, listOfMethod } from '../../src/mcp/lists.ts';
import { statelessVersion } from '../../src/mcp/versions.ts';
import type { Opener } from '../../src/upstream/reach.ts';
import type { Transport, TransportEvents, TransportExit } from '../../src/upstream/transports/transport.ts';

export type ServerSetup = {
  version?: string;
  capabilities?: Record<string, unknown>;
  instructions?: string;
  lists?: Partial<Record<ListName, readonly unknown[]>>;
  /** An MCP session for each of ours, as over HTTP. */
  isPerSession?: boolean;
  takesHeaders?: boolean;
};

/** A request that waits for its answer. */
export type Asked = {
  id: number;
  method: string;
  text: string;
  params: Record<string, unknown>;
  /** The session whose connection it came by; undefined: the one of all. */
  owner: string | undefined;
  headers: Readonly<Record<string, string>> | undefined;
};

type Connection = { owner: string | undefined; events: TransportEvents };
type Message = { id?: number; method?: string; params?: Record<string, unknown> };

export class MemoryServer {
  setup: ServerSetup;
  /** Requests that nobody answered yet, in their order. */
  readonly asked: Asked[] = [];
  /** Everything it was sent, handshake and lists included. */
  readonly lines: string[] = [];
  /** Lists that it keeps silent about; answer them as any other request. */
  readonly silentLists = new Set<ListName>();
  /** URIs of whose changes it does not tell, where it is only listened to. */
  readonly untold = new Set<string>();
  starts = 0;
  /** Why the next starts fail. */
  startError: AppError | undefined;
  /** Before each start. */
  onStart: () => void = () => {};
  /** Set: nothing that is sent counts as written before `drain`. */
  isFull = false;
  readonly #connections: Connection[] = [];
  #unwritten: (() => void)[] = [];
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};

  constructor(setup: ServerSetup = {}) {
    this.setup = setup;
  }

  get isModern(): boolean {
    return this.setup.version === statelessVersion;
  }

  get opener(): Opener {
    return {
      isPerSession: this.setup.isPerSession === true,
      isLocal: false,
      pid: () => undefined,
      describe: () => ({ environment: [] }),
      ...(this.isModern ? { presumedVersion: statelessVersion } : {}),
      open: (events, owner) => this.#start(events, owner),
    };
  }

  /** Starts wait for `letStart`. */
  holdStarts(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  letStart(): void {
    this.#open();
  }

  refuseStart(code: ErrorCode, message: string): void {
    this.startError = new AppError({ code, message });
  }

  drain(): void {
    this.isFull = false;
    for (const written of this.#unwritten.splice(0)) written();
  }

  /** Takes the oldest request that waits; of that method, if one is given. */
  take(method?: string): Asked {
    const at = this.asked.findIndex((one) => method === undefined || one.method === method);
    const [found] = at < 0 ? [] : this.asked.splice(at, 1);
    if (!found) throw new Error(`nobody asked ${method ?? 'anything'}; it was sent ${this.lines.join('\n')}`);
    return found;
  }

  answer({ id, owner }: Asked, result: unknown): void {
    this.say({ jsonrpc: '2.0', id, result }, { owner });
  }

  refuse({ id, owner }: Asked, error: unknown): void {
    this.say({ jsonrpc: '2.0', id, error }, { owner });
  }

  /** A text is sent as it is. `stream`: of the request that it comes with, as over HTTP. */
  say(message: unknown, { owner, stream }: { owner?: string | undefined; stream?: string | undefined } = {}): void {
    const line = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    this.#connectionOf(owner)?.events.onMessage(line, stream);
  }

  changed(method: string, params?: unknown): void {
    this.say({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) });
  }

  /** Fails one request and nothing else, as a transport over HTTP does. */
  failRequest({ id, owner }: Asked, error: AppError): void {
    this.#connectionOf(owner)?.events.onRequestFailed?.(String(id), error);
  }

  pauseStream({ id, owner }: Asked): void {
    this.#connectionOf(owner)?.events.onStreamPaused?.(String(id));
  }

  die(owner?: string): void {
    const connection = this.#connectionOf(owner);
    if (connection) this.#end(connection, { reason: 'exited', code: 1, signal: null });
  }

  /** Methods of what it was sent that needs no answer. */
  notifications(): Message[] {
    return this.lines.map((line): Message => JSON.parse(line)).filter(({ id, method }) => id === undefined && method);
  }

  #connectionOf(owner: string | undefined): Connection | undefined {
    return this.#connections.find((one) => owner === undefined || one.owner === owner);
  }

  async #start(events: TransportEvents, owner: string | undefined): Promise<Transport> {
    this.starts += 1;
    this.onStart();
    await this.#gate;
    if (this.startError) throw this.startError;
    const connection = { owner, events };
    this.#connections.push(connection);
    return {
      send: (line, _id, options) => this.#take(connection, line, options?.headers),
      close: () => Promise.resolve(this.#end(connection, { reason: 'closed' })),
      pause: () => {},
      resume: () => {},
      ...(this.setup.takesHeaders ? { takesHeaders: true } : {}),
    };
  }

  #end(connection: Connection, exit: TransportExit): void {
    const at = this.#connections.indexOf(connection);
    if (at < 0) return;
    this.#connections.splice(at, 1);
    connection.events.onExit(exit);
  }

  #take({ owner, events }: Connection, line: Buffer, headers: Asked['headers']): Promise<void> {
    const text = line.toString();
    this.lines.push(text);
    const { id, method, params = {} }: Message = JSON.parse(text);
    if (id !== undefined && method !== undefined) {
      const own = this.#ownAnswer(method, params, id);
      const say = () => {
        for (const message of own ?? []) events.onMessage(Buffer.from(JSON.stringify(message)));
      };
      if (own) queueMicrotask(say);
      else this.asked.push({ id, method, text, params, owner, headers });
    }
    return this.isFull ? new Promise((resolve) => this.#unwritten.push(resolve)) : Promise.resolve();
  }

  /** What it says without being told to by the test. */
  #ownAnswer(method: string, params: Record<string, unknown>, id: number): unknown[] | undefined {
    const result = (value: unknown) => [{ jsonrpc: '2.0', id, result: value }];
    const { lists = {}, instructions, version = '2025-06-18' } = this.setup;
    const capabilities = this.setup.capabilities ?? capabilitiesOf(lists);
    const said = { capabilities, ...(instructions === undefined ? {} : { instructions }) };
    if (method === 'initialize' && !this.isModern) {
      return result({ protocolVersion: version, ...said, serverInfo: { name: 'memory', version: '1' } });
    }
    if (method === 'server/discover' && this.isModern)
      return result({ supportedVersions: [statelessVersion], ...said });
    if (method === 'subscriptions/listen') return [this.#acknowledgement(params, id)];
    const list = listOfMethod(method);
    if (!list || this.silentLists.has(list)) return undefined;
    return result({ [listKinds[list].member]: lists[list] ?? [] });
  }

  #acknowledgement(params: Record<string, unknown>, id: number): unknown {
    const wanted: Record<string, unknown> = Object(params['notifications']);
    const uris = wanted['resourceSubscriptions'];
    const told = Array.isArray(uris) ? { resourceSubscriptions: uris.filter((uri) => !this.untold.has(uri)) } : {};
    const notifications = { ...wanted, ...told };
    const method = 'notifications/subscriptions/acknowledged';
    return { jsonrpc: '2.0', method, params: { notifications, _meta: { [subscriptionKey]: id } } };
  }
}

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId';

function capabilitiesOf(lists: ServerSetup['lists']): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(lists ?? {}).map((list) => [list === 'resourceTemplates' ? 'resources' : list, {}]),
  );
}

/** A definition that any program takes. */
export function tool(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { name, inputSchema: { type: 'object' }, ...more };
}
