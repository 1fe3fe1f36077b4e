// Reads a stored result part by part: a path selects, offset and limit page, fields project, search filters. What it hands
// out for JSON, NDJSON and tables are the same rows the shield counted.

import { safeEnd } from '../base/cut-text.ts';
import { isRecord } from '../base/guards.ts';
import { isJsonObject, isMarkedNumber, type Json, jsonBytes, jsonOf, memberPath } from './exact-json.ts';
import { badRequest, fieldOf, follow, rowPath, wholePath } from './result-path.ts';
import { findHits, isMatch } from './result-search.ts';
import { defaultShieldPolicy } from './shrink.ts';
import { readText } from './text-forms.ts';

export type ViewRequest = {
  readonly path?: string | undefined;
  /** Which content block; absent: structuredContent, else the first block. */
  readonly block?: number | undefined;
  /** The text of a block as it came, instead of what it holds. */
  readonly raw?: boolean | undefined;
  /** Rows, keys or characters to skip. */
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly search?: string | undefined;
  /** Of the answer that carries the view. */
  readonly maxBytes?: number | undefined;
};

export type ResultView =
  | { readonly kind: 'media'; readonly block: unknown }
  | {
      readonly kind: 'array' | 'object' | 'string' | 'value';
      readonly path: string;
      /** Rows, keys or characters in all (of those that match, with `search`). */
      readonly total: number;
      readonly offset: number;
      readonly data: Json;
      /** Places in the whole array of the rows in `data`, only with `search`. */
      readonly rows?: readonly number[];
      /** Where to go on; absent at the end. */
      readonly nextOffset?: number;
      /** The row or key at `offset` is larger than a page: read it by this path, then go on at `nextOffset`. */
      readonly tooLarge?: { readonly path: string; readonly bytes: number };
    };

/** Of an answer that is not its page; a small budget is used up to here. */
const frameBytes = 320;
/** Below half of 64 KiB: more than a model wants at once helps nobody. */
const maxPageBytes = 28_000;
const minPageBytes = 64;
const defaultRows = 50;
const defaultCharacters = 8_192;
/** Characters before and behind a match. */
const searchContext = 200;

/** The part of a result that `request` names. Throws BAD_ARGUMENT for a path that leads nowhere. */
export function viewResult(result: unknown, request: ViewRequest): ResultView {
  const root = rootOf(result, request);
  if (root.kind === 'media') return root;
  const { path = '$', search, fields } = request;
  const value = follow(root.value, path);
  refuseStrangeFields(value, path, fields);
  if (Array.isArray(value)) return pageArray(value, path, request);
  const isText = typeof value === 'string' && !isMarkedNumber(value);
  if (search && (isText || isJsonObject(value))) return pageHits(value, path, { ...request, search });
  if (isText) return pageText(value, path, request);
  if (isJsonObject(value)) return pageObject(value, path, request);
  return { kind: 'value', path, total: 1, offset: 0, data: value };
}

/** In the answer the page is JSON inside a text: its quotes count twice there. */
function pageBytesOf({ maxBytes = defaultShieldPolicy.maxTotalBytes, path = '$' }: ViewRequest): number {
  const room = Math.floor((maxBytes - frameBytes) / 2) - jsonBytes(path);
  return Math.max(minPageBytes, Math.min(maxPageBytes, room));
}

type Root = { readonly kind: 'media'; readonly block: unknown } | { readonly kind: 'value'; readonly value: Json };

function rootOf(result: unknown, { block, raw, path }: ViewRequest): Root {
  if (!isRecord(result) || path?.startsWith(wholePath)) return { kind: 'value', value: jsonOf(result) };
  const content: unknown[] = Array.isArray(result['content']) ? result['content'] : [];
  if (block === undefined && !raw && result['structuredContent'] !== undefined) {
    return { kind: 'value', value: jsonOf(result['structuredContent']) };
  }
  const at = block ?? 0;
  if (content.length === 0 && block === undefined) return { kind: 'value', value: jsonOf(result) };
  if (at < 0 || at >= content.length) throw badRequest(`Block ${at} does not exist; the result has ${content.length}.`);
  const chosen = content[at];
  const text = textOf(chosen);
  if (text === undefined)
    return isRecord(chosen) && isMedia(chosen)
      ? { kind: 'media', block: chosen }
      : { kind: 'value', value: jsonOf(chosen) };
  return { kind: 'value', value: raw ? text : readValue(text) };
}

function readValue(text: string): Json {
  const form = readText(text);
  switch (form.form) {
    case 'json':
      return form.value;
    case 'ndjson':
    case 'table':
      return [...form.rows];
    case 'plain':
      return text;
  }
}

function textOf(block: unknown): string | undefined {
  if (!isRecord(block)) return undefined;
  if (typeof block['text'] === 'string') return block['text'];
  const resource = block['resource'];
  return isRecord(resource) && typeof resource['text'] === 'string' ? resource['text'] : undefined;
}

function isMedia(block: Record<string, unknown>): boolean {
  return (
    typeof block['data'] === 'string' || (isRecord(block['resource']) && typeof block['resource']['blob'] === 'string')
  );
}

function pageArray(items: readonly Json[], path: string, request: ViewRequest): ResultView {
  const { search, fields } = request;
  const places = items.map((_, place) => place).filter((place) => !search || isMatch(items[place] ?? null, search));
  const page = pageRows(
    places.map((place) => ({ path: () => rowPath(path, place), row: () => project(items[place] ?? null, fields) })),
    path,
    request,
  );
  if (!search || page.tooLarge) return page;
  return { ...page, rows: places.slice(page.offset, page.offset + page.data.length) };
}

