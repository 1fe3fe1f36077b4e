// Lines that wait for a daemon, in order and bounded. None of them was ever written to a socket.

export type HeldRequest = { id: string; key: string; method: string };

export type Held = {
  line: Buffer;
  /** Absent for notifications. */
  request: HeldRequest | undefined;
  method: string;
  /** On the clock of `now`; infinite for notifications. */
  expiresAt: number;
};

export type HeldLimits = { lines: number; bytes: number };

export class HeldLines {
  readonly #limits: HeldLimits;
  #entries: Held[] = [];
  #bytes = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  get requests(): number {
    return this.#entries.filter((entry) => entry.request).length;
  }

  has(key: string): boolean {
    return this.#entries.some((entry) => entry.request?.key === key);
  }

  /** False if it does not fit; then it is not held. */
  push(entry: Held): boolean {
    if (this.#entries.length >= this.#limits.lines || this.#bytes + entry.line.length > this.#limits.bytes)
      return false;
    this.#entries.push(entry);
    this.#bytes += entry.line.length;
    return true;
  }

  /** Back to the front: reads that were asked before everything that waits. They fitted once. */
  unshift(entries: readonly Held[]): void {
    this.#entries.unshift(...entries);
    for (const entry of entries) this.#bytes += entry.line.length;
  }

  takeAll(): Held[] {
    return this.take(() => true);
  }

  take(isTaken: (entry: Held) => boolean): Held[] {
    const taken = this.#entries.filter(isTaken);
    if (taken.length > 0) {
      this.#entries = this.#entries.filter((entry) => !taken.includes(entry));
      for (const entry of taken) this.#bytes -= entry.line.length;
    }
    return taken;
  }

  /** When a request of this method runs out that waits; undefined if none does. */
  expiryOf(method: string): number | undefined {
    return this.#entries.find((entry) => entry.method === method)?.expiresAt;
  }

  /** When the next one runs out; undefined if none will. */
  nextExpiry(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries) next = Math.min(next, entry.expiresAt);
    return next === Number.POSITIVE_INFINITY ? undefined : next;
  }
}
