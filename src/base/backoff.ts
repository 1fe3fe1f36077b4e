export type BackoffOptions = { firstMs: number; maxMs: number; factor: number };

/** Delay before try `attempt` (0-based) in ms: exponential, capped, spread over ±25 % so that many callers do not meet. */
export function backoffMs(attempt: number, options: BackoffOptions, random: () => number = Math.random): number {
  const plain = Math.min(options.maxMs, options.firstMs * options.factor ** Math.min(attempt, 50));
  return plain * (0.75 + random() * 0.5);
}

/** Waits, or less if `signal` aborts; never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
