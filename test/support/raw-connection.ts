// One TCP connection that speaks HTTP in bytes of its own and reads the answers strictly.
import { connect, type Socket } from 'node:net';
import { isRecord } from '../../src/base/guards.ts';
import { eventsOf, StrictHttpReader, type StrictResponse, textOf } from './strict-http.ts';

export type Message = Record<string, unknown>;
export type RawRequest = {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: string;
  /** Default 1.1. */
  version?: '1.0' | '1.1';
};

/** Longer than any answer here takes on a loaded machine of two cores. */
const defaultTimeoutMs = 60_000;

export class RawConnection {
  readonly #reader = new StrictHttpReader();
  readonly #socket: Socket;
  readonly #port: number;
  readonly #watchers = new Set<() => void>();
  #failure: Error | undefined;
  hasEnded = false;

  constructor(port: number) {
    this.#port = port;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const heed = (act: () => void) => {
      try {
        act();
      } catch (error) {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      }
      for (const watcher of [...this.#watchers]) watcher();
    };
    this.#socket.on('data', (bytes: Buffer) => heed(() => this.#reader.push(bytes)));
    this.#socket.on('end', () =>
      heed(() => {
        this.hasEnded = true;
        this.#reader.end();
      }),
    );
    this.#socket.on('error', (error) =>
      heed(() => {
        throw error;
      }),
    );
  }

  /** Without waiting for answers before it. Resolves with the answer as soon as it begins. */
  begin(...requests: RawRequest[]): Promise<StrictResponse[]> {
    const first = this.#reader.expected;
    this.#reader.expected += requests.length;
    this.#socket.write(requests.map((request) => this.#bytesOf(request)).join(''));
    const last = first + requests.length;
    return this.until(
      () => (this.#reader.responses.length >= last ? this.#reader.responses.slice(first, last) : undefined),
      'the answer to begin',
    );
  }

  async ask(request: RawRequest): Promise<StrictResponse> {
    const [response] = await this.askAll(request);
    if (!response) throw new Error('no answer');
    return response;
  }

  /** All at once on this connection; their answers come in order. */
  async askAll(...requests: RawRequest[]): Promise<StrictResponse[]> {
    const responses = await this.begin(...requests);
    return this.until(() => (responses.every(({ isComplete }) => isComplete) ? responses : undefined), 'the answer');
  }

  until<T>(look: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        act();
      };
      const check = () => {
        if (this.#failure) return settle(() => reject(this.#failure));
        try {
          const found = look();
          if (found !== undefined) settle(() => resolve(found));
        } catch (error) {
          settle(() => reject(error));
        }
      };
      const timer = setTimeout(() => {
        const soFar = this.#reader.responses.map(({ status, parts }) =>
          `${status}: ${Buffer.concat(parts)}`.slice(-300),
        );
        settle(() => reject(new Error(`waited ${defaultTimeoutMs} ms for ${what}; came: ${soFar.join('\n')}`)));
      }, defaultTimeoutMs);
      this.#watchers.add(check);
      check();
    });
  }

  /** Reads nothing until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** As if the program was killed. */
  kill(): void {
    this.#socket.destroy();
  }

  /** Ends it; throws what was malformed on it, also after the last answer that a test looked at. */
  async close(): Promise<void> {
    this.#socket.end();
    await this.until(() => (this.hasEnded ? true : undefined), 'the end of the connection');
    this.#socket.destroy();
  }

  #bytesOf({ method, path, headers = {}, body, version = '1.1' }: RawRequest): string {
    const all: Record<string, string> = {
      host: `127.0.0.1:${this.#port}`,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n${body ?? ''}`;
  }
}

/** The messages of an answer: of its JSON body, or of the events of its stream. */
export function messagesOf(response: StrictResponse): Message[] {
  if (response.headers['content-type'] === 'text/event-stream') {
    return eventsOf(response).flatMap(({ data = '' }) => (data === '' ? [] : recordsIn(data)));
  }
  const text = textOf(response);
  return text === '' ? [] : recordsIn(text);
}

function recordsIn(text: string): Message[] {
  const value: unknown = JSON.parse(text);
  const all: unknown[] = Array.isArray(value) ? value : [value];
  return all.map((one) => {
    if (!isRecord(one)) throw new Error(`no message: ${text.slice(0, 120)}`);
    return one;
  });
}
