// Calls that wait for one copy of a server: bounded, first in line per session, sessions in turn.

export type QueueLimits = {
  maxQueued: number;
  maxConcurrent: number;
  /** Whether the server takes more now (its pipe is not full). */
  hasRoom: () => boolean;
};

type Job = { owner: string; run: () => void; isCancelled: boolean };

export class FairQueue {
  /** Changed by a reload; holds from the next call on. */
  readonly limits: QueueLimits;
  /** Waiting jobs by session, in the order in which sessions have their turn. */
  readonly #waiting = new Map<string, Job[]>();
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
    const job: Job = { owner, run, isCancelled: false };
    const line = this.#waiting.get(owner) ?? [];
    line.push(job);
    this.#waiting.set(owner, line);
    this.#queued += 1;
    return { cancel: () => this.#cancel(job) };
  }

  done(): void {
    this.#active -= 1;
    this.pump();
  }

  /** Lets waiting jobs run as far as there is room. */
  pump(): void {
    while (this.#queued > 0 && this.#mayRun()) {
      const job = this.#next();
      if (!job) return;
      this.#active += 1;
      job.run();
    }
  }

  #mayRun(): boolean {
    return this.#active < this.limits.maxConcurrent && this.limits.hasRoom();
  }

  #next(): Job | undefined {
    for (const [owner, line] of this.#waiting) {
      const job = line.shift();
      // To the end of the round: the others come first next time.
      this.#waiting.delete(owner);
      if (line.length > 0) this.#waiting.set(owner, line);
      if (!job) continue;
      this.#queued -= 1;
      return job;
    }
    return undefined;
  }

  /** true: it had not run and never will. */
  #cancel(job: Job): boolean {
    const line = this.#waiting.get(job.owner);
    const at = line?.indexOf(job) ?? -1;
    if (!line || at < 0) return false;
    line.splice(at, 1);
    if (line.length === 0) this.#waiting.delete(job.owner);
    this.#queued -= 1;
    return true;
  }
}
