// A server's stderr: to its own rotated log, redacted and bounded, and the last of it kept for error messages.
import { LastText, openBytes } from '../../base/last-text.ts';
import type { RotatingFile } from '../../base/log.ts';
import { plainText } from '../../base/plain-text.ts';

/** What an error shows; the log has the rest. */
const tailBytes = 2_048;
/** A server that floods must not fill the disk or the daemon's time: more than this a second is counted, not written. */
const maxBytesPerSecond = 256 * 1024;

export type StderrSink = {
  write: (chunk: Buffer) => void;
  /** A line of ours between those of the server. */
  note: (text: string) => void;
  /** Another process writes from now on: what an earlier one said is none of its last words. */
  begin: () => void;
  tail: () => string;
};

export function createStderrSink(options: {
  file: RotatingFile;
  redact: (text: string) => string;
  label: string;
  now: () => number;
}): StderrSink {
  const last = new LastText(tailBytes);
  let windowStart = 0;
  let windowBytes = 0;
  let dropped = 0;
  const put = (text: string) =>
    options.file.write(`${new Date(options.now()).toISOString()} ${options.label} ${text}\n`);
  const lines = new WholeLines((line) => put(plainText(options.redact(line))));
  const write = (chunk: Buffer) => {
    last.add(chunk);
    const now = options.now();
    if (now - windowStart >= 1_000) {
      if (dropped > 0) put(`[${dropped} bytes of stderr were dropped: more than ${maxBytesPerSecond} bytes a second]`);
      [windowStart, windowBytes, dropped] = [now, 0, 0];
    }
    windowBytes += chunk.length;
    if (windowBytes <= maxBytesPerSecond) return lines.push(chunk);
    dropped += chunk.length;
    lines.flush(); // its other part is not written
  };
  return {
    write,
    note: (text) => {
      lines.flush();
      write(Buffer.from(`${text}\n`));
    },
    begin: () => {
      lines.flush();
      last.clear();
    },
    // Asked for when the process has ended: no more of an open line will come.
    tail: () => {
      lines.flush();
      return plainText(options.redact(last.toString()).trim());
    },
  };
}

/** A line that does not end is written in pieces of this size. */
const maxOpenBytes = 4_096;
/** Somebody may be looking at the log: a prompt has no end, and is seen nevertheless. */
const openMs = 250;
const newline = 0x0a;

/** Chunks end anywhere. A line is handed out when it is whole, so that no character and no secret in it is parted. */
class WholeLines {
  readonly #put: (line: string) => void;
  #open = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;

  constructor(put: (line: string) => void) {
    this.#put = put;
  }

  push(chunk: Buffer): void {
    const bytes = this.#open.length > 0 ? Buffer.concat([this.#open, chunk]) : chunk;
    const end = bytes.lastIndexOf(newline) + 1;
    // The time of the line that is open now begins anew: the former one is whole.
    if (end > 0) this.#stopWaiting();
    this.#handOut(bytes, bytes.length - end > maxOpenBytes ? bytes.length - openBytes(bytes) : end);
    this.#waitForMore();
  }

  flush(): void {
    this.#handOut(this.#open, this.#open.length);
  }

  #waitForMore(): void {
    if (this.#open.length === 0 || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#handOut(this.#open, this.#open.length - openBytes(this.#open));
    }, openMs);
    this.#timer.unref();
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #handOut(bytes: Buffer, end: number): void {
    this.#open = Buffer.from(bytes.subarray(end)); // the chunk may be read into again
    if (this.#open.length === 0) this.#stopWaiting();
    for (const line of bytes.toString('utf8', 0, end).split('\n')) if (line.trim()) this.#put(line);
  }
}
