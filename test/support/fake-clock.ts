// Time that a test moves: nothing waits for a real timer.
import type { Clock } from '../../src/base/clock.ts';

export class FakeClock implements Clock {
  #now = 0;
  #lastId = 0;
  readonly #timers = new Map<number, { at: number; act: () => void }>();

  now = (): number => this.#now;
  /** The middle: pauses are as long as they are written. */
  random = (): number => 0.5;
  later = (ms: number, act: () => void): (() => void) => {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#timers.set(id, { at: this.#now + ms, act });
    return () => this.#timers.delete(id);
  };

  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets everything happen that is due until then, each at its time. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
      const [id, timer] = due[0] ?? [];
      if (id === undefined || !timer) break;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, timer.at);
      timer.act();
      await settle();
    }
    this.#now = until;
  }
}

/** Whatever waits for nothing but its turn has had it. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
