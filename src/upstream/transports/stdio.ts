// A server that speaks JSON lines on its pipes. Everybody's calls go through one such process, so nothing that it does
// (half a line, a flood, a closed output, a death) may reach further than its own transport.

import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../base/errors.ts';
import { LineSplitter } from '../../base/line-splitter.ts';
import { writeLine } from '../../base/line-writer.ts';
import { gather, inTurn } from '../../base/turn.ts';
import { oneLine } from '../../mcp/envelope.ts';
import {
  type LaunchDeps,
  type ProcessSpec,
  type ServerProcess,
  type StartedProcess,
  startServerProcess,
} from '../process/server-process.ts';
import { handOut } from './message-lines.ts';
import type { Transport, TransportEvents, TransportExit } from './transport.ts';

export type StdioSpec = ProcessSpec & { maxLineBytes: number };

export type StdioDeps = Omit<LaunchDeps, 'onStderr'> & {
  /** The program runs: for the journal. */
  onStarted?: (started: StartedProcess) => void;
};

/** A process that ends closes its output a moment before; longer than that, and it lives on without one. */
const exitAfterOutputMs = 250;

/** What a dead process left in its pipe is read at once; silence this long means that a stray holds the pipe open. */
const drainMs = 200;

/** Starts at once; a failure to start comes as `onExit({ reason: 'spawn-failed' })`. */
export function openStdio(spec: StdioSpec, events: TransportEvents, deps: StdioDeps = {}): Transport {
  return new StdioTransport(spec, events, deps);
}

class StdioTransport implements Transport {
  readonly #events: TransportEvents;
  readonly #started: Promise<ServerProcess | undefined>;
  #process: ServerProcess | undefined;
  #closing: Promise<void> | undefined;
  #isPaused = false;
  #hasOutput = false;
  #hasExited = false;
  /** Its process or one of its pipes has ended: what a stray of it would read now is nobody's. */
  #isOver = false;
  #finish: () => void = () => {};
  readonly #finished = new Promise<void>((resolve) => {
    this.#finish = resolve;
  });
  #askClose: () => void = () => {};
  readonly #closeAsked = new Promise<void>((resolve) => {
    this.#askClose = resolve;
  });

  constructor(spec: StdioSpec, events: TransportEvents, deps: StdioDeps) {
    this.#events = events;
    this.#started = this.#start(spec, deps);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  send(line: Buffer): Promise<void> {
    // Nearly always: the promise of the start is not waited for again.
    return this.#process ? this.#write(this.#process, line) : this.#sendLater(line);
  }

  async #sendLater(line: Buffer): Promise<void> {
    const server = await this.#started;
    if (!server) throw goneError();
    return this.#write(server, line);
  }

  #write({ stdin }: ServerProcess, line: Buffer): Promise<void> {
    if (this.#closing || this.#isOver) return Promise.reject(goneError());
    return new Promise((resolve, reject) => {
      gather(stdin);
      writeLine(stdin, oneLine(line), (error) => (error ? reject(goneError(error)) : resolve()));
    });
  }

  close(_reason: string): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  pause(): void {
    this.#isPaused = true;
    this.#process?.stdout.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#process?.stdout.resume();
  }

  async #start(spec: StdioSpec, deps: StdioDeps): Promise<ServerProcess | undefined> {
    try {
      const server = await startServerProcess(spec, { ...deps, onStderr: this.#events.onStderr });
      this.#process = server;
      this.#watch(server, spec.maxLineBytes);
      deps.onStarted?.(server);
      return server;
    } catch (error) {
      this.#exit({ reason: 'spawn-failed', error });
      return undefined;
    }
  }

  #watch(server: ServerProcess, maxLineBytes: number): void {
    const splitter = new LineSplitter({
      maxLineBytes,
      onLine: (line) => handOut(line, this.#events),
      onOversize: (line) => this.#events.onOversize(line),
    });
    server.stdout.on('data', (chunk: Buffer) => {
      this.#hasOutput = true;
      inTurn(() => splitter.push(chunk));
    });
    const outputEnded = new Promise<'output'>((resolve) => {
      server.stdout.once('close', () => {
        splitter.end();
        resolve('output');
      });
    });
    if (this.#isPaused) server.stdout.pause();
    const inputLost = new Promise<'input'>((resolve) => {
      server.stdin.once('error', () => resolve('input'));
    });
    void this.#supervise(server, outputEnded, inputLost);
  }

  async #supervise(server: ServerProcess, outputEnded: Promise<'output'>, inputLost: Promise<'input'>): Promise<void> {
    const exited = server.exited.then(() => 'exit' as const);
    const asked = this.#closeAsked.then(() => 'close' as const);
    let first: string = await Promise.race([exited, asked, outputEnded, inputLost]);
    this.#isOver = true;
    if (first === 'output' || first === 'input') {
      first = await Promise.race([exited, asked, delay(exitAfterOutputMs, 'late' as const)]);
    }
    // From here on the tree is being ended, whatever the reason: strays of a dead server are nobody's.
    const ending = server.end();
    if (first === 'late') {
      server.stdout.destroy();
      this.#closing ??= ending.then(() => {});
      this.#exit({ reason: 'lost' });
      return;
    }
    const stuck = { code: null, signal: null };
    const how = await Promise.race([server.exited, ending.then(({ isGone }) => (isGone ? server.exited : stuck))]);
    await this.#drain(outputEnded);
    server.stdout.destroy();
    const reason = this.#closing ? 'closed' : 'exited';
    // Before the news, so that whoever hears it can wait for the strays by close().
    this.#closing ??= ending.then(() => {});
    this.#exit({ reason, ...how });
  }

  async #drain(outputEnded: Promise<'output'>): Promise<void> {
    for (;;) {
      this.#hasOutput = false;
      const ended = await Promise.race([outputEnded, delay(drainMs, 'waiting' as const)]);
      if (ended === 'output' || (!this.#isPaused && !this.#hasOutput)) return;
    }
  }

  async #close(): Promise<void> {
    const server = await this.#started;
    if (!server) return;
    this.resume();
    this.#askClose();
    await server.end();
    await this.#finished;
  }

  #exit(exit: TransportExit): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#events.onExit(exit);
    this.#finish();
  }
}

/** `cause`: of a write, which may have gone out in part. Without one nothing was written. */
function goneError(cause?: unknown): AppError {
  const data = { mayHaveRun: cause !== undefined };
  return new AppError({ code: 'SERVER_CRASHED', message: 'The server process has ended.', cause, data });
}
