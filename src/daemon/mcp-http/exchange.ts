// One POST with requests, until each has its answer: as JSON if the answers come alone, else as a stream of messages.
import type { ServerResponse } from 'node:http';
import type { Accepts } from './http-reply.ts';
import type { MessageStream } from './message-stream.ts';

export type ExchangeOptions = {
  response: ServerResponse;
  /** Keys of the requests' ids. */
  keys: readonly string[];
  isBatch: boolean;
  accepts: Accepts;
  /** Calls may take long and say much on the way: their stream begins at once and can be resumed. */
  streamsAtOnce: boolean;
  createStream: () => MessageStream;
  now: () => number;
};

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #open: Set<string>;
  readonly #answers: Buffer[] = [];
  #stream: MessageStream | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { accepts } = options;
    this.#open = new Set(options.keys);
    if (accepts.stream && (options.streamsAtOnce || accepts.prefersStream || !accepts.json)) this.#ensureStream();
  }

  get isOver(): boolean {
    return this.#open.size === 0;
  }

  get isAttached(): boolean {
    return this.#stream?.isAttached ?? !this.#options.response.destroyed;
  }

  get unreadBytes(): number {
    return this.#stream?.unreadBytes ?? 0;
  }

  /** A message on the way; false: this program takes one answer and nothing else. */
  emit(line: Buffer): boolean {
    if (!this.#options.accepts.stream) return false;
    this.#ensureStream().push(line);
    return true;
  }

  /** The answer to one of the requests. */
  answer(key: string, line: Buffer): void {
    if (!this.#open.delete(key)) return;
    if (this.#stream) this.#stream.push(line);
    else this.#answers.push(line);
    if (this.isOver) this.#finish();
  }

  /** The program withdrew a request: no answer will come. */
  drop(key: string): void {
    if (this.#open.delete(key) && this.isOver) this.#finish();
  }

  /** Ends the connection; its stream goes on and can be resumed. */
  detach(): void {
    this.#stream?.detach();
  }

  keepAlive(): void {
    this.#stream?.keepAlive();
  }

  /** The session ends: nothing more comes. */
  abandon(): void {
    this.#open.clear();
    this.#finish();
  }

  #ensureStream(): MessageStream {
    if (this.#stream) return this.#stream;
    const { response, createStream, now } = this.#options;
    const stream = createStream();
    this.#stream = stream;
    stream.attach(response, now);
    for (const line of this.#answers.splice(0)) stream.push(line);
    return stream;
  }

  #finish(): void {
    const { response, isBatch, now } = this.#options;
    if (this.#stream) return this.#stream.finish(now);
    if (response.headersSent || response.destroyed) return;
    const [first] = this.#answers;
    if (!first) {
      response.writeHead(202).end();
      return;
    }
    const body = isBatch ? Buffer.concat([Buffer.from('['), joined(this.#answers), Buffer.from(']')]) : first;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  }
}

function joined(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [line] : [Buffer.from(','), line])));
}
