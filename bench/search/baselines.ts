// What peers do, for comparison: MiniSearch over name, title, description and server (typo tolerance 0.2, prefixes, any
// word), once as it is and once with identifiers split and the text of the parameters added.
import MiniSearch from 'minisearch';
import type { CatalogServer } from './corpus.ts';

export type Searcher = { name: string; search(query: string, limit: number): string[] };

const searchOptions = { boost: { name: 3, title: 2 }, fuzzy: 0.2, prefix: true, combineWith: 'OR' as const };

export function plainMiniSearch(catalog: readonly CatalogServer[]): Searcher {
  return build('MiniSearch, plain', catalog, { split: false });
}

export function splitMiniSearch(catalog: readonly CatalogServer[]): Searcher {
  return build('MiniSearch, split words + parameters', catalog, { split: true });
}

function build(name: string, catalog: readonly CatalogServer[], { split }: { split: boolean }): Searcher {
  const cut = (text: string): string =>
    split ? text.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/[_-]+/g, ' ') : text;
  const fields = ['name', 'title', 'description', 'server', ...(split ? ['parameters'] : [])];
  const engine = new MiniSearch({ fields, storeFields: ['tool'], searchOptions });
  let id = 0;
  for (const { server, tools } of catalog) {
    for (const tool of tools) {
      engine.add({
        id: id++,
        tool: tool.name,
        name: cut(tool.name),
        title: '',
        description: tool.description ?? '',
        server: cut(server),
        parameters: split ? parameterText(tool.inputSchema) : '',
      });
    }
  }
  return {
    name,
    search: (query, limit) =>
      engine
        .search(query)
        .slice(0, limit)
        .map((hit) => String(hit['tool'])),
  };
}

function parameterText(schema: unknown): string {
  if (typeof schema !== 'object' || schema === null || !('properties' in schema)) return '';
  const { properties } = schema;
  if (typeof properties !== 'object' || properties === null) return '';
  return Object.entries(properties)
    .map(
      ([key, value]) =>
        `${key.replace(/_/g, ' ')} ${typeof value === 'object' && value && 'description' in value ? String(value.description) : ''}`,
    )
    .join(' ');
}
