// How the work of one function grows with its input, by processor time: a busy machine makes that no longer.
import { isFullSize } from '../full-size.ts';

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

/** What is wrong with it each time, or undefined. What grows faster than any power never returns: the caller has a deadline. */
export async function findGrowth(one: GrowthCase): Promise<string | undefined> {
  let problem: string | undefined;
  // The compiler and the collector of garbage use processor time too, once; what grows does so each time.
  for (let i = 0; i < runs; i += 1) {
    problem = await findOnce(one);
    if (problem === undefined) return undefined;
  }
  return problem;
}

async function findOnce({ prepare }: GrowthCase): Promise<string | undefined> {
  let before: number | undefined;
  for (let size = firstSize; size <= largestSize; size *= step) {
    const mayJudge = before !== undefined && before >= leastMs;
    // What is linear at first and not later shows in the full size only.
    const isLast = size === largestSize || (mayJudge && !isFullSize);
    if (isLast && !mayJudge) return undefined;
    const mostCost = mayJudge && before !== undefined ? before * mostGrowth : Number.POSITIVE_INFINITY;
    const cost = await costOf(prepare(size), isLast ? mostCost : leastMs / 2);
    if (before !== undefined && cost > mostCost) {
      return `${(cost / before).toFixed(1)} times the time for ${step} times the input (${cost.toFixed(0)} ms at ${size})`;
    }
    if (cost > mostMs) return size < largestSize / step ? `${cost.toFixed(0)} ms at ${size} already` : undefined;
    if (isLast) return undefined;
    before = cost;
  }
  return undefined;
}

/** The least of some runs, or the first that is no more than `enoughMs`. */
async function costOf(work: () => unknown, enoughMs: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs && least > enoughMs; i += 1) {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}
