// A server that we start and that speaks HTTP on a port of this machine: one process, an MCP session of its own for
// each of ours. Started with the first session; started again with the next one after it died.
import { setTimeout as delay } from 'node:timers/promises';
import { lastChars } from '../../../base/cut-text.ts';
import { AppError } from '../../../base/errors.ts';
import { LastText } from '../../../base/last-text.ts';
import { plainText } from '../../../base/plain-text.ts';
import { portPlaceholder } from '../../../config/template.ts';
import {
  type LaunchDeps,
  type ProcessSpec,
  type ServerProcess,
  type StartedProcess,
  startServerProcess,
} from '../../process/server-process.ts';
import type { Transport, TransportEvents, TransportExit } from '../transport.ts';
import { type HttpDeps, openHttp } from './http.ts';
import { canConnect, choosePort, ensureOwnListener } from './loopback-port.ts';
import { openSse } from './sse.ts';

/** `${PORT}` may stand in all texts; a `url` without it names the fixed port that the server uses. */
export type StartedHttpSpec = ProcessSpec & {
  kind: 'http' | 'sse';
  url: string;
  maxMessageBytes: number;
  readyTimeoutMs: number;
};

export type StartedHttpDeps = HttpDeps &
  LaunchDeps & {
    onStarted?: (started: StartedProcess) => void;
    /** It listens. */
    onReady?: (pid: number) => void;
    onExited?: (pid: number) => void;
  };

export type StartedHttp = {
  readonly pid: number | undefined;
  /** Resolves when the server listens. Rejects with SERVER_NOT_INSTALLED, SERVER_START_FAILED or SERVER_START_TIMEOUT. */
  open: (events: TransportEvents, options?: { headers?: Readonly<Record<string, string>> }) => Promise<Transport>;
  /** Ends all sessions, then the process with everything it started. Idempotent. */
  close: (reason: string) => Promise<void>;
};

type Running = { server: ServerProcess; url: URL; port: number };

/** Ending sessions is a courtesy to a server that is about to end: a slow one is not waited for. */
const sessionEndMs = 500;

const keptStderrBytes = 2_048;

export function createStartedHttp(spec: StartedHttpSpec, deps: StartedHttpDeps): StartedHttp {
  return new StartedHttpServer(spec, deps);
}

class StartedHttpServer implements StartedHttp {
  readonly #spec: StartedHttpSpec;
  readonly #deps: StartedHttpDeps;
  readonly #sessions = new Set<{ transport: Transport; end: (exit: TransportExit) => void }>();
  readonly #stopped = new AbortController();
  #starting: Promise<Running> | undefined;
  #running: Running | undefined;
  #closing: Promise<void> | undefined;
  readonly #stderr = new LastText(keptStderrBytes);

  constructor(spec: StartedHttpSpec, deps: StartedHttpDeps) {
    this.#spec = spec;
    this.#deps = deps;
  }

  get pid(): number | undefined {
    return this.#running?.server.pid;
  }

