// The index under test, as a searcher of the benchmark.

import { createToolIndex, type ToolIndex } from '../../src/search/tool-index.ts';
import { type SearchTuning, searchTuning } from '../../src/search/tuning.ts';
import type { Searcher } from './baselines.ts';
import type { CatalogServer } from './corpus.ts';

export function buildIndex(catalog: readonly CatalogServer[], tuning: SearchTuning = searchTuning): ToolIndex {
  const index = createToolIndex(tuning);
  for (const { server, description, tools } of catalog) index.set(server, tools, description);
  return index;
}

export function ours(catalog: readonly CatalogServer[], tuning: SearchTuning = searchTuning): Searcher {
  const index = buildIndex(catalog, tuning);
  return {
    name: 'this index',
    search: (query, limit) => index.search(query, { limit }).map(({ name }) => name),
  };
}

/** The same servers under other names until there are about `tools` tools. */
export function enlarge(catalog: readonly CatalogServer[], tools: number): CatalogServer[] {
  const once = catalog.reduce((sum, server) => sum + server.tools.length, 0);
  return Array.from({ length: Math.ceil(tools / once) }, (_, copy) =>
    catalog.map((server) => ({ ...server, server: `${server.server}-${copy}` })),
  ).flat();
}
