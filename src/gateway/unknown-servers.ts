// Servers whose tools nobody knows yet, as our own tools meet them: a server that does not answer or cannot start must cost
// the calls of all others nothing, and a search for everything at most one wait.

import { AppError } from '../base/errors.ts';
import { within } from '../base/within.ts';
import { faceKeys, type Views } from '../calls/views.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { Session } from '../sessions/session.ts';
import type { UnknownServer } from './tools/gateway-tool.ts';

export type UnknownServersDeps = {
  readonly views: Views;
  /** Starts the server if need be and waits until its lists are known; rejects if it cannot. */
  readonly learn: (session: Session, entry: ServerEntry) => Promise<void>;
  readonly now: () => number;
};

/** A first start without any list: what is searched for may be of a server that is just being started. */
const waitMs = 10_000;
/** The longest pause that a crashed server gets before its next start; a call that names the server does not wait for it. */
const retryMs = 30_000;

type Attempt = {
  readonly since: number;
  /** Never rejects. */
  readonly done: Promise<void>;
  end: { readonly at: number; readonly error: AppError | undefined } | undefined;
};

export class UnknownServers {
  readonly #deps: UnknownServersDeps;
  /** By copy: what one session has waited for need not be waited for by the next. */
  readonly #attempts = new Map<string, Attempt>();

  constructor(deps: UnknownServersDeps) {
    this.#deps = deps;
  }

  /** For a search: of each start only its first seconds are waited for, and one that failed is not tried again soon. */
  async waitForAll(session: Session, only?: readonly string[]): Promise<void> {
    const entries = (await this.#of(session)).filter(({ shownSlug }) => !only || only.includes(shownSlug));
    const waits = entries.map((entry) => {
      const attempt = this.#attempt(session, entry, retryMs);
      return attempt && within(attempt.done, attempt.since + waitMs - this.#deps.now());
    });
    await Promise.all(waits);
  }

  /** For a call that names the server: it is tried again, with the pauses that every call meets. */
  async waitFor(session: Session, slug: string): Promise<void> {
    const entry = (await this.#of(session)).find(({ shownSlug }) => shownSlug === slug);
    const attempt = entry && this.#attempt(session, entry, 0);
    if (attempt) await within(attempt.done, waitMs);
  }

  describe(session: Session): UnknownServer[] {
    return this.#deps.views.of(session).unknown.map((entry) => {
      const resolution = this.#deps.views.of(session).resolution(entry);
      const attempt = this.#attempts.get(this.#keyOf(session, entry) ?? '');
      const error = resolution.ok ? attempt?.end?.error : resolution.error;
      return { slug: entry.shownSlug, ...(error ? { error } : {}) };
    });
  }

  async #of(session: Session): Promise<readonly ServerEntry[]> {
    const { views } = this.#deps;
    // Which copy a session gets depends on its variables.
    if (views.of(session).unknown.length > 0 && !session.hasValues) await within(session.valuesReady(), waitMs);
    return views.of(session).unknown;
  }

  #attempt(session: Session, entry: ServerEntry, pauseMs: number): Attempt | undefined {
    const { learn, now } = this.#deps;
    const key = this.#keyOf(session, entry);
    if (key === undefined) return undefined;
    const known = this.#attempts.get(key);
    if (known && (!known.end || now() - known.end.at < pauseMs)) return known;
    this.#forgetOld();
    const done = learn(session, entry).then(
      () => this.#attempts.delete(key),
      (error: unknown) => {
        attempt.end = { at: now(), error: error instanceof AppError ? error : undefined };
      },
    );
    const attempt: Attempt = { since: now(), done: done.then(() => {}), end: undefined };
    this.#attempts.set(key, attempt);
    return attempt;
  }

  /** undefined: it lacks something that only a person can give. */
  #keyOf(session: Session, entry: ServerEntry): string | undefined {
    const resolution = this.#deps.views.of(session).resolution(entry);
    if (!resolution.ok) return undefined;
    const { instance, snapshot } = faceKeys(resolution);
    return `${instance} ${snapshot}`;
  }

  #forgetOld(): void {
    for (const [key, { end }] of this.#attempts) {
      if (end && this.#deps.now() - end.at >= retryMs) this.#attempts.delete(key);
    }
  }
}
