// How the work of one function grows with its input, by processor time: a busy machine makes that no longer.

export type GrowthCase = {
  name: string;
  /** Makes an input of about that many characters or members, and returns the work on it. */
  prepare: (size: number) => () => unknown;
};

/** Shorter runs are mostly what does not depend on the input. */
const leastMs = 5;
/** Longer ones have shown how they grow. */
const mostMs = 400;
const firstSize = 512;
const largestSize = 32_768;
const step = 4;
/** Linear work takes four times as long, with its garbage five or six; quadratic work sixteen. */
const mostGrowth = 10;
const runs = 3;

/** What is wrong with it, or undefined. What grows faster than any power never returns: the caller has a deadline. */
export async function findGrowth({ prepare }: GrowthCase): Promise<string | undefined> {
  let before: number | undefined;
  for (let size = firstSize; size <= largestSize; size *= step) {
    const cost = await costOf(prepare(size));
    if (before !== undefined && before >= leastMs && cost > before * mostGrowth) {
      return `${(cost / before).toFixed(1)} times the time for ${step} times the input (${cost.toFixed(0)} ms at ${size})`;
    }
    if (cost > mostMs) return size < largestSize / step ? `${cost.toFixed(0)} ms at ${size} already` : undefined;
    before = cost;
  }
  return undefined;
}

async function costOf(work: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs && least >= leastMs / 2; i += 1) {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}
