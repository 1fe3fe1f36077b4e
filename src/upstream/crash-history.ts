// When may a server that died start again? On demand, with growing pauses, until it is plainly broken.
import { backoffMs } from '../base/backoff.ts';

export type Death = { code: number | null | undefined; signal: string | null | undefined };

/** After so many deaths in a row only a person, or another config, starts it again. */
const maxDeaths = 5;
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
  #heardAt = Number.NEGATIVE_INFINITY;

  get deaths(): number {
    return this.#deaths;
  }

  get isCrashLoop(): boolean {
    return this.#deaths >= maxDeaths;
  }

  /** Whether it belongs to the end before it. One that does not is what the next may belong to. */
  isEcho(now: number): boolean {
    const isEcho = now - this.#heardAt < sameDeathMs;
    if (!isEcho) this.#heardAt = now;
    return isEcho;
  }

  /**
   * SIGKILL comes from outside (a person, the kernel's memory killer), at any moment: it says nothing about the server.
   * But one that is killed in each start, `livedMs` 0, must not be started without pause either.
   */
  record(death: Death, livedMs: number, now: number, random: () => number): void {
    if (livedMs >= healthyMs) this.reset();
    const isKilled = death.signal === 'SIGKILL';
    if (isKilled && livedMs > 0) return;
    if (!isKilled) this.#deaths += 1;
    this.#inRow += 1;
    this.#lastDeathAt = now;
    // The first restart is immediate: most deaths are single.
    this.#pauseMs = this.#inRow <= 1 ? 0 : backoffMs(this.#inRow - 2, pauses, random);
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
  }
}
