// The catalog and the queries of the search benchmark, parsed.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readPackedJson } from '../../test/support/packed-json.ts';

const toolShape = z.looseObject({ name: z.string(), description: z.string().nullish(), inputSchema: z.unknown() });
const catalogShape = z.array(z.object({ server: z.string(), description: z.string(), tools: z.array(toolShape) }));
const queriesShape = z.array(
  z.object({ id: z.string(), kind: z.enum(['task', 'step']), query: z.string(), relevant: z.array(z.string()) }),
);

export type CatalogServer = z.infer<typeof catalogShape>[number];
export type Query = z.infer<typeof queriesShape>[number];

const folder = new URL('../../test/fixtures/tool-search/', import.meta.url);

export const loadCatalog = (): CatalogServer[] =>
  catalogShape.parse(readPackedJson(new URL('catalog.json.br', folder)));
export const parseQueries = (value: unknown): Query[] => queriesShape.parse(value);
export const loadQueries = (): Query[] =>
  parseQueries(JSON.parse(readFileSync(new URL('queries.dev.json', folder), 'utf8')));
