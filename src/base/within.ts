// A wait with an end: whoever waits goes on after it, done or not.

/** Resolves with `done`, at the latest after `ms`. Rejects if `done` does before. */
export async function within(done: Promise<unknown>, ms: number): Promise<void> {
  if (ms <= 0) return;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, limit]).finally(() => clearTimeout(timer));
}
