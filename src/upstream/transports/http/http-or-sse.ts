// A server that is configured as Streamable HTTP and speaks only the older HTTP+SSE. As the specification has it: a POST
// is tried first, and where initialize is refused as something unknown, the event stream is asked for.
import { AppError } from '../../../base/errors.ts';
import { parseEnvelope } from '../../../mcp/envelope.ts';
import { appErrorLine } from '../../../mcp/messages.ts';
import type { SendOptions, Transport, TransportEvents, TransportExit } from '../transport.ts';
import { type HttpDeps, type HttpSpec, openHttp } from './http.ts';
import { openSse } from './sse.ts';

/** What was found about one server, for the next session with it. */
export type SpokenBefore = { isSse: boolean };

/** How a server says that it takes no POST there; a JSON-RPC error is an answer instead. */
const unknownThere: ReadonlySet<unknown> = new Set([400, 404, 405]);

export function openHttpOrSse(
  spec: HttpSpec,
  events: TransportEvents,
  deps: HttpDeps,
  before: SpokenBefore = { isSse: false },
): Transport {
  return before.isSse ? openKnownSse(spec, events, deps, before) : new EitherTransport(spec, events, deps, before);
}

/** It may have been replaced by a newer one meanwhile: the next attempt finds out. */
function openKnownSse(spec: HttpSpec, events: TransportEvents, deps: HttpDeps, before: SpokenBefore): Transport {
  const onExit = (exit: TransportExit) => {
    if (exit.error !== undefined) before.isSse = false;
    events.onExit(exit);
  };
  return openSse(spec, { ...events, onExit }, deps);
}

class EitherTransport implements Transport {
  readonly #spec: HttpSpec;
  readonly #events: TransportEvents;
  readonly #deps: HttpDeps;
  readonly #before: SpokenBefore;
  #current: Transport;
  #initialize: { line: Buffer; requestId: string } | undefined;

  constructor(spec: HttpSpec, events: TransportEvents, deps: HttpDeps, before: SpokenBefore) {
    this.#spec = spec;
    this.#events = events;
    this.#deps = deps;
    this.#before = before;
    const http: Transport = openHttp(
      spec,
      {
        ...events,
        onRequestFailed: (requestId, error) => {
          const asked = this.#initialize;
          if (asked?.requestId !== requestId || !unknownThere.has(error.data?.['status'])) this.#fail(requestId, error);
          else void this.#trySse(http, asked, error);
        },
        onExit: (exit) => {
          if (this.#current === http) events.onExit(exit);
        },
      },
      deps,
    );
    this.#current = http;
  }

  get takesHeaders(): boolean {
    return this.#current.takesHeaders === true;
  }

  send(line: Buffer, requestId?: string, options?: SendOptions): Promise<void> {
    const envelope = requestId === undefined ? undefined : parseEnvelope(line);
    const isFirst = envelope?.kind === 'request' && envelope.method === 'initialize';
    if (isFirst && requestId !== undefined) this.#initialize = { line, requestId };
    return this.#current.send(line, requestId, options);
  }

  cancel(requestId: string): void {
    this.#current.cancel?.(requestId);
  }

  setProtocolVersion(version: string): void {
    this.#current.setProtocolVersion?.(version);
  }

  close(reason: string): Promise<void> {
    return this.#current.close(reason);
  }

  pause(): void {
    this.#current.pause();
  }

  resume(): void {
    this.#current.resume();
  }

  /** The POST's failure says more than that of the stream, so that is what is told if neither works. */
  async #trySse(http: Transport, { line, requestId }: { line: Buffer; requestId: string }, refused: AppError) {
    let exit: TransportExit | undefined;
    const sse: Transport = openSse(
      this.#spec,
      {
        ...this.#events,
        onExit: (ended) => {
          exit = ended;
          if (this.#current === sse) this.#events.onExit(ended);
        },
      },
      this.#deps,
    );
    try {
      await sse.send(line, requestId);
    } catch (error) {
      await sse.close('there is no such stream');
      // A login that is needed there is needed anyway.
      const isLogin = error instanceof AppError && error.code === 'SERVER_NEEDS_LOGIN';
      return this.#fail(requestId, isLogin ? error : refused);
    }
    this.#before.isSse = true;
    this.#current = sse;
    await http.close('it speaks the older HTTP+SSE');
    if (exit) this.#events.onExit(exit);
  }

  #fail(requestId: string, error: AppError): void {
    if (this.#events.onRequestFailed) this.#events.onRequestFailed(requestId, error);
    else this.#events.onMessage(appErrorLine(requestId, error), requestId);
  }
}
