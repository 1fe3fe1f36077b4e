// Cuts a byte stream into lines. A line over the bound is not kept: only its two ends are, so that the caller can find
// whose message it was and answer with an error while the stream goes on.

export type OversizeLine = { head: Buffer; tail: Buffer; bytes: number };

export type LineSplitterOptions = {
  maxLineBytes: number;
  /** The line is a view of the chunk where it came in one: valid for as long as that. */
  onLine: (line: Buffer) => void;
  onOversize: (line: OversizeLine) => void;
};

/** Enough of each end of a message to hold its id and method, which stand first or last in practice. */
export const keptEndBytes = 4_096;

const newline = 0x0a;
const nothing = Buffer.alloc(0);

export class LineSplitter {
  readonly #options: LineSplitterOptions;
  #parts: Buffer[] = [];
  #bytes = 0;
  #head: Buffer | undefined;
  #tail: Buffer = nothing;

  constructor(options: LineSplitterOptions) {
    this.#options = options;
  }

  /** Bytes of an unfinished line that are held in memory. */
  get heldBytes(): number {
    return this.#head ? this.#head.length + this.#tail.length : this.#bytes;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(newline, from);
      if (at < 0) break;
      // The common case: the whole line came at once.
      if (this.#bytes === 0 && at - from <= this.#options.maxLineBytes) {
        this.#handOut(chunk.subarray(from, at));
        from = at + 1;
        continue;
      }
      this.#keep(chunk.subarray(from, at));
      this.#finish();
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** The stream ended: an unfinished last line is handed out like any other. */
  end(): void {
    if (this.#bytes > 0) this.#finish();
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (!this.#head && this.#bytes > this.#options.maxLineBytes) {
      const start = Buffer.concat([...this.#parts, part]);
      this.#head = Buffer.from(start.subarray(0, keptEndBytes));
      this.#tail = Buffer.from(start.subarray(-keptEndBytes));
      this.#parts = [];
    } else if (this.#head) {
      this.#tail = lastOf(this.#tail, part);
    } else if (part.length > 0) this.#parts.push(Buffer.from(part)); // the chunk may be read into again
  }

  #finish(): void {
    const [parts, bytes, head, tail] = [this.#parts, this.#bytes, this.#head, this.#tail];
    this.#parts = [];
    this.#bytes = 0;
    this.#head = undefined;
    this.#tail = nothing;
    if (head) {
      this.#options.onOversize({ head, tail, bytes });
      return;
    }
    const [only] = parts;
    this.#handOut(parts.length === 1 && only ? only : Buffer.concat(parts));
  }

  #handOut(bytes: Buffer): void {
    const line = bytes[bytes.length - 1] === 0x0d ? bytes.subarray(0, -1) : bytes;
    if (line.length > 0 && !isBlank(line)) this.#options.onLine(line);
  }
}

/** The end of what is kept and `part`. A full tail is moved in place: parts of one byte must not cost a copy each. */
export function lastOf(tail: Buffer, part: Buffer): Buffer {
  if (part.length >= keptEndBytes || tail.length < keptEndBytes) {
    return Buffer.from(Buffer.concat([tail, part]).subarray(-keptEndBytes));
  }
  tail.copyWithin(0, part.length);
  part.copy(tail, tail.length - part.length);
  return tail;
}

/** As empty as an empty line. */
function isBlank(line: Buffer): boolean {
  if ((line[0] ?? 0) > 0x20) return false; // nearly every line: a message begins with a brace
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
