// What starts in an order and ends in the same order backwards. No part's trouble keeps the others from ending.
import type { Log } from '../base/log.ts';

export type DaemonPart = {
  name: string;
  /** Absent: it is there already, and the list says only when it ends. A start that fails leaves nothing behind. */
  start?: () => Promise<void> | void;
  stop: (reason: string) => Promise<void> | void;
  /** So long the others wait for its end. */
  endMs?: number;
};

/** Files and connections end in milliseconds; ending a predecessor's processes takes seconds. */
const usualEndMs = 5_000;

export class Parts {
  readonly #log: Log;
  readonly #started: DaemonPart[] = [];
  #stopReason: string | undefined;
  #stopping: Promise<void> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Rejects if one of them does not start, when those that did have ended. */
  async start(parts: readonly DaemonPart[]): Promise<void> {
    for (const part of parts) {
      try {
        const starting = part.start?.();
        if (starting) await starting;
      } catch (error) {
        await this.stop(`${part.name} did not start`);
        throw error;
      }
      this.#started.push(part);
      // Told to stop while that one started: its end was not among the others.
      if (this.#stopReason === undefined) continue;
      await this.#stopping;
      await this.#stopAll(this.#stopReason);
      throw new Error(`stopped while it started: ${this.#stopReason}`);
    }
  }

  /** Never rejects. Once: whoever asks later waits for the same end. */
  stop(reason: string): Promise<void> {
    this.#stopReason ??= reason;
    this.#stopping ??= this.#stopAll(this.#stopReason);
    return this.#stopping;
  }

  async #stopAll(reason: string): Promise<void> {
    for (let part = this.#started.pop(); part; part = this.#started.pop()) {
      const { name, stop, endMs = usualEndMs } = part;
      try {
        const ending = stop(reason);
        // What ends at once is followed at once: no message comes in between.
        if (ending && !(await isOverWithin(ending, endMs))) this.#log.warn('daemon.part-hangs', { part: name, endMs });
      } catch (error) {
        this.#log.error('daemon.part-failed', { part: name, error });
      }
    }
  }
}

async function isOverWithin(ending: Promise<void>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs).unref();
  });
  try {
    return await Promise.race([ending.then(() => true), limit]);
  } finally {
    clearTimeout(timer);
  }
}
