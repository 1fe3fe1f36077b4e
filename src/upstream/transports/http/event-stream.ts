// Parses text/event-stream as it arrives. Works on bytes: a message is handed on exactly as the server wrote it.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
import { keptEndBytes, lastOf, type OversizeLine } from '../../../base/line-splitter.ts';

export type EventStreamEvent = { event: string; data: Buffer };

export type EventStreamOptions = {
  maxDataBytes: number;
  onEvent: (event: EventStreamEvent) => void;
  /** Also for an event without data: servers send an id alone so that a stream can be resumed from its start. */
  onId: (id: string) => void;
  onRetry: (delayMs: number) => void;
  onOversize: (line: OversizeLine) => void;
  /** More than one event can have, and none of it was one. Without this handler it is read on, whatever comes. */
  onFlood?: ((line: OversizeLine) => void) | undefined;
};

const [lf, cr, colon, space] = [0x0a, 0x0d, 0x3a, 0x20];

/** Field names and ids are short; only data may be long. */
const maxFieldBytes = 64 * 1024;

export class EventStreamParser {
  readonly #options: EventStreamOptions;
  #line: Buffer[] = [];
  #lineBytes = 0;
  #skipLineFeed = false;
  #isFirstLine = true;
  #data: Buffer[] = [];
  #dataBytes = 0;
  #event = '';
  #oversize: { head: Buffer; tail: Buffer; bytes: number } | undefined;
  /** Since the last event. */
  #bytes = 0;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
    let from = 0;
    this.#bytes += chunk.length;
    if (this.#skipLineFeed && chunk.length > 0) {
      if (chunk[0] === lf) from = 1;
      this.#skipLineFeed = false;
    }
    // Looked up again only once passed, so that a chunk is searched once for each of the two.
    let [nextCr, nextLf] = [chunk.indexOf(cr, from), chunk.indexOf(lf, from)];
    while (from < chunk.length) {
      if (nextLf >= 0 && nextLf < from) nextLf = chunk.indexOf(lf, from);
      if (nextCr >= 0 && nextCr < from) nextCr = chunk.indexOf(cr, from);
      const isCr = nextCr >= 0 && (nextLf < 0 || nextCr < nextLf);
      const end = isCr ? nextCr : nextLf;
      if (end < 0) break;
      this.#keep(chunk.subarray(from, end));
      this.#endLine();
      from = end + 1;
      if (isCr && from === chunk.length) this.#skipLineFeed = true;
      else if (isCr && chunk[from] === lf) from += 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    // Line ends and names of fields come on top of what one event may hold.
    if (!this.#oversize && this.#bytes <= 2 * this.#options.maxDataBytes + maxFieldBytes) return;
    const none = Buffer.alloc(0);
    this.#options.onFlood?.(this.#oversize ?? { head: none, tail: none, bytes: this.#bytes });
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#lineBytes += part.length;
    if (this.#oversize) {
      this.#oversize.tail = lastOf(this.#oversize.tail, part);
      this.#oversize.bytes += part.length;
      return;
    }
    this.#line.push(part);
    if (this.#dataBytes + this.#lineBytes <= this.#options.maxDataBytes + maxFieldBytes) return;
    const all = Buffer.concat([...this.#data, ...this.#line]);
    const start = this.#data.length === 0 && all.toString('latin1', 0, 5) === 'data:' ? 5 : 0;
    this.#oversize = {
      head: Buffer.from(all.subarray(start, start + keptEndBytes)),
      tail: Buffer.from(all.subarray(-keptEndBytes)),
      bytes: all.length - start,
    };
    this.#line = [];
    this.#data = [];
    this.#dataBytes = 0;
  }

  #endLine(): void {
    const bytes = this.#lineBytes;
    const [only] = this.#line;
    const line = this.#line.length === 1 && only ? only : Buffer.concat(this.#line);
    this.#line = [];
    this.#lineBytes = 0;
    const start = this.#isFirstLine && line.toString('latin1', 0, 3) === '\u00ef\u00bb\u00bf' ? 3 : 0;
    this.#isFirstLine = false;
    if (bytes === start) this.#dispatch();
    else if (!this.#oversize) this.#field(line.subarray(start));
  }

  #field(line: Buffer): void {
    const at = line.indexOf(colon);
    const name = line.toString('latin1', 0, at < 0 ? line.length : at);
    let value = at < 0 ? Buffer.alloc(0) : line.subarray(at + 1);
    if (value[0] === space) value = value.subarray(1);
    if (name === 'data') {
      this.#data.push(value);
      this.#dataBytes += value.length;
    } else if (value.length > maxFieldBytes) return;
    else if (name === 'event') this.#event = value.toString('utf8');
    else if (name === 'id') {
      if (!value.includes(0)) this.#options.onId(value.toString('utf8'));
    } else if (name === 'retry' && /^\d{1,9}$/.test(value.toString('latin1'))) {
      this.#options.onRetry(Number(value.toString('latin1')));
    }
  }

  #dispatch(): void {
    const [data, event, oversize] = [this.#data, this.#event, this.#oversize];
    this.#data = [];
    this.#dataBytes = 0;
    this.#event = '';
    this.#oversize = undefined;
    if (oversize) {
      this.#bytes = 0;
      this.#options.onOversize(oversize);
      return;
    }
    const [first, ...more] = data;
    if (!first || (more.length === 0 && first.length === 0)) return;
    // What cannot be a message (no { or [ first) is no sign of life: a packed stream of such events would never end.
    if (first[0] === 0x7b || first[0] === 0x5b) this.#bytes = 0;
    const newline = Buffer.from('\n');
    const whole = more.length === 0 ? first : Buffer.concat([first, ...more.flatMap((part) => [newline, part])]);
    this.#options.onEvent({ event: event || 'message', data: whole });
  }
}
