// Reads HTTP answers from their bytes and takes nothing but what the standard says: a client that forgives would hide
// what another one stumbles over.

export type StrictResponse = {
  status: number;
  /** By name in lower case. */
  headers: Record<string, string>;
  parts: Buffer[];
  isComplete: boolean;
};

type State =
  | { kind: 'head' }
  | { kind: 'body'; left: number; isChunk: boolean }
  | { kind: 'chunk-size' }
  | { kind: 'chunk-end' }
  | { kind: 'last-chunk' }
  | { kind: 'until-close' };

const crlf = Buffer.from('\r\n');
/** No head and no chunk's size is longer. */
const maxLineBytes = 16 * 1024;

export class StrictHttpReader {
  readonly responses: StrictResponse[] = [];
  /** Requests that have been sent: an answer to none of them is an error. */
  expected = 0;
  #pending: Buffer = Buffer.alloc(0);
  #state: State = { kind: 'head' };

  /** Throws at the first byte that does not belong there. */
  push(bytes: Buffer): void {
    this.#pending = this.#pending.length > 0 ? Buffer.concat([this.#pending, bytes]) : bytes;
    while (this.#pending.length > 0 && this.#step());
  }

  /** The connection has ended. */
  end(): void {
    if (this.#state.kind === 'until-close') this.#complete();
    const isBetween = this.#state.kind === 'head' && this.#pending.length === 0;
    if (!isBetween) throw new Error(`The connection ended in ${this.#state.kind}.`);
  }

  /** false: more bytes are needed. */
  #step(): boolean {
    const state = this.#state;
    switch (state.kind) {
      case 'head': {
        if (this.responses.length === this.expected) throw this.#error('bytes that nobody asked for');
        const head = this.#line('\r\n\r\n');
        if (head !== undefined) this.#begin(head);
        return head !== undefined;
      }
      case 'body': {
        const part = this.#take(Math.min(state.left, this.#pending.length));
        this.#last().parts.push(part);
        const left = state.left - part.length;
        if (left > 0) this.#state = { ...state, left };
        else if (state.isChunk) this.#state = { kind: 'chunk-end' };
        else this.#complete();
        return true;
      }
      case 'chunk-size': {
        const line = this.#line('\r\n');
        if (line === undefined) return false;
        if (!/^[0-9a-f]+$/i.test(line)) throw this.#error(`"${line.slice(0, 40)}" is no size of a chunk`);
        const left = Number.parseInt(line, 16);
        this.#state = left > 0 ? { kind: 'body', left, isChunk: true } : { kind: 'last-chunk' };
        return true;
      }
      case 'chunk-end':
      case 'last-chunk':
        if (this.#pending.length < crlf.length) return false;
        if (!this.#take(crlf.length).equals(crlf)) throw this.#error('no line break after a chunk');
        if (state.kind === 'last-chunk') this.#complete();
        else this.#state = { kind: 'chunk-size' };
        return true;
      case 'until-close':
        this.#last().parts.push(this.#take(this.#pending.length));
        return true;
    }
  }

  #begin(head: string): void {
    const [first = '', ...lines] = head.split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3}) [ -~]*$/.exec(first)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw this.#error(`"${first.slice(0, 80)}" begins no answer`);
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const [, name = '', value = ''] = /^([\w-]+): ([ -~]*)$/.exec(line) ?? [];
      if (name === '' || name.toLowerCase() in headers) throw this.#error(`"${line}" is no header, or there twice`);
      headers[name.toLowerCase()] = value;
    }
    this.responses.push({ status, headers, parts: [], isComplete: false });
    const { 'content-length': length, 'transfer-encoding': encoding } = headers;
    if (length !== undefined && encoding !== undefined) throw this.#error('a length and an encoding');
    if (encoding !== undefined) {
      if (encoding !== 'chunked') throw this.#error(`the encoding ${encoding}`);
      this.#state = { kind: 'chunk-size' };
    } else if (length !== undefined) {
      if (!/^\d+$/.test(length)) throw this.#error(`the length ${length}`);
      if (Number(length) === 0) this.#complete();
      else this.#state = { kind: 'body', left: Number(length), isChunk: false };
    } else {
      if (headers['connection'] !== 'close') throw this.#error('an answer whose end nothing tells');
      this.#state = { kind: 'until-close' };
    }
  }

  #complete(): void {
    this.#last().isComplete = true;
    this.#state = { kind: 'head' };
  }

  #last(): StrictResponse {
    const last = this.responses.at(-1);
    if (!last) throw this.#error('a body without a head');
    return last;
  }

  #take(length: number): Buffer {
    const taken = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    return taken;
  }

  #line(end: string): string | undefined {
    const at = this.#pending.indexOf(end);
    if (at > maxLineBytes || (at < 0 && this.#pending.length > maxLineBytes)) throw this.#error('a line without end');
    return at < 0 ? undefined : this.#take(at + end.length).toString('latin1', 0, at);
  }

  #error(what: string): Error {
    const next = JSON.stringify(this.#pending.toString('latin1', 0, 120));
    return new Error(
      `Malformed HTTP in ${this.#state.kind} of answer ${this.responses.length}: ${what}; next: ${next}`,
    );
  }
}

export type StreamEvent = { id?: string; event?: string; retry?: string; data?: string };

/** The whole events so far; throws if there is anything else, or a part of one at the end of the stream. */
export function eventsOf(response: StrictResponse): StreamEvent[] {
  if (response.headers['content-type'] !== 'text/event-stream') throw new Error('That is no stream of events.');
  const blocks = textOf(response).split('\n\n');
  const rest = blocks.pop();
  if (response.isComplete && rest !== '')
    throw new Error(`A part of an event at the end: ${String(rest).slice(0, 120)}`);
  let lastId: string | undefined;
  return blocks.flatMap((block) => {
    const event: StreamEvent = {};
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) continue;
      const [, field, value = ''] = /^(id|event|retry|data): ([^\r\n]*)$/.exec(line) ?? [];
      if ((field !== 'id' && field !== 'event' && field !== 'retry' && field !== 'data') || field in event) {
        throw new Error(`No line of an event, or there twice: ${line.slice(0, 120)}`);
      }
      event[field] = value;
    }
    if (event.id !== undefined) lastId = followed(lastId, event.id);
    return Object.keys(event).length > 0 ? [event] : [];
  });
}

/** The body so far, which must be UTF-8. */
export function textOf({ parts, isComplete }: StrictResponse): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts), { stream: !isComplete });
}

/** Ids are `<stream>.<number>`, of one stream and without a gap. */
function followed(before: string | undefined, id: string): string {
  const [, stream, number] = /^([\w-]+)\.(\d+)$/.exec(id) ?? [];
  const isNext = before === undefined || before === `${stream}.${Number(number) - 1}`;
  if (stream === undefined || !isNext) throw new Error(`The event ${id} came after ${before}.`);
  return id;
}
