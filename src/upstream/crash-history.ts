// When may a server that died start again? On demand, with growing pauses, until it is plainly broken.
import { backoffMs } from '../base/backoff.ts';

/** `wasAsked`: it died over something that it was asked, or in its start. */
export type Death = { code: number | null | undefined; signal: string | null | undefined; wasAsked: boolean };

/** It said by its code that all is well, and nobody waited for it. */
export function isAtEase({ code, wasAsked }: { code?: Death['code']; wasAsked: boolean }): boolean {
  return code === 0 && !wasAsked;
}

/** After so many deaths in a row it is left alone for a while. */
const maxDeaths = 5;
/** Until a session that was told so may try again; each new session may as soon as the pause before a start is over. */
const failedPauses = { firstMs: 60_000, maxMs: 15 * 60_000, factor: 2 };
/** A server that lived this long is healthy: what was before is forgotten. */
const healthyMs = 5 * 60_000;
/** Ends of connections that one death causes arrive within this. */
const sameDeathMs = 1_000;
const pauses = { firstMs: 250, maxMs: 30_000, factor: 3 };

export class CrashHistory {
  #deaths = 0;
  /** Those that make the next start wait. */
  #inRow = 0;
  #lastDeathAt = 0;
  #pauseMs = 0;
  #failedMs = 0;
  /** Whether the last end was one of those deaths. */
  #isBlamed = false;
  /** Sessions that know that it failed. */
  readonly #told = new Set<string>();
  #heardAt = Number.NEGATIVE_INFINITY;

  get deaths(): number {
    return this.#deaths;
  }

  /** An end that says nothing of the server makes none, whatever was before it: after a retry it may be well again. */
  get isCrashLoop(): boolean {
    return this.#isBlamed && this.#deaths >= maxDeaths;
  }

  /** Whether it belongs to the end before it. One that does not is what the next may belong to. */
  isEcho(now: number): boolean {
    const isEcho = now - this.#heardAt < sameDeathMs;
    if (!isEcho) this.#heardAt = now;
    return isEcho;
  }

  /**
   * SIGKILL comes from outside (a person, the kernel's memory killer), at any moment: it says nothing about the server.
   * But one that is killed in each start, `livedMs` 0, must not be started without pause either. One that nobody asked
   * anything breaks no call: it is started on demand, for ever. If it says by its code that all is well, at once.
   */
  record(death: Death, livedMs: number, now: number, random: () => number): void {
    if (livedMs >= healthyMs) this.reset();
    const isKilled = death.signal === 'SIGKILL';
    this.#isBlamed = !isKilled && death.wasAsked;
    if (this.#isBlamed) this.#deaths += 1;
    else if (isAtEase(death) || (isKilled && livedMs > 0)) return;
    this.#inRow += 1;
    this.#lastDeathAt = now;
    this.#failedMs = backoffMs(Math.max(0, this.#deaths - maxDeaths), failedPauses, random);
    // The first restart is immediate: most deaths are single.
    this.#pauseMs = this.#inRow <= 1 ? 0 : backoffMs(this.#inRow - 2, pauses, random);
  }

  /** Whether a failed one is started once more for this session: what was wrong may have been mended since. */
  mayRetry(owner: string, now: number): boolean {
    // Who comes before the pause is over still has its try.
    const isNews = !this.#told.has(owner) && this.waitMs(now) === 0;
    // Either way of a clock that was set.
    const mayRetry = isNews || Math.abs(now - this.#lastDeathAt) >= this.#failedMs;
    if (mayRetry) this.tell(owner);
    return mayRetry;
  }

  /** This session knows that it failed. */
  tell(owner: string): void {
    this.#told.add(owner);
  }

  /** It is gone. */
  forget(owner: string): void {
    this.#told.delete(owner);
  }

  /** How long the next start has to wait yet, in ms. */
  waitMs(now: number): number {
    // Never longer than the pause itself: a clock that was set back must not hold a server for hours.
    return Math.min(this.#pauseMs, Math.max(0, this.#lastDeathAt + this.#pauseMs - now));
  }

  reset(): void {
    this.#deaths = 0;
    this.#inRow = 0;
    this.#pauseMs = 0;
    this.#isBlamed = false;
    this.#told.clear();
  }
}
