// Reads a stored result part by part: a path selects, offset and limit page, fields project, search filters. What it hands
// out for JSON, NDJSON and tables are the same rows the shield counted.
import { AppError } from '../base/errors.ts';
import { isJsonObject, isMarkedNumber, isObject, type Json, jsonBytes, jsonOf } from './exact-json.ts';
import { memberPath, safeEnd } from './shrink.ts';
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
};

export type View =
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

/** A page leaves room for its own frame inside the shield's 64 KiB; quotes in text count twice there. */
const pageBytes = 28_000;
const defaultRows = 50;
const defaultCharacters = 8_192;
const searchContext = 200;

/** The part of a result that `request` names. Throws BAD_ARGUMENT for a path that leads nowhere. */
export function viewResult(result: unknown, request: ViewRequest): View {
  const root = rootOf(result, request);
  if (root.kind === 'media') return root;
  const path = request.path ?? '$';
  const value = follow(root.value, path);
  refuseStrangeFields(value, path, request.fields);
  if (Array.isArray(value)) return pageArray(value, path, request);
  if (typeof value === 'string' && !isMarkedNumber(value))
    return request.search ? searchText(value, path, request) : pageText(value, path, request);
  if (isJsonObject(value)) return pageObject(value, path, request);
  return { kind: 'value', path, total: 1, offset: 0, data: value };
}

type Root = { readonly kind: 'media'; readonly block: unknown } | { readonly kind: 'value'; readonly value: Json };

function rootOf(result: unknown, { block, raw }: ViewRequest): Root {
  if (!isObject(result)) return { kind: 'value', value: jsonOf(result) };
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
    return isObject(chosen) && isMedia(chosen)
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
  if (!isObject(block)) return undefined;
  if (typeof block['text'] === 'string') return block['text'];
  const resource = block['resource'];
  return isObject(resource) && typeof resource['text'] === 'string' ? resource['text'] : undefined;
}

function isMedia(block: Record<string, unknown>): boolean {
  return (
    typeof block['data'] === 'string' || (isObject(block['resource']) && typeof block['resource']['blob'] === 'string')
  );
}

const pathStep = /\.([A-Za-z_$][\w$-]*)|\[(\d+|\*|"(?:[^"\\]|\\.)*")\]/y;

/** `$.a[3]["odd key"]`; `[*]` maps the rest of the path over an array. */
function follow(root: Json, path: string): Json {
  const steps: string[] = [];
  const tail = path.startsWith('$') ? path.slice(1) : path.startsWith('[') ? path : `.${path}`;
  pathStep.lastIndex = 0;
  const step = new RegExp(pathStep);
  while (step.lastIndex < tail.length) {
    const found = step.exec(tail);
    if (!found) throw badRequest(`Path "${path}" cannot be read at "${tail.slice(0, 40)}".`, pathForm);
    const inBrackets = found[2];
    steps.push(found[1] ?? (inBrackets?.startsWith('"') ? String(JSON.parse(inBrackets)) : (inBrackets ?? '')));
  }
  return walk(root, steps, path);
}

function walk(value: Json, steps: readonly string[], path: string): Json {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (Array.isArray(value)) {
    if (step === '*') return value.map((item) => tryWalk(item, rest, path));
    const item = /^\d+$/.test(step) ? value[Number(step)] : undefined;
    if (item !== undefined) return walk(item, rest, path);
    throw badRequest(`Path "${path}" leads nowhere: no item ${step} in an array of ${value.length}.`);
  }
  if (isJsonObject(value) && Object.hasOwn(value, step)) return walk(value[step] ?? null, rest, path);
  const has = isJsonObject(value)
    ? `keys are ${Object.keys(value).slice(0, 20).join(', ')}`
    : `it is a ${typeof value}`;
  throw badRequest(`Path "${path}" leads nowhere at "${step}": ${has}.`);
}

/** Rows that lack a field are null, as a projection shows them. */
function tryWalk(value: Json, steps: readonly string[], path: string): Json {
  try {
    return walk(value, steps, path);
  } catch {
    return null;
  }
}

function pageArray(items: readonly Json[], path: string, request: ViewRequest): View {
  const needle = request.search?.toLowerCase();
  const places = items
    .map((_, index) => index)
    .filter((index) => !needle || rowText(items[index] ?? null).includes(needle));
  const { offset, limit } = pageOf(request, defaultRows);
  const data: Json[] = [];
  const rows: number[] = [];
  let bytes = 0;
  for (const place of places.slice(offset, offset + limit)) {
    const row = project(items[place] ?? null, request.fields);
    const size = jsonBytes(row);
    if (data.length === 0 && size > pageBytes) {
      const at = { kind: 'array', path, total: places.length, offset, data } as const;
      return { ...at, ...next(offset + 1, places.length), tooLarge: { path: `${path}[${place}]`, bytes: size } };
    }
    if (bytes + size > pageBytes) break;
    bytes += size + 1;
    data.push(row);
    rows.push(place);
  }
  const page = {
    kind: 'array',
    path,
    total: places.length,
    offset,
    data,
    ...next(offset + data.length, places.length),
  } as const;
  return needle ? { ...page, rows } : page;
}