/** Where the text stands in all that `value` holds. */
function pageHits(value: Json, path: string, request: ViewRequest & { readonly search: string }): ResultView {
  const { search, fields } = request;
  // A smaller page shows less around each match, rather than no match.
  const context = Math.min(searchContext, pageBytesOf(request) >> 4);
  const hits =
    fields && fields.length > 0 && isJsonObject(value)
      ? fields.flatMap((field) =>
          findHits(fieldOf(value, field) ?? null, fieldPath(value, path, field), { search, context }),
        )
      : findHits(value, path, { search, context });
  const rows = hits.map(({ path: place, at, text }) => ({
    path: () => place,
    row: (): Json => (place === path ? { at, text } : { path: place, at, text }),
  }));
  return pageRows(rows, path, request);
}

function fieldPath(row: { [key: string]: Json }, path: string, field: string): string {
  return Object.hasOwn(row, field) ? memberPath(path, field) : `${path}.${field}`;
}

type Row = { readonly path: () => string; readonly row: () => Json };
type Page = Extract<ResultView, { kind: 'array' | 'object' | 'string' | 'value' }> & { readonly data: Json[] };

function pageRows(rows: readonly Row[], path: string, request: ViewRequest): Page {
  const pageBytes = pageBytesOf(request);
  const { offset, limit } = pageOf(request, defaultRows);
  const page = { kind: 'array', path, total: rows.length, offset } as const;
  const data: Json[] = [];
  let bytes = 0;
  for (const { path: place, row } of rows.slice(offset, offset + limit)) {
    const item = row();
    const size = jsonBytes(item);
    if (data.length === 0 && size > pageBytes) {
      return { ...page, data, ...next(offset + 1, rows.length), tooLarge: { path: place(), bytes: size } };
    }
    // A row that was searched for has its place beside it.
    const cost = size + 1 + (request.search ? String(rows.length).length + 1 : 0);
    if (bytes + cost > pageBytes && data.length > 0) break;
    bytes += cost;
    data.push(item);
  }
  return { ...page, data, ...next(offset + data.length, rows.length) };
}

function pageObject(object: { [key: string]: Json }, path: string, request: ViewRequest): ResultView {
  const pageBytes = pageBytesOf(request);
  const shown = project(object, request.fields);
  const entries = Object.entries(isJsonObject(shown) ? shown : object);
  const { offset, limit } = pageOf(request, Number.POSITIVE_INFINITY);
  const data: [string, Json][] = [];
  let bytes = 0;
  for (const [key, value] of entries.slice(offset, offset + limit)) {
    const size = jsonBytes(value) + jsonBytes(key);
    if (data.length === 0 && size > pageBytes) {
      const at = { kind: 'object', path, total: entries.length, offset, data: {} } as const;
      const inner = request.fields?.length ? fieldPath(object, path, key) : `${path}[${JSON.stringify(key)}]`;
      return { ...at, ...next(offset + 1, entries.length), tooLarge: { path: inner, bytes: size } };
    }
    if (bytes + size > pageBytes) break;
    bytes += size + 2;
    data.push([key, value]);
  }
  const total = entries.length;
  return { kind: 'object', path, total, offset, data: Object.fromEntries(data), ...next(offset + data.length, total) };
}

function pageText(text: string, path: string, request: ViewRequest): ResultView {
  const pageBytes = pageBytesOf(request);
  const { offset, limit } = pageOf(request, defaultCharacters);
  const start = safeEnd(text, offset);
  let end = safeEnd(text, Math.min(text.length, offset + limit));
  // One character may take six bytes as an escape: halve until the page fits.
  while (end - start > 2 && jsonBytes(text.slice(start, end)) > pageBytes)
    end = safeEnd(text, start + ((end - start) >> 1));
  // A limit of 1 on a pair of surrogates would never advance.
  if (end <= start && start < text.length) end = Math.min(text.length, start + 2);
  return {
    kind: 'string',
    path,
    total: text.length,
    offset: start,
    data: text.slice(start, end),
    ...next(end, text.length),
  };
}

/** Fields that nothing here has would come back as rows of null, which reads as if they were empty. */
function refuseStrangeFields(value: Json, path: string, fields: readonly string[] | undefined): void {
  if (!fields || fields.length === 0) return;
  const rows = (Array.isArray(value) ? value : [value]).filter(isJsonObject);
  const [first] = rows;
  if (!first || rows.some((row) => fields.some((field) => fieldOf(row, field) !== undefined))) return;
  const lists = Object.keys(first).filter((key) => Array.isArray(first[key]));
  const within = lists.length > 0 && !Array.isArray(value) ? ` Rows are at ${memberPath(path, lists[0] ?? '')}.` : '';
  throw badRequest(
    `No ${fields.join(', ')} at "${path}": keys are ${Object.keys(first).slice(0, 20).join(', ')}.${within}`,
  );
}

function project(row: Json, fields: readonly string[] | undefined): Json {
  if (!fields || fields.length === 0 || !isJsonObject(row)) return row;
  return Object.fromEntries(fields.map((field) => [field, fieldOf(row, field) ?? null]));
}

function pageOf({ offset = 0, limit }: ViewRequest, defaultLimit: number): { offset: number; limit: number } {
  return { offset: Math.max(0, Math.floor(offset)), limit: Math.max(1, Math.floor(limit ?? defaultLimit)) };
}

function next(at: number, total: number): { nextOffset?: number } {
  return at < total ? { nextOffset: at } : {};
}
