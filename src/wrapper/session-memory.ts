// What a new daemon must be told so that the host's session goes on: its initialize, log level, subscriptions, and which
// lists it was last given.
import { isRecord } from '../base/guards.ts';
import { textAt } from '../base/json-scan.ts';
import { paramText, type RequestEnvelope } from '../mcp/envelope.ts';
import type { ListName } from '../mcp/lists.ts';

/** Answers to lines with such ids are the wrapper's own and never reach the host. */
export const replayIdPrefix = 'aitkit-replay-';

export class SessionMemory {
  /** Text of the params, untouched. */
  #initialize: string | undefined;
  #logLevel: string | undefined;
  /** By uri, both as text. */
  readonly #subscriptions = new Map<string, string>();
  readonly #served = new Map<ListName, string>();
  #replays = 0;
  /** The host has the answer to its initialize, from whomever. */
  isInitializeAnswered = false;
  /** The host said notifications/initialized. */
  isInitialized = false;

  rememberInitialize({ line, params }: RequestEnvelope): void {
    this.#initialize = params ? textAt(line, params) : '{}';
    this.isInitializeAnswered = false;
    this.isInitialized = false;
  }

  /** As the host asked for it, which is what it gets if it is a version that we know. */
  get askedVersion(): unknown {
    const params: unknown = this.#initialize === undefined ? undefined : JSON.parse(this.#initialize);
    return isRecord(params) ? params['protocolVersion'] : undefined;
  }

  /** What is remembered of a request once it has succeeded. */
  effectOf(request: RequestEnvelope): (() => void) | undefined {
    const { method, line, params } = request;
    if (method === 'initialize') return () => (this.isInitializeAnswered = true);
    if (!params || !/^(?:logging\/setLevel|resources\/(?:un)?subscribe)$/.test(method)) return undefined;
    const text = textAt(line, params);
    if (method === 'logging/setLevel') return () => (this.#logLevel = text);
    const uri = paramText(request, 'uri') ?? '';
    return method === 'resources/subscribe'
      ? () => this.#subscriptions.set(uri, text)
      : () => this.#subscriptions.delete(uri);
  }

  rememberServed(list: ListName, etag: string): void {
    this.#served.set(list, etag);
  }

  /** Etags for the hello; undefined if the host was given no list yet. */
  get served(): Partial<Record<ListName, string>> | undefined {
    return this.#served.size === 0 ? undefined : Object.fromEntries(this.#served);
  }

  /** Lines that bring a new daemon to where the host is. Empty while the host's own initialize is still on its way. */
  replayLines(): string[] {
    if (this.#initialize === undefined || !this.isInitializeAnswered) return [];
    const lines = [this.#request('initialize', this.#initialize)];
    if (!this.isInitialized) return lines;
    lines.push('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    if (this.#logLevel !== undefined) lines.push(this.#request('logging/setLevel', this.#logLevel));
    for (const params of this.#subscriptions.values()) lines.push(this.#request('resources/subscribe', params));
    return lines;
  }

  #request(method: string, params: string): string {
    this.#replays += 1;
    return `{"jsonrpc":"2.0","id":"${replayIdPrefix}${this.#replays}","method":"${method}","params":${params}}`;
  }
}