function rowText(row: Json): string {
  if (typeof row === 'string') return row.toLowerCase();
  return Number.isFinite(jsonBytes(row)) ? JSON.stringify(row).toLowerCase() : '';
}

function pageObject(object: { [key: string]: Json }, path: string, request: ViewRequest): View {
  const needle = request.search?.toLowerCase();
  const shown = request.fields ? project(object, request.fields) : object;
  const entries = Object.entries(isJsonObject(shown) ? shown : object).filter(
    ([key, value]) => !needle || key.toLowerCase().includes(needle) || rowText(value).includes(needle),
  );
  const { offset, limit } = pageOf(request, Number.POSITIVE_INFINITY);
  const data: [string, Json][] = [];
  let bytes = 0;
  for (const [key, value] of entries.slice(offset, offset + limit)) {
    const size = jsonBytes(value) + jsonBytes(key);
    if (data.length === 0 && size > pageBytes) {
      const at = { kind: 'object', path, total: entries.length, offset, data: {} } as const;
      const inner = `${path}[${JSON.stringify(key)}]`;
      return { ...at, ...next(offset + 1, entries.length), tooLarge: { path: inner, bytes: size } };
    }
    if (bytes + size > pageBytes) break;
    bytes += size + 2;
    data.push([key, value]);
  }
  const total = entries.length;
  return { kind: 'object', path, total, offset, data: Object.fromEntries(data), ...next(offset + data.length, total) };
}

function pageText(text: string, path: string, request: ViewRequest): View {
  const { offset, limit } = pageOf(request, defaultCharacters);
  let end = safeEnd(text, Math.min(text.length, offset + limit));
  // One character may take six bytes as an escape: halve until the page fits.
  while (end - offset > 2 && jsonBytes(text.slice(offset, end)) > pageBytes)
    end = safeEnd(text, offset + ((end - offset) >> 1));
  // A limit of 1 on a pair of surrogates would never advance.
  if (end <= offset && offset < text.length) end = Math.min(text.length, offset + 2);
  return { kind: 'string', path, total: text.length, offset, data: text.slice(offset, end), ...next(end, text.length) };
}

/** Each match with what stands around it; matches inside the same surroundings are shown once. */
function searchText(text: string, path: string, request: ViewRequest): View {
  const pattern = new RegExp((request.search ?? '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
  const found: { at: number; text: string }[] = [];
  let shownTo = -1;
  for (const { index, 0: match } of text.matchAll(pattern)) {
    if (index < shownTo) continue;
    const [from, to] = [
      Math.max(0, index - searchContext),
      Math.min(text.length, index + match.length + searchContext),
    ];
    shownTo = to;
    found.push({ at: index, text: text.slice(safeEnd(text, from), safeEnd(text, to)) });
  }
  return pageArray(found, path, { offset: request.offset, limit: request.limit });
}

/** Fields that nothing here has would come back as rows of null, which reads as if they were empty. */
function refuseStrangeFields(value: Json, path: string, fields: readonly string[] | undefined): void {
  if (!fields || fields.length === 0) return;
  const rows = (Array.isArray(value) ? value : [value]).filter(isJsonObject);
  const [first] = rows;
  if (!first || rows.some((row) => fields.some((field) => hasField(row, field)))) return;
  const lists = Object.keys(first).filter((key) => Array.isArray(first[key]));
  const within = lists.length > 0 && !Array.isArray(value) ? ` Rows are at ${memberPath(path, lists[0] ?? '')}.` : '';
  throw badRequest(
    `No ${fields.join(', ')} at "${path}": keys are ${Object.keys(first).slice(0, 20).join(', ')}.${within}`,
  );
}

function hasField(row: { [key: string]: Json }, field: string): boolean {
  if (Object.hasOwn(row, field)) return true;
  try {
    walk(row, field.split('.'), field);
    return true;
  } catch {
    return false; // leads nowhere in this row
  }
}

function project(row: Json, fields: readonly string[] | undefined): Json {
  if (!fields || fields.length === 0 || !isJsonObject(row)) return row;
  return Object.fromEntries(
    fields.map((field) => [
      field,
      Object.hasOwn(row, field) ? (row[field] ?? null) : tryWalk(row, field.split('.'), field),
    ]),
  );
}

function pageOf({ offset = 0, limit }: ViewRequest, defaultLimit: number): { offset: number; limit: number } {
  return { offset: Math.max(0, Math.floor(offset)), limit: Math.max(1, Math.floor(limit ?? defaultLimit)) };
}

function next(at: number, total: number): { nextOffset?: number } {
  return at < total ? { nextOffset: at } : {};
}

const pathForm = 'Paths are like $.items[3].body, $.items[*].name or $["odd key"].';

function badRequest(message: string, hint = 'Read it without a path first to see what it holds.'): AppError {
  return new AppError({ code: 'BAD_ARGUMENT', message, hint });
}
