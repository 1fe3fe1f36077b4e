// Waits for a condition with a deadline: the only way a test here waits.

export type Eventually = { timeoutMs?: number; what: string; intervalMs?: number };

/** Ends a hang; nothing that comes takes as long, on a machine as busy as it may be. */
export const patienceMs = 60_000;

/** The first result of `attempt` that is neither false nor undefined and did not throw. */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  { timeoutMs = patienceMs, what, intervalMs = 25 }: Eventually,
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    let reason: unknown;
    try {
      const value = await attempt();
      if (isSettled(value)) return value;
    } catch (error) {
      reason = error;
    }
    if (Date.now() >= deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause: reason });
    await betweenLooks(intervalMs);
  }
}

/** For who looks by other means than a function: the only pause of a given time. */
export function betweenLooks(intervalMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, intervalMs));
}

function isSettled<T>(value: T): value is Exclude<T, false | undefined> {
  return value !== false && value !== undefined;
}
