// The answer to one POST without a session: alone as JSON with its status, or at the end of a stream of messages.
import type { ServerResponse } from 'node:http';
import { writeEvent, writeKeepAlive, writeStreamHead } from './event-bytes.ts';
import type { Accepts } from './http-reply.ts';

/** A program or something in between gives up a connection on which nothing comes for long. */
const streamAfterMs = 10_000;
const keepAliveMs = 20_000;

export class ModernReply {
  readonly #response: ServerResponse;
  readonly #accepts: Accepts;
  readonly #timers: NodeJS.Timeout[] = [];
  #isOver = false;

  /** `onLost`: the program closed the connection before the answer, which is how it cancels. */
  constructor(response: ServerResponse, accepts: Accepts, onLost: () => void) {
    this.#response = response;
    this.#accepts = accepts;
    response.once('close', () => {
      this.#stopTimers();
      if (this.#isOver) return;
      this.#isOver = true;
      onLost();
    });
    if (!accepts.stream) return;
    this.#timers.push(
      setTimeout(() => writeStreamHead(response), streamAfterMs).unref(),
      setInterval(() => writeKeepAlive(response), keepAliveMs).unref(),
    );
    if (!accepts.json) writeStreamHead(response);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get unreadBytes(): number {
    return this.#response.writableLength;
  }

  /** A message before the answer; lost if the program takes none. */
  emit(line: Buffer): void {
    if (this.#isOver || !this.#accepts.stream) return;
    writeStreamHead(this.#response);
    this.#write(line);
  }

  finish(line: Buffer, status = 200): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopTimers();
    if (this.#response.headersSent) {
      this.#write(line);
      this.#response.end();
      return;
    }
    this.#response.writeHead(status, { 'content-type': 'application/json', 'content-length': line.length });
    this.#response.end(line);
  }

  #write(line: Buffer): void {
    writeEvent(this.#response, 'event: message\n', line);
  }

  #stopTimers(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }
}
