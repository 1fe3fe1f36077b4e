// What a 2026-07-28 server tells by itself comes on one request that stays open. It says what is wanted; when that
// changes, a new one is sent first and the old one ended after, so that nothing is missed in between.
import { backoffMs } from '../base/backoff.ts';
import { AppError } from '../base/errors.ts';
import { arrayElements, isArrayAt, stringAt } from '../base/json-scan.ts';
import { memberAt, type NotificationEnvelope, parseEnvelope } from '../mcp/envelope.ts';
import { notificationLine, requestLine, rpcCodes } from '../mcp/messages.ts';
import { errorCode } from '../mcp/modern.ts';
import type { Answer, ChannelRequest } from './channel-request.ts';

export const listenMethod = 'subscriptions/listen';

export type ListenedList = 'tools' | 'prompts' | 'resources';

export type ListeningDeps = {
  request: (request: ChannelRequest) => number;
  cancel: (id: number, reason: string | undefined) => void;
  meta: () => Record<string, unknown> | undefined;
  /** Something that was wanted happened. */
  heard: (notification: NotificationEnvelope) => void;
};

/** The acknowledgement is the first message of the answer; a server that is silent for so long will not send it. */
const acknowledgeMs = 15_000;
const again = { firstMs: 1_000, maxMs: 30_000, factor: 2 };

type Listen = { id: number; settle: (acknowledged: ReadonlySet<string> | AppError) => void };

export class Listening {
  readonly #deps: ListeningDeps;
  #lists: readonly ListenedList[] = [];
  #uris: ReadonlySet<string> = new Set();
  /** The one that counts, and the newest, which takes its place once it is acknowledged. */
  #current: number | undefined;
  #newest: Listen | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(deps: ListeningDeps) {
    this.#deps = deps;
  }

  /** Changes of these lists are told from now on. */
  wantLists(lists: readonly ListenedList[]): void {
    this.#lists = lists;
    this.#listen().catch(() => {}); // a server that does not tell: what is asked for next shows the change
  }

  /** Changes of these resources; resolves with those that the server tells of. Rejects if it refuses to tell at all. */
  async wantUris(uris: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    this.#uris = uris;
    return this.#listen();
  }

  /** A message that belongs to the listening request with that id. */
  hear(id: number, notification: NotificationEnvelope): void {
    if (notification.method === 'notifications/subscriptions/acknowledged') return this.#acknowledged(id, notification);
    // While two overlap, only one counts.
    if (id === this.#current) this.#deps.heard(notification);
  }

  /** The connection is gone. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #listen(): Promise<ReadonlySet<string>> {
    clearTimeout(this.#timer);
    // One that was not acknowledged yet is replaced: its waiters get the newer one's answer.
    const replaced = this.#newest;
    if (replaced) this.#deps.cancel(replaced.id, 'something else is wanted now');
    this.#newest = undefined;
    if (this.#lists.length === 0 && this.#uris.size === 0) {
      if (this.#current !== undefined) this.#deps.cancel(this.#current, 'nothing is wanted any more');
      this.#current = undefined;
      replaced?.settle(new Set());
      return Promise.resolve(new Set());
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#gaveUp(listen.id), acknowledgeMs).unref();
      const listen: Listen = {
        id: 0,
        settle: (outcome) => {
          clearTimeout(timer);
          replaced?.settle(outcome);
          if (outcome instanceof AppError) reject(outcome);
          else resolve(outcome);
        },
      };
      this.#newest = listen;
      listen.id = this.#deps.request({
        method: listenMethod,
        encode: (id) => {
          listen.id = id;
          return requestLine(String(id), listenMethod, { notifications: this.#wanted(), _meta: this.#deps.meta() });
        },
        onAnswer: (answer) => this.#ended(listen.id, answer),
      });
    });
  }

  #wanted(): Record<string, unknown> {
    return {
      ...Object.fromEntries(this.#lists.map((list) => [`${list}ListChanged`, true])),
      ...(this.#uris.size > 0 ? { resourceSubscriptions: [...this.#uris] } : {}),
    };
  }

  #acknowledged(id: number, { line, params }: NotificationEnvelope): void {
    const newest = this.#newest;
    if (!newest || newest.id !== id) return;
    this.#newest = undefined;
    const before = this.#current;
    this.#current = id;
    if (before !== undefined) this.#deps.cancel(before, 'another one took its place');
    const told = memberAt(line, params, ['notifications', 'resourceSubscriptions']);
    const uris = isArrayAt(line, told) ? arrayElements(line, told).flatMap((at) => stringAt(line, at) ?? []) : [];
    newest.settle(new Set(uris));
    if (this.#failures > 0) this.#catchUp();
    this.#failures = 0;
  }

  #gaveUp(id: number): void {
    this.#deps.cancel(id, 'it was not acknowledged');
    this.#lost(id, notTold('did not acknowledge that it will tell of changes'));
  }

  /** The server ends it, or it was lost: nothing is sent after, so it is asked for again. */
  #ended(id: number, answer: Answer): void {
    const isEnd = 'envelope' in answer && answer.envelope.result !== undefined;
    const code = 'envelope' in answer ? errorCode(answer.envelope) : undefined;
    if (code === rpcCodes.methodNotFound || code === rpcCodes.invalidParams) {
      this.#settleLost(id, notTold(`does not tell of changes (error ${code})`));
      return;
    }
    this.#lost(id, isEnd ? notTold('ended its messages at once') : notTold('broke off its messages'));
  }

  #lost(id: number, error: AppError): void {
    if (!this.#settleLost(id, error) || this.#isClosed) return;
    this.#failures += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#listen().catch(() => {}), backoffMs(this.#failures - 1, again)).unref();
  }

  /** true: it was one that counts. */
  #settleLost(id: number, error: AppError): boolean {
    if (this.#newest?.id === id) {
      const { settle } = this.#newest;
      this.#newest = undefined;
      settle(error);
      return true;
    }
    if (this.#current !== id) return false;
    this.#current = undefined;
    return true;
  }

  /** Nothing is repeated of what it would have told meanwhile: whatever is wanted may have changed. */
  #catchUp(): void {
    for (const list of this.#lists) this.#tell(`notifications/${list}/list_changed`);
    for (const uri of this.#uris) this.#tell('notifications/resources/updated', { uri });
  }

  #tell(method: string, params?: Record<string, unknown>): void {
    const envelope = parseEnvelope(notificationLine(method, params));
    if (envelope.kind === 'notification') this.#deps.heard(envelope);
  }
}

function notTold(what: string): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `The server ${what}.`,
    hint: 'Read it again when you need it.',
  });
}
