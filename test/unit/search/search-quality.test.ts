// The floor under the ranking: figures of the benchmark, rounded down a little, on the same data.
import { describe, expect, it } from 'vitest';
import { plainMiniSearch } from '../../../bench/search/baselines.ts';
import { loadCatalog, loadQueries } from '../../../bench/search/corpus.ts';
import { measureQuality } from '../../../bench/search/measure.ts';
import { ours } from '../../../bench/search/ours.ts';

const catalog = loadCatalog();
const of = (kind: 'step' | 'task') => loadQueries().filter((query) => query.kind === kind);

describe('search quality on 527 real tools', () => {
  it('has the tool of a single step among the first five for four of five queries', () => {
    expect(measureQuality(ours(catalog), of('step')).recall[5]).toBeGreaterThanOrEqual(0.8);
  });

  it('has well over half of the tools of a whole task among the first ten', () => {
    expect(measureQuality(ours(catalog), of('task')).recall[10]).toBeGreaterThanOrEqual(0.6);
  });

  it('is ahead of plain MiniSearch at every cut', () => {
    for (const kind of ['step', 'task'] as const) {
      const [own, plain] = [
        measureQuality(ours(catalog), of(kind)),
        measureQuality(plainMiniSearch(catalog), of(kind)),
      ];
      for (const k of [1, 3, 5, 10]) expect(own.recall[k], `${kind} @${k}`).toBeGreaterThan(plain.recall[k] ?? 1);
    }
  });
});
