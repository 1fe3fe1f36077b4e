// The last one out: when nobody has needed the daemon for the grace period, it ends.
import type { Session } from '../sessions/session.ts';

export type IdleExitDeps = {
  /** Why it must stay, or undefined. */
  busyBecause: () => string | undefined;
  idleExitMs: () => number;
  onIdle: () => void;
  now: () => number;
};

/** How often the state is looked at; an exit may be that much late. */
const lookMs = 500;

export function watchIdle(deps: IdleExitDeps): { close: () => void } {
  let idleSince = deps.now();
  let lastLook = deps.now();
  const timer = setInterval(() => {
    const now = deps.now();
    // The clock jumped (sleep, or set by hand): time in which nobody could come does not count.
    if (Math.abs(now - lastLook) > 10 * lookMs) idleSince = now;
    lastLook = now;
    if (deps.busyBecause() !== undefined) idleSince = now;
    else if (now - idleSince >= deps.idleExitMs()) {
      clearInterval(timer);
      deps.onIdle();
    }
  }, lookMs);
  return { close: () => clearInterval(timer) };
}

// The quiet before the end: wrappers send nothing more, what is in flight is finished, answers have left.
/** How long wrappers may take to answer: one that was stopped by its person never does. */
const answerMs = 1_000;
const pollMs = 5;

/** Resolves when nothing is in flight, or after the limit, which may shrink meanwhile; true if nothing was left. */
export async function awaitQuiet(sessions: () => readonly Session[], limit: () => number): Promise<boolean> {
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