  async open(
    events: TransportEvents,
    { headers = {} }: { headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Transport> {
    if (this.#closing) throw stoppedError(this.#spec.command);
    // One start for all who ask meanwhile.
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    const { url, port } = await this.#starting;
    const { maxMessageBytes, kind } = this.#spec;
    const withPort = Object.entries(headers).map(([name, value]) => [name, fill(value, port)]);
    const spec = { url, maxMessageBytes, headers: Object.fromEntries(withPort) };
    let hasEnded = false;
    const end = (exit: TransportExit) => {
      if (hasEnded) return;
      hasEnded = true;
      this.#sessions.delete(session);
      events.onExit(exit);
    };
    const guarded = { ...events, onExit: end };
    const transport = kind === 'sse' ? openSse(spec, guarded, this.#deps) : openHttp(spec, guarded, this.#deps);
    const session = { transport, end };
    this.#sessions.add(session);
    return transport;
  }

  close(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #start(): Promise<Running> {
    const port = await choosePort(this.#spec);
    this.#stderr.clear();
    const { command, args, env, cwd } = this.#spec;
    const filled = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value, port)]));
    const server = await startServerProcess(
      {
        ...this.#spec,
        command: fill(command, port),
        args: args.map((arg) => fill(arg, port)),
        cwd: fill(cwd, port),
        env: filled,
      },
      { ...this.#deps, onStderr: (chunk) => this.#note(chunk) },
    );
    const running = { server, port, url: new URL(fill(this.#spec.url, port)) };
    this.#running = running;
    this.#deps.onStarted?.(server);
    // What such a server prints is its log. It must be read, or the server would block on a full pipe.
    server.stdout.on('data', (chunk: Buffer) => this.#note(chunk));
    void server.exited.then((how) => this.#exited(running, how));
    try {
      await this.#ready(running);
      this.#deps.onReady?.(server.pid);
      return running;
    } catch (error) {
      await server.end({ closeInput: false });
      throw error;
    }
  }

  async #ready({ server, url, port }: Running): Promise<void> {
    const { readyTimeoutMs, command } = this.#spec;
    const exited = server.exited.then((how) => ({ how }));
    const deadline = performance.now() + readyTimeoutMs;
    for (let stepMs = 20; performance.now() < deadline; stepMs = Math.min(250, stepMs * 1.5)) {
      if (this.#stopped.signal.aborted) throw stoppedError(command);
      const found = await Promise.race([exited, canConnect(url.hostname, port)]);
      if (typeof found === 'object') throw this.#diedError(found.how);
      if (found) {
        ensureOwnListener(port, command);
        return;
      }
      await Promise.race([exited, delay(stepMs)]);
    }
    throw new AppError({
      code: 'SERVER_START_TIMEOUT',
      message: `${command} did not listen on port ${port} within ${readyTimeoutMs / 1_000} s.${this.#lastWords()}`,
      hint: 'Check that it takes its port from its arguments or environment, or raise `timeoutMs`.',
    });
  }

  #exited(running: Running, how: { code: number | null; signal: string | null }): void {
    if (this.#running === running) {
      this.#running = undefined;
      this.#starting = undefined;
    }
    this.#deps.onExited?.(running.server.pid);
    for (const { transport, end } of [...this.#sessions]) {
      end({ reason: this.#closing ? 'closed' : 'exited', ...how });
      void transport.close('its server has ended');
    }
    void running.server.end({ closeInput: false }); // what it left behind
  }

  async #close(reason: string): Promise<void> {
    this.#stopped.abort();
    const starting = this.#starting?.catch(() => undefined);
    const ends = [...this.#sessions].map(({ transport }) => transport.close(reason));
    await Promise.race([Promise.all(ends), delay(sessionEndMs, undefined, { ref: false })]);
    // Its input tells such a server nothing, so the ladder begins with SIGTERM.
    const server = this.#running?.server;
    const ended = await server?.end({ closeInput: false });
    // The process is gone a moment before its exit is told; whoever waits for us expects both.
    if (ended?.isGone) await server?.exited;
    await starting;
  }

  #note(chunk: Buffer): void {
    this.#stderr.add(chunk);
    this.#deps.onStderr(chunk);
  }

  #lastWords(): string {
    const words = plainText(this.#stderr.toString().trim());
    return words === '' ? '' : ` Its last output: ${lastChars(words, 600)}`;
  }

  #diedError({ code, signal }: { code: number | null; signal: string | null }): AppError {
    const how = signal ? `was ended by ${signal}` : `exited with code ${code}`;
    return new AppError({
      code: 'SERVER_START_FAILED',
      message: `${this.#spec.command} ${how} before it listened.${this.#lastWords()}`,
      hint: 'Run the command in a terminal to see what it needs.',
      data: { ...(code === null ? {} : { exitCode: code }), ...(signal ? { signal } : {}) },
    });
  }
}

function fill(text: string, port: number): string {
  return text.replaceAll(portPlaceholder, String(port));
}

function stoppedError(command: string): AppError {
  return new AppError({ code: 'SERVER_START_FAILED', message: `${command} was stopped.`, data: { mayHaveRun: false } });
}
