// One stream of messages to a program over HTTP. Events have ids and are kept for a while, so that a program that lost
// its connection gets the rest when it comes back with Last-Event-ID.
import type { ServerResponse } from 'node:http';
import { writeEvent, writeKeepAlive, writeStreamHead } from './event-bytes.ts';

export type MessageStreamOptions = {
  id: string;
  /** An event without data first, so that even a stream without messages can be resumed (since 2025-11-25). */
  primes: boolean;
};

/** More than a long call reports between two looks of its reader; older ones are gone for who comes late. */
const maxKeptEvents = 256;
const maxKeptBytes = 4 * 1024 * 1024;
/** A stream that was read to its end is kept only if that costs little. */
const maxKeptAfterEndBytes = 256 * 1024;
/** How long a program waits before it comes back, unless it knows better. */
const retryMs = 1_000;

export class MessageStream {
  readonly id: string;
  readonly #primes: boolean;
  readonly #kept: { number: number; line: Buffer }[] = [];
  #keptBytes = 0;
  #lastNumber = 0;
  #response: ServerResponse | undefined;
  isFinished = false;
  /** When it was finished or lost its reader. */
  leftAt: number | undefined;

  constructor({ id, primes }: MessageStreamOptions) {
    this.id = id;
    this.#primes = primes;
  }

  get isAttached(): boolean {
    return this.#response !== undefined;
  }

  /** Written and not yet read by the program. */
  get unreadBytes(): number {
    return this.#response?.writableLength ?? 0;
  }

  /** Gives the stream a reader, instead of an earlier one. `after`: number of the last event that the reader has. */
  attach(response: ServerResponse, now: () => number, after?: number): void {
    this.#response?.end();
    this.#response = response;
    this.leftAt = undefined;
    response.once('close', () => {
      if (this.#response !== response) return;
      this.#response = undefined;
      this.leftAt = now();
    });
    writeStreamHead(response);
    if (this.#primes && after === undefined && !this.isFinished)
      writeEvent(response, `id: ${this.id}.0\nretry: ${retryMs}\n`, Buffer.alloc(0));
    for (const { number, line } of this.#kept) if (number > (after ?? 0)) this.#write(response, number, line);
    if (this.isFinished) this.#end(now);
  }

  push(line: Buffer): void {
    this.#lastNumber += 1;
    this.#kept.push({ number: this.#lastNumber, line });
    this.#keptBytes += line.length;
    // The newest stays whatever its size: it may be the answer.
    while (this.#kept.length > 1 && (this.#kept.length > maxKeptEvents || this.#keptBytes > maxKeptBytes)) {
      this.#keptBytes -= this.#kept.shift()?.line.length ?? 0;
    }
    if (this.#response) this.#write(this.#response, this.#lastNumber, line);
  }

  /** Nothing follows. What was not read stays for a while. */
  finish(now: () => number): void {
    this.isFinished = true;
    this.leftAt ??= now();
    this.#end(now);
  }

  /** Ends the reader's connection only; the stream goes on. */
  detach(): void {
    this.#response?.end();
  }

  keepAlive(): void {
    if (this.#response) writeKeepAlive(this.#response);
  }

  #end(now: () => number): void {
    const response = this.#response;
    if (!response) return;
    this.leftAt = now();
    // Sent away before the end: it comes back for the rest.
    if (response.writableEnded) return;
    response.end(() => {
      if (this.#keptBytes <= maxKeptAfterEndBytes) return;
      this.#kept.length = 0;
      this.#keptBytes = 0;
    });
  }

  #write(response: ServerResponse, number: number, line: Buffer): void {
    writeEvent(response, `id: ${this.id}.${number}\nevent: message\n`, line);
  }
}

/** `<stream>.<number>`; undefined: not an id of ours. */
export function parseEventId(text: string): { stream: string; number: number } | undefined {
  const match = /^([\w-]+)\.(\d{1,15})$/.exec(text);
  return match?.[1] === undefined ? undefined : { stream: match[1], number: Number(match[2]) };
}
