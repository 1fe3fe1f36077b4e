// Calls that wait for one copy of a server: bounded, first in line per session, sessions in turn.

export type QueueLimits = {
  maxQueued: number;
  maxConcurrent: number;
  /** Whether the server takes more now (its pipe is not full). */
  hasRoom: () => boolean;
};

type Turn = { owner: string; run: () => void; isCancelled: boolean };

export class FairQueue {
  /** Changed by a reload; holds from the next call on. */
  readonly limits: QueueLimits;
  /** Waiting turns by session, in the order in which sessions have their turn. */
  readonly #waiting = new Map<string, Turn[]>();
  #queued = 0;
  #active = 0;

  constructor(limits: QueueLimits) {
    this.limits = limits;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Runs now or later; `run` must be followed by one `done`. undefined: full, nothing was taken. */
  push(owner: string, run: () => void): { cancel: () => boolean } | undefined {
    if (this.#queued === 0 && this.#mayRun()) {
      this.#active += 1;
      run();
      return { cancel: () => false };
    }
    if (this.#queued >= this.limits.maxQueued) return undefined;
    const turn: Turn = { owner, run, isCancelled: false };
    const line = this.#waiting.get(owner) ?? [];
    line.push(turn);
    this.#waiting.set(owner, line);
    this.#queued += 1;
    return { cancel: () => this.#cancel(turn) };
  }

  done(): void {
    this.#active -= 1;
    this.pump();
  }

  /** Lets those that wait run as far as there is room. */
  pump(): void {
    while (this.#queued > 0 && this.#mayRun()) {
      const turn = this.#next();
      if (!turn) return;
      this.#active += 1;
      turn.run();
    }
  }

  #mayRun(): boolean {
    return this.#active < this.limits.maxConcurrent && this.limits.hasRoom();
  }

  #next(): Turn | undefined {
    for (const [owner, line] of this.#waiting) {
      const turn = line.shift();
      // To the end of the round: the others come first next time.
      this.#waiting.delete(owner);
      if (line.length > 0) this.#waiting.set(owner, line);
      if (!turn) continue;
      this.#queued -= 1;
      return turn;
    }
    return undefined;
  }

  /** true: it had not run and never will. */
  #cancel(turn: Turn): boolean {
    const line = this.#waiting.get(turn.owner);
    const at = line?.indexOf(turn) ?? -1;
    if (!line || at < 0) return false;
    line.splice(at, 1);
    if (line.length === 0) this.#waiting.delete(turn.owner);
    this.#queued -= 1;
    return true;
  }
}
