// Recall and rank of a searcher on the benchmark's queries. A query's recall at k is the part of its tools whose names are
// among the first k; MRR takes the first right one.
import type { Searcher } from './baselines.ts';
import type { Query } from './corpus.ts';

export const cutoffs = [1, 3, 5, 10] as const;
export type Quality = { readonly recall: Readonly<Record<number, number>>; readonly mrr: number };

export function measureQuality(searcher: Searcher, queries: readonly Query[]): Quality {
  const rows = queries.map(({ query, relevant }) => ({ found: searcher.search(query, 10), relevant }));
  const recallAt = (k: number): number =>
    mean(
      rows.map(
        ({ found, relevant }) => relevant.filter((name) => found.slice(0, k).includes(name)).length / relevant.length,
      ),
    );
  const mrr = mean(
    rows.map(({ found, relevant }) => {
      const rank = found.findIndex((name) => relevant.includes(name));
      return rank < 0 ? 0 : 1 / (rank + 1);
    }),
  );
  return { recall: Object.fromEntries(cutoffs.map((k) => [k, recallAt(k)])), mrr };
}

export function measureTimes(
  searcher: Searcher,
  queries: readonly Query[],
  rounds: number,
): { p50: number; p95: number } {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { query } of queries) {
      const start = performance.now();
      searcher.search(query, 10);
      times.push(performance.now() - start);
    }
  }
  times.sort((a, b) => a - b);
  return { p50: times[times.length >> 1] ?? 0, p95: times[Math.floor(times.length * 0.95)] ?? 0 };
}

export const mean = (numbers: readonly number[]): number =>
  numbers.length === 0 ? 0 : numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
