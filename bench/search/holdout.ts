// tsx bench/search/holdout.ts [seconds]: does the tuning generalise? Random tunings are chosen on one half of the tasks (a
// task's steps stay with it) and judged on the other half, for twenty random halvings.
import { type SearchTuning, searchTuning } from '../../src/search/tuning.ts';
import { loadCatalog, loadQueries, type Query } from './corpus.ts';
import { mean, measureQuality, type Quality } from './measure.ts';
import { ours } from './ours.ts';

const catalog = loadCatalog();
const queries = loadQueries();
const seconds = Number(process.argv[2] ?? 60);
const halvings = 20;

// A fixed generator: two runs of the same length of search see the same tunings in the same order.
let state = 12_345;
const random = (): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
};

type Trial = { readonly tuning: SearchTuning; readonly perQuery: ReadonlyMap<Query, Quality> };

function varied(): SearchTuning {
  const tuning = { ...searchTuning };
  const keys: (keyof SearchTuning)[] = Object.keys(tuning).filter(
    (key): key is keyof SearchTuning => key in searchTuning,
  );
  for (const key of keys) tuning[key] *= 0.4 + 1.4 * random();
  return tuning;
}

function tryTuning(tuning: SearchTuning): Trial {
  const searcher = ours(catalog, tuning);
  return { tuning, perQuery: new Map(queries.map((query) => [query, measureQuality(searcher, [query])])) };
}

function figures({ perQuery }: Trial, some: readonly Query[]): { step5: number; task10: number; goal: number } {
  const at = (kind: Query['kind'], k: number): number =>
    mean(some.filter((query) => query.kind === kind).map((query) => perQuery.get(query)?.recall[k] ?? 0));
  const smooth = at('step', 1) * 0.5 + at('step', 3) + at('step', 5) * 2 + at('step', 10);
  const tasks = at('task', 3) * 0.5 + at('task', 5) + at('task', 10) * 2;
  return { step5: at('step', 5), task10: at('task', 10), goal: smooth / 4.5 + tasks / 3.5 };
}

const trials: Trial[] = [tryTuning(searchTuning)];
const end = Date.now() + seconds * 1_000;
while (Date.now() < end) trials.push(tryTuning(varied()));

const tasks = [...new Set(queries.map(({ id }) => id.split('#')[0] ?? id))];
const chosen: { step5: number; task10: number }[] = [];
const shipped: { step5: number; task10: number }[] = [];
for (let n = 0; n < halvings; n += 1) {
  const half = new Set(
    tasks
      .map((task) => ({ task, key: random() }))
      .sort((a, b) => a.key - b.key)
      .slice(0, tasks.length >> 1)
      .map(({ task }) => task),
  );
  const [one, other] = [true, false].map((side) =>
    queries.filter(({ id }) => half.has(id.split('#')[0] ?? id) === side),
  );
  for (const [fit, judge] of [
    [one, other],
    [other, one],
  ] as const) {
    if (!fit || !judge) continue;
    const best = trials.reduce((a, b) => (figures(a, fit).goal >= figures(b, fit).goal ? a : b));
    chosen.push(figures(best, judge));
    const own = trials[0];
    if (own) shipped.push(figures(own, judge));
  }
}
const line = (name: string, rows: readonly { step5: number; task10: number }[]): string =>
  `${name}: step recall@5 ${mean(rows.map(({ step5 }) => step5)).toFixed(3)} (worst half ${Math.min(...rows.map(({ step5 }) => step5)).toFixed(3)}), task recall@10 ${mean(rows.map(({ task10 }) => task10)).toFixed(3)} (worst half ${Math.min(...rows.map(({ task10 }) => task10)).toFixed(3)})`;
process.stdout.write(
  `${trials.length} tunings, ${halvings} halvings\n${line('chosen on the other half', chosen)}\n${line('shipped tuning', shipped)}\n`,
);
