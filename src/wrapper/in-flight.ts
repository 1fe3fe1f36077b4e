// Requests of the host that were written to the daemon and not answered. Each leaves this table once: by its answer, or
// by the loss of the connection. What arrives for an id that is not here is a duplicate and goes nowhere.
import { callFate } from '../base/errors.ts';
import { listKinds, listNames } from '../mcp/lists.ts';
import { errorLine, rpcCodes } from '../mcp/messages.ts';

export type SentRequest = {
  /** The id's own text. */
  id: string;
  key: string;
  method: string;
  sentAt: number;
  /** Kept for reads alone, which may be asked twice. */
  line: Buffer | undefined;
  /** What the session remembers if this succeeds. */
  effect: (() => void) | undefined;
};

/** Asking these again changes nothing; everything else may have run. */
const resendable: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  ...listNames.map((list) => listKinds[list].method),
]);

export function isResendable(method: string): boolean {
  return resendable.has(method);
}

/** The answer to what was written to a daemon that is gone. */
export function lostLine({ id, method }: SentRequest, wasDraining: boolean): Buffer {
  const what = wasDraining ? 'was stopped' : 'ended';
  const message = `The mcp-proxy daemon ${what} while this ${method} was running, so it may or may not have taken effect. The connection is restored by itself; check the effect before you repeat the call.`;
  const data = { code: 'DAEMON_GONE', ...callFate('DAEMON_GONE') };
  return errorLine(id, rpcCodes.unavailable, message, data);
}

/** More than any host keeps open; a flood must not fill the memory. */
export const maxInFlight = 20_000;

export class InFlight {
  readonly #sent = new Map<string, SentRequest>();

  get size(): number {
    return this.#sent.size;
  }

  has(key: string): boolean {
    return this.#sent.has(key);
  }

  add(request: SentRequest): void {
    this.#sent.set(request.key, request);
  }

  /** The request that this answer settles, once; undefined for a duplicate or a stranger. */
  settle(key: string): SentRequest | undefined {
    const request = this.#sent.get(key);
    this.#sent.delete(key);
    return request;
  }

  /** Empties the table, in the order of sending: reads to ask again, and what must be answered with an error. */
  lose(): { again: SentRequest[]; gone: SentRequest[] } {
    const all = [...this.#sent.values()];
    this.#sent.clear();
    return { again: all.filter((r) => r.line !== undefined), gone: all.filter((r) => r.line === undefined) };
  }
}
