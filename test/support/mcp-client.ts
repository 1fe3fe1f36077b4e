// One MCP client over a child's stdin and stdout, in raw JSON-RPC: a test sees every byte that a host would.
import type { ChildProcess } from 'node:child_process';
import { isRecord } from '../../src/base/guards.ts';

export type Message = Record<string, unknown>;

/** Longer than any answer here takes on a loaded machine of two cores. */
const defaultTimeoutMs = 60_000;

export class McpClient {
  readonly child: ChildProcess;
  readonly messages: Message[] = [];
  /** As they came, for what JSON.parse would change. */
  readonly lines: string[] = [];
  /** Lines that are no JSON object; must stay empty. */
  readonly garbage: string[] = [];
  stderr = '';
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #parts: Buffer[] = [];
  #lastId = 0;
  readonly #watchers = new Set<() => void>();

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (chunk: Buffer) => this.#take(chunk));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-20_000);
    });
    child.stdin?.on('error', () => {});
    this.exited = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
  }

  send(message: Message | string | Buffer): void {
    const line = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    this.child.stdin?.write(Buffer.concat([Buffer.from(line), Buffer.from('\n')]));
  }

  notify(method: string, params: Message = {}): void {
    this.send({ jsonrpc: '2.0', method, params });
  }

  /** The whole answer, error or result. */
  request(method: string, params: Message = {}, timeoutMs = defaultTimeoutMs): Promise<Message> {
    this.#lastId += 1;
    const id = `c${this.#lastId}`;
    this.send({ jsonrpc: '2.0', id, method, params });
    return this.answer(id, timeoutMs);
  }

  call(name: string, args: Message = {}, timeoutMs = defaultTimeoutMs): Promise<Message> {
    return this.request('tools/call', { name, arguments: args }, timeoutMs);
  }

  answer(id: unknown, timeoutMs = defaultTimeoutMs): Promise<Message> {
    return this.find(
      (message) => message['id'] === id && !('method' in message),
      `an answer to ${String(id)}`,
      timeoutMs,
    );
  }

  /** The first notification of `method` that is not among the first `skip` of them. */
  notification(method: string, skip = 0, timeoutMs = defaultTimeoutMs): Promise<Message> {
    return this.until(() => this.notifications(method)[skip], method, timeoutMs);
  }

  notifications(method: string): Message[] {
    return this.messages.filter((message) => message['method'] === method);
  }

  find(matches: (message: Message) => boolean, what: string, timeoutMs = defaultTimeoutMs): Promise<Message> {
    return this.until(() => this.messages.find(matches), what, timeoutMs);
  }

  /** The raw line of the first message that matches. */
  line(matches: (line: string) => boolean, what: string, timeoutMs = defaultTimeoutMs): Promise<string> {
    return this.until(() => this.lines.find(matches), what, timeoutMs);
  }

  /** Calls `look` whenever something has come, until what is returned is called. */
  watch(look: () => void): () => void {
    this.#watchers.add(look);
    return () => this.#watchers.delete(look);
  }

  until<T>(look: () => T | undefined, what: string, timeoutMs = defaultTimeoutMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#watchers.delete(check);
      };
      const check = () => {
        const found = look();
        if (found === undefined) return;
        settle();
        resolve(found);
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`waited ${timeoutMs} ms for ${what}; stderr: ${this.stderr}`));
      }, timeoutMs);
      this.#watchers.add(check);
      check();
    });
  }

  async initialize(
    options: { name?: string; capabilities?: Message; protocolVersion?: string } = {},
  ): Promise<Message> {
    const answer = await this.request('initialize', {
      protocolVersion: options.protocolVersion ?? '2025-06-18',
      capabilities: options.capabilities ?? {},
      clientInfo: { name: options.name ?? 'test-host', version: '1' },
    });
    this.notify('notifications/initialized');
    return answer;
  }

  async toolNames(): Promise<string[]> {
    return namesIn(await this.request('tools/list'), 'tools');
  }

  /** As a host that ends: no more input, then the end of the process. */
  async close(): Promise<void> {
    this.child.stdin?.end();
    await this.exited;
  }

  #take(chunk: Buffer): void {
    for (let from = 0; ; ) {
      const at = chunk.indexOf(0x0a, from);
      if (at < 0) {
        this.#parts.push(chunk.subarray(from));
        break;
      }
      const line = Buffer.concat([...this.#parts, chunk.subarray(from, at)]).toString('utf8');
      this.#parts = [];
      from = at + 1;
      this.#note(line);
    }
    for (const watcher of [...this.#watchers]) watcher();
  }

  #note(line: string): void {
    this.lines.push(line);
    try {
      const message: unknown = JSON.parse(line);
      if (isRecord(message)) this.messages.push(message);
      else this.garbage.push(line);
    } catch {
      this.garbage.push(line);
    }
  }
}

export function resultOf(answer: Message): Message {
  const result = answer['result'];
  if (!isRecord(result)) throw new Error(`no result: ${JSON.stringify(answer).slice(0, 500)}`);
  return result;
}

export function errorOf(answer: Message): { code: number; message: string; data?: unknown } {
  const error = answer['error'];
  if (!isRecord(error) || typeof error['code'] !== 'number') throw new Error(`no error: ${JSON.stringify(answer)}`);
  return { code: error['code'], message: String(error['message']), data: error['data'] };
}

/** The text of a tool's result. */
export function textOf(answer: Message): string {
  const content = resultOf(answer)['content'];
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  return isRecord(first) ? String(first['text']) : '';
}

export function namesIn(answer: Message, member: string, key = 'name'): string[] {
  const items = resultOf(answer)[member];
  return Array.isArray(items) ? items.map((item: unknown) => String(isRecord(item) ? item[key] : item)) : [];
}
