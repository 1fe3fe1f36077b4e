// npm run bench:search [-- <queries file>]: quality and speed of tool search against what peers do, on the same machine and data.
import { readFileSync } from 'node:fs';
import { plainMiniSearch, splitMiniSearch } from './baselines.ts';
import { loadCatalog, loadQueries, parseQueries } from './corpus.ts';
import { cutoffs, measureQuality, measureTimes } from './measure.ts';
import { buildIndex, enlarge, ours } from './ours.ts';

const catalog = loadCatalog();
const file = process.argv[2];
const queries = file ? parseQueries(JSON.parse(readFileSync(file, 'utf8'))) : loadQueries();
const print = (line: string): void => void process.stdout.write(`${line}\n`);

print(
  `${catalog.length} servers, ${catalog.reduce((sum, { tools }) => sum + tools.length, 0)} tools, ${queries.length} queries, Node ${process.version}`,
);
print(`\n${'searcher'.padEnd(38)} kind   n  ${cutoffs.map((k) => `r@${k}`.padEnd(6)).join('')}MRR   p50 ms  p95 ms`);
for (const searcher of [plainMiniSearch(catalog), splitMiniSearch(catalog), ours(catalog)]) {
  for (const kind of ['step', 'task'] as const) {
    const some = queries.filter((query) => query.kind === kind);
    if (some.length === 0) continue;
    const { recall, mrr } = measureQuality(searcher, some);
    const { p50, p95 } = measureTimes(searcher, some, 5);
    const recalls = cutoffs.map((k) => (recall[k] ?? 0).toFixed(3).padEnd(6)).join('');
    print(
      `${searcher.name.padEnd(38)} ${kind} ${String(some.length).padStart(4)}  ${recalls}${mrr.toFixed(3)} ${p50.toFixed(2).padStart(6)} ${p95.toFixed(2).padStart(7)}`,
    );
  }
}

const large = enlarge(catalog, 10_000);
const builds = Array.from({ length: 5 }, () => {
  const start = performance.now();
  buildIndex(large);
  return performance.now() - start;
});
const { p50, p95 } = measureTimes(ours(large), queries, 1);
print(
  `\n10,000 tools: build ${builds.map((ms) => ms.toFixed(0)).join(', ')} ms; query p50 ${p50.toFixed(2)} ms, p95 ${p95.toFixed(2)} ms`,
);
