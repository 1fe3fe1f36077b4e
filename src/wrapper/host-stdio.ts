// The host's side: lines from stdin, lines to stdout, and the brakes on both.
import type { Readable, Writable } from 'node:stream';
import { LineSplitter, type OversizeLine } from '../base/line-splitter.ts';
import { writeLine } from '../base/line-writer.ts';
import { corked } from '../daemon-client/dial.ts';

export type HostStdioOptions = {
  /** Each chunk is valid until `onChunk` returns. */
  openStdin: (onChunk: (chunk: Buffer) => void) => Readable;
  stdout: Writable;
  maxLineBytes: number;
  /** The line is valid until this returns. */
  onLine: (line: Buffer) => void;
  /** Around all lines that arrived at once. */
  batch: (deliver: () => void) => void;
  onOversize: (line: OversizeLine) => void;
  /** The host closed our stdin; an unfinished last line was handed out before. */
  onEnd: () => void;
  /** Nobody reads our stdout any more. */
  onGone: () => void;
  /** True: the host reads slower than the daemon writes. */
  onBacklog: (isFull: boolean) => void;
};

/** Answers of our own may pile up for a host that writes and never reads; then its lines have to wait too. */
const maxUnreadBytes = 16 * 1024 * 1024;

export class HostStdio {
  readonly #options: HostStdioOptions;
  readonly #brakes = new Set<'daemon' | 'host'>();
  #stdin: Readable | undefined;

  constructor(options: HostStdioOptions) {
    this.#options = options;
  }

  start(): void {
    const { openStdin, stdout, maxLineBytes, onLine, batch, onOversize, onEnd, onGone, onBacklog } = this.#options;
    const splitter = new LineSplitter({ maxLineBytes, onLine, onOversize });
    let hasEnded = false;
    const end = () => {
      if (hasEnded) return;
      hasEnded = true;
      splitter.end();
      onEnd();
    };
    const stdin = openStdin((chunk) => batch(() => splitter.push(chunk)));
    this.#stdin = stdin;
    stdin.on('end', end);
    stdin.on('close', end);
    stdin.on('error', end);
    stdin.resume(); // without a reader of its data it tells its end only when it flows
    stdout.on('error', onGone);
    stdout.on('drain', () => {
      onBacklog(false);
      this.#release('host');
    });
  }

  /** What `act` writes leaves in one system call. */
  batch(act: () => void): void {
    corked(this.#options.stdout, act);
  }

  get unreadBytes(): number {
    return this.#options.stdout.writableLength;
  }

  write(line: Uint8Array | string): void {
    const { stdout, onBacklog } = this.#options;
    if (writeLine(stdout, line)) return;
    onBacklog(true);
    if (stdout.writableLength > maxUnreadBytes) this.#brake('host');
  }

  /** The daemon takes no more for now. */
  pause(): void {
    this.#brake('daemon');
  }

  resume(): void {
    this.#release('daemon');
  }

  #brake(by: 'daemon' | 'host'): void {
    this.#brakes.add(by);
    this.#stdin?.pause();
  }

  #release(by: 'daemon' | 'host'): void {
    if (this.#brakes.delete(by) && this.#brakes.size === 0) this.#stdin?.resume();
  }
}
