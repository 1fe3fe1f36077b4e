// WebSocket with the subprotocol `mcp`: one text frame for each message, one connection for each session.
import type { Agent } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import { AppError } from '../../base/errors.ts';
import { handOut } from './message-lines.ts';
import type { Transport, TransportEvents, TransportExit } from './transport.ts';

export type WsSpec = { url: URL; headers: Readonly<Record<string, string>>; maxMessageBytes: number };
export type WsDeps = {
  /** Connections go through it: the proxy of the environment, or undefined for a direct one. */
  agent?: Agent | undefined;
};

const handshakeTimeoutMs = 15_000;

/** Twice this without an answer and the other side is gone: a broken network tells nothing by itself. */
const pingMs = 30_000;

/** The other side should acknowledge the end at once; then it is over anyway. */
const closeTimeoutMs = 2_000;

/** Connects at once; a failure comes as `onExit({ reason: 'lost', error })`. */
export function openWs(spec: WsSpec, events: TransportEvents, deps: WsDeps = {}): Transport {
  return new WsTransport(spec, events, deps);
}

class WsTransport implements Transport {
  readonly #spec: WsSpec;
  readonly #events: TransportEvents;
  readonly #opened: Promise<WebSocket>;
  #socket: WebSocket | undefined;
  #error: unknown;
  #isClosing = false;
  #isPaused = false;
  #hasExited = false;
  #finish: () => void = () => {};
  readonly #finished = new Promise<void>((resolve) => {
    this.#finish = resolve;
  });

  constructor(spec: WsSpec, events: TransportEvents, deps: WsDeps) {
    this.#spec = spec;
    this.#events = events;
    this.#opened = this.#connect(deps);
    this.#opened.catch((error: unknown) => this.#exit({ reason: this.#isClosing ? 'closed' : 'lost', error }));
  }

  async send(line: Buffer): Promise<void> {
    const socket = await this.#opened;
    await new Promise<void>((resolve, reject) => {
      // As text: a Buffer would go out as a binary frame.
      socket.send(line.toString('utf8'), (error) => (error ? reject(lostError(this.#spec.url, error)) : resolve()));
    });
  }

  async close(_reason: string): Promise<void> {
    this.#isClosing = true;
    if (this.#hasExited) return;
    this.resume();
    const socket = this.#socket;
    const timer = setTimeout(() => socket?.terminate(), closeTimeoutMs);
    if (socket?.readyState === socket?.OPEN) socket?.close(1000);
    else socket?.terminate();
    await this.#finished;
    clearTimeout(timer);
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#socket?.readyState === this.#socket?.OPEN) this.#socket?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.resume();
  }

  async #connect({ agent }: WsDeps): Promise<WebSocket> {
    // Loaded with the first such server.
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(this.#spec.url, 'mcp', {
      headers: { ...this.#spec.headers },
      maxPayload: this.#spec.maxMessageBytes,
      // Costs memory on both sides for each connection, and the text goes through one machine in most cases.
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: handshakeTimeoutMs,
      ...(agent ? { agent } : {}),
    });
    this.#socket = socket;
    if (this.#isClosing) socket.terminate();
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('message', (data: RawData) => handOut(asBuffer(data), this.#events));
    return new Promise((resolve, reject) => {
      socket.once('open', () => {
        this.#keepAlive(socket);
        if (this.#isPaused) socket.pause();
        resolve(socket);
      });
      socket.once('close', () => {
        const error = this.#error === undefined ? undefined : lostError(this.#spec.url, this.#error);
        reject(error ?? lostError(this.#spec.url));
        this.#exit(this.#isClosing ? { reason: 'closed' } : { reason: 'lost', ...(error ? { error } : {}) });
      });
    });
  }

  #keepAlive(socket: WebSocket): void {
    let isAlive = true;
    const timer = setInterval(() => {
      // A connection that is held back does not read its pongs either.
      if (!isAlive && !this.#isPaused) socket.terminate();
      isAlive = false;
      socket.ping();
    }, pingMs);
    timer.unref();
    socket.on('pong', () => {
      isAlive = true;
    });
    socket.once('close', () => clearInterval(timer));
  }

  #exit(exit: TransportExit): void {
    if (this.#hasExited) return;
    this.#hasExited = true;
    this.#events.onExit(exit);
    this.#finish();
  }
}

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}

function lostError(url: URL, cause?: unknown): AppError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new AppError({
    code: 'SERVER_FAILED',
    message: `The connection to ${url.protocol}//${url.host} is closed${why}.`,
    hint: 'Check that the server runs, the address, and the network.',
    cause,
    data: { mayHaveRun: true },
  });
}
