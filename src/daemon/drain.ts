// The quiet before the end: wrappers send nothing more, what is in flight is finished, answers have left.
import type { Log } from '../base/log.ts';
import { linkMethods } from '../link/hello.ts';
import type { Session } from '../sessions/session.ts';

/** Running calls get so long; wrappers hold new ones for 20 s. A system that shuts down does not wait. */
export const callsEndMs = { asked: 10_000, signalled: 3_000, forced: 0 } as const;
/** How long wrappers may take to answer: one that was stopped by its person never does. */
const answerMs = 1_000;
const pollMs = 5;

export type StopRequest = {
  reason: string;
  /** The next session may start a new daemon at once. */
  restart: boolean;
  isForced: boolean;
};

export class Drain {
  /** true: nobody new is taken. */
  isDraining = false;
  readonly #deps: { sessions: () => readonly Session[]; log: Log };
  #limitMs: number = callsEndMs.asked;
  #restart = false;

  constructor(deps: { sessions: () => readonly Session[]; log: Log }) {
    this.#deps = deps;
  }

  /** Also while it runs: who asks again may be in more of a hurry. */
  ask({ reason, restart, isForced }: StopRequest): void {
    if (reason.startsWith('SIG')) this.#limitMs = callsEndMs.signalled;
    if (isForced) this.#limitMs = callsEndMs.forced;
    if (this.isDraining) return;
    this.isDraining = true;
    this.#restart = restart;
  }

  async run(reason: string): Promise<void> {
    const { sessions, log } = this.#deps;
    for (const session of sessions()) {
      session.notify(linkMethods.drain, { reason, restart: this.#restart });
      session.advance('drain');
    }
    const isQuiet = await awaitQuiet(sessions, () => this.#limitMs);
    if (!isQuiet) log.warn('daemon.calls-cut', { reason });
  }
}

/** Resolves when nothing is in flight, or after the limit, which may shrink meanwhile; true if nothing was left. */
async function awaitQuiet(sessions: () => readonly Session[], limit: () => number): Promise<boolean> {
  const start = performance.now();
  for (;;) {
    const elapsed = performance.now() - start;
    const limitMs = limit();
    const all = sessions();
    const isDone = all.every((session) => session.requests.size === 0 && session.bufferedBytes === 0);
    if (isDone && (elapsed >= Math.min(answerMs, limitMs) || all.every(hasDrained))) return true;
    if (elapsed >= limitMs) return isDone;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Its wrapper said that nothing more will come; a program without a wrapper never says it. */
function hasDrained({ connection, identity }: Session): boolean {
  return connection === 'drained' || identity.wrapper.pid === 0;
}
