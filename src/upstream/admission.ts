// Gate for starts: at most `limit` at a time, first come first served. A start that its asker gave up on goes on.

export class Admission {
  readonly #limit: () => number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: () => number) {
    this.#limit = limit;
  }

  async run<T>(start: () => Promise<T>): Promise<T> {
    // `pump` counts a place as taken before it wakes the next in line: a newcomer cannot get in between.
    if (this.#running >= this.#limit()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await start();
    } finally {
      this.#running -= 1;
      this.pump();
    }
  }

  /** Lets in as many as the limit allows: after each start, and when a reload raised the limit. */
  pump(): void {
    while (this.#running < this.#limit()) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#running += 1;
      next();
    }
  }

  get waiting(): number {
    return this.#waiting.length;
  }
}
