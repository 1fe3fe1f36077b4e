// Clients of the HTTP endpoint for tests, of both protocol families. They keep every message they were sent.
import { isRecord } from '../../src/base/guards.ts';

export type Message = Record<string, unknown>;
export type Answerer = (method: string, params: Record<string, unknown>) => unknown;
export type Address = { url: string; token: string; headers?: Record<string, string> };

const accept = 'application/json, text/event-stream';

export const at = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((from, key) => {
    if (Array.isArray(from)) return from[Number(key)];
    return isRecord(from) ? from[key] : undefined;
  }, value);

/** A client of revisions with sessions. */
export class LegacyHttpClient {
  readonly messages: Message[] = [];
  readonly #address: Address;
  readonly #answer: Answerer;
  readonly #abort = new AbortController();
  #headers: Record<string, string> = {};
  lastEventId: string | undefined;

  constructor(address: Address, answer: Answerer = () => undefined) {
    this.#address = address;
    this.#answer = answer;
  }

  get sessionId(): string {
    return this.#headers['mcp-session-id'] ?? '';
  }

  async open(capabilities: Message = {}, protocolVersion = '2025-11-25'): Promise<Message> {
    const response = await this.fetch('POST', {
      jsonrpc: '2.0',
      id: 'open',
      method: 'initialize',
      params: { protocolVersion, capabilities, clientInfo: { name: 'test', version: '1' } },
    });
    this.#headers = {
      'mcp-session-id': response.headers.get('mcp-session-id') ?? '',
      'mcp-protocol-version': protocolVersion,
    };
    const [answer] = await this.read(response);
    await this.notify('notifications/initialized');
    return answer ?? {};
  }

  fetch(method: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.#address.url, {
      method,
      headers: {
        authorization: `Bearer ${this.#address.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        accept: method === 'GET' ? 'text/event-stream' : accept,
        ...this.#address.headers,
        ...this.#headers,
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: this.#abort.signal,
    });
  }

  /** All messages of the answer's stream, or the one of its body. Questions are answered on the way. */
  async read(response: Response): Promise<Message[]> {
    const all: Message[] = [];
    await readMessages(response, (message, id) => {
      all.push(message);
      if (id !== undefined) this.lastEventId = id;
      this.#take(message);
    });
    return all;
  }

  async request(id: string | number, method: string, params: Message = {}): Promise<Message | undefined> {
    const all = await this.read(await this.fetch('POST', { jsonrpc: '2.0', id, method, params }));
    return all.find((message) => message['id'] === id && message['method'] === undefined);
  }

  async notify(method: string, params?: Message): Promise<number> {
    return (await this.fetch('POST', { jsonrpc: '2.0', method, ...(params ? { params } : {}) })).status;
  }

  /** Opens the stream for what belongs to no request; ends with `kill` or `end`. */
  async listen(): Promise<void> {
    const response = await this.fetch('GET');
    void this.read(response).catch(() => {}); // cut by `kill`
  }

  async end(): Promise<number> {
    const { status } = await this.fetch('DELETE');
    this.kill();
    return status;
  }

  /** As if the program was killed: every connection is cut. */
  kill(): void {
    this.#abort.abort();
  }

  #take(message: Message): void {
    this.messages.push(message);
    const { id, method, params } = message;
    if (id === undefined || typeof method !== 'string') return;
    const result = this.#answer(method, isRecord(params) ? params : {});
    if (result === undefined) return;
    this.fetch('POST', { jsonrpc: '2.0', id, result }).catch(() => {}); // cut by `kill`
  }
}

export const metaKey = (name: string) => `io.modelcontextprotocol/${name}`;

/** A client of revision 2026-07-28. */
export class ModernHttpClient {
  readonly messages: Message[] = [];
  readonly #address: Address;
  readonly #answer: Answerer;
  readonly #capabilities: Message;

  constructor(address: Address, capabilities: Message = {}, answer: Answerer = () => undefined) {
    this.#address = address;
    this.#capabilities = capabilities;
    this.#answer = answer;
  }

  post(body: Message, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
    const { method, params } = body;
    const name = at(params, 'name') ?? at(params, 'uri');
    return fetch(this.#address.url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.#address.token}`,
        'content-type': 'application/json',
        accept,
        'mcp-protocol-version': '2026-07-28',
        ...(typeof method === 'string' ? { 'mcp-method': method } : {}),
        ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
        ...this.#address.headers,
        ...headers,
      },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
  }

  message(id: string | number, method: string, params: Message = {}, meta: Message = {}): Message {
    const _meta = {
      [metaKey('protocolVersion')]: '2026-07-28',
      [metaKey('clientInfo')]: { name: 'test', version: '1' },
      [metaKey('clientCapabilities')]: this.#capabilities,
      ...meta,
    };
    return { jsonrpc: '2.0', id, method, params: { ...params, _meta } };
  }

  /** One round; its messages are kept. */
  async round(body: Message, signal?: AbortSignal): Promise<Message | undefined> {
    const response = await this.post(body, {}, signal);
    let answer: Message | undefined;
    await readMessages(response, (message) => {
      this.messages.push(message);
      if (message['id'] === body['id']) answer = message;
    });
    return answer;
  }

  /** As many rounds as the server needs. */
  async request(
    id: number,
    method: string,
    { params = {}, meta = {}, signal }: { params?: Message; meta?: Message; signal?: AbortSignal } = {},
  ): Promise<Message | undefined> {
    let answer = await this.round(this.message(id, method, params, meta), signal);
    for (let next = id + 1; at(answer, 'result', 'resultType') === 'input_required'; next += 1) {
      const requests = at(answer, 'result', 'inputRequests');
      const inputResponses = Object.fromEntries(
        Object.entries(isRecord(requests) ? requests : {}).map(([key, request]) => {
          const asked = at(request, 'params');
          return [key, this.#answer(String(at(request, 'method')), isRecord(asked) ? asked : {})];
        }),
      );
      const requestState = at(answer, 'result', 'requestState');
      const again = { ...params, inputResponses, ...(requestState === undefined ? {} : { requestState }) };
      answer = await this.round(this.message(next, method, again, meta), signal);
    }
    return answer;
  }
}

/** Messages of a JSON body or an event stream, as they come. */
export async function readMessages(
  response: Response,
  onMessage: (message: Message, id?: string) => void,
): Promise<void> {
  if (!response.headers.get('content-type')?.includes('text/event-stream')) {
    const text = await response.text();
    const value: unknown = text === '' ? [] : JSON.parse(text);
    for (const one of Array.isArray(value) ? value : [value]) if (isRecord(one)) onMessage(one);
    return;
  }
  // Joined only where an event ends: large ones come in thousands of pieces.
  let parts: string[] = [];
  let end = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    const piece = decoder.decode(chunk, { stream: true });
    parts.push(piece);
    const isEnd = `${end}${piece}`.includes('\n\n');
    end = piece.slice(-1);
    if (!isEnd) continue;
    const events = parts.join('').split('\n\n');
    parts = [events.pop() ?? ''];
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1]?.trim();
      const id = /^id: (.*)$/m.exec(event)?.[1];
      const value: unknown = data ? JSON.parse(data) : undefined;
      if (isRecord(value)) onMessage(value, id);
    }
  }
}
