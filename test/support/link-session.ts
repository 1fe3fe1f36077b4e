// A session without a wrapper's process: speaks the link protocol on the daemon's socket. For tests with more sessions
// than a machine can run wrappers.
import { randomUUID } from 'node:crypto';
import { isRecord } from '../../src/base/guards.ts';
import { processStartTime } from '../../src/base/process-identity.ts';
import { dial, type Link } from '../../src/daemon-client/dial.ts';
import { protocolMajor } from '../../src/link/build.ts';
import type { Message } from './mcp-client.ts';

/** Longer than the slowest answer while a thousand others are served. */
const answerMs = 60_000;

export class LinkSession {
  readonly #link: Link;
  readonly #waiting = new Map<string, (message: Message) => void>();
  #lastId = 0;
  isOpen = true;
  /** What else the daemon wrote. */
  readonly others: string[] = [];

  private constructor(link: Link) {
    this.#link = link;
  }

  /** Connected, introduced and initialized. */
  static async open(socketPath: string, projectDir: string): Promise<LinkSession> {
    const self = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
    const build = { version: '0.0.1', fingerprint: 'test' };
    const hello = {
      ...{ protocol: protocolMajor, build, wrapperId: randomUUID(), wrapper: self, host: self, projectDir },
      ...{ mode: 'all', settings: {}, env: { HOME: projectDir, PATH: process.env['PATH'] ?? '' } },
    };
    let session: LinkSession | undefined;
    await new Promise<void>((resolve, reject) => {
      const link = dial(
        { socketPath, hello, helloTimeoutMs: answerMs, maxLineBytes: 64 * 1024 * 1024 },
        {
          onHello: () => {
            link.send('{"jsonrpc":"2.0","method":"aitkit/env","params":{"values":{}}}');
            resolve();
          },
          onFailure: ({ error }) => reject(error),
          onLine: (line) => session?.take(line),
          batch: (deliver) => deliver(),
          onOversize: () => {},
          onWritable: () => {},
          onClose: () => session?.lost(),
        },
      );
      session = new LinkSession(link);
    });
    if (!session) throw new Error('no session');
    await session.request('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'link', version: '1' },
    });
    session.#link.send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    return session;
  }

  request(method: string, params: Message): Promise<Message> {
    this.#lastId += 1;
    const id = `l${this.#lastId}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${method}`)), answerMs);
      this.#waiting.set(id, (message) => {
        clearTimeout(timer);
        resolve(message);
      });
      this.#link.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  /** As it is. Resolves with what the daemon answered, if anything. */
  async sendRaw(line: string): Promise<string[]> {
    const before = this.others.length;
    this.#link.send(line);
    await this.request('ping', {});
    return this.others.slice(before);
  }

  call(name: string, args: Message): Promise<Message> {
    return this.request('tools/call', { name, arguments: args });
  }

  take(line: Buffer): void {
    const message: unknown = JSON.parse(line.toString('utf8'));
    const isAnswer = isRecord(message) && !('method' in message);
    if (!isAnswer || typeof message['id'] !== 'string' || !/^l\d+$/.test(message['id'])) {
      this.others.push(line.toString('utf8'));
      return;
    }
    const settle = this.#waiting.get(message['id']);
    if (!settle) throw new Error(`a second answer to ${message['id']}`);
    this.#waiting.delete(message['id']);
    settle(message);
  }

  lost(): void {
    this.isOpen = false;
    for (const settle of this.#waiting.values()) settle({ error: { code: 0, message: 'lost' } });
    this.#waiting.clear();
  }

  /** Reads nothing any more, as a host that hangs. */
  pause(): void {
    this.#link.pause();
  }

  resume(): void {
    this.#link.resume();
  }

  close(): void {
    this.isOpen = false;
    this.#link.close();
  }
}
