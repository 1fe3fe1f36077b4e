// The quiet before the end: wrappers send nothing more, what is in flight is finished, answers have left.
import type { Session } from '../sessions/session.ts';

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
