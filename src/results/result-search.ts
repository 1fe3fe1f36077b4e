// Plain-text search in a stored result: values as they read, whatever JSON makes of their quotes and line feeds.
import { charsBetween } from '../base/cut-text.ts';
import { closed } from '../base/plain-text.ts';
import { digitsOf, isMarkedNumber, type Json, jsonBytes, memberPath, stringifyExact } from './exact-json.ts';

/** Where in the text of `path` it stands, and what stands around it. */
export type Hit = { readonly path: string; readonly at: number; readonly text: string };

const maxPathLength = 300;

export function isMatch(row: Json, search: string): boolean {
  const needle = search.toLowerCase();
  if (typeof row === 'string' && !isMarkedNumber(row)) return row.toLowerCase().includes(needle);
  // A row as JSON, for searches like `"id":7` and for their speed.
  const isFlat = Number.isFinite(jsonBytes(row));
  if (isFlat && stringifyExact(row).toLowerCase().includes(needle)) return true;
  if (isFlat && JSON.stringify(needle) === `"${needle}"`) return false;
  for (const { text } of textsOf(row, '')) if (text.toLowerCase().includes(needle)) return true;
  return false;
}

/** In everything that `value` holds; matches inside the same surroundings are shown once. `context`: characters. */
export function findHits(value: Json, path: string, { search, context }: { search: string; context: number }): Hit[] {
  const pattern = new RegExp(search.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'giu');
  const found: Hit[] = [];
  for (const { path: place, text } of textsOf(value, path)) {
    let shownTo = -1;
    for (const { index, 0: match } of text.matchAll(pattern)) {
      if (index < shownTo) continue;
      const [from, to] = [Math.max(0, index - context), Math.min(text.length, index + match.length + context)];
      shownTo = to;
      found.push({ path: place, at: index, text: closed(charsBetween(text, from, to)) });
    }
  }
  return found;
}

type Place = { readonly path: string; readonly isWhole: boolean };

/** Keys and values as texts, in their order. Without calling itself: a value may be nested deeper than that could follow. */
function* textsOf(value: Json, path: string): Generator<{ path: string; text: string }> {
  const open: { place: Place; value: Json; key?: string }[] = [{ place: { path, isWhole: true }, value }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { place, value, key } = next;
    if (key !== undefined) yield { path: place.path, text: key };
    if (Array.isArray(value)) {
      for (let index = value.length - 1; index >= 0; index -= 1) {
        open.push({ place: within(place, `${place.path}[${index}]`), value: value[index] ?? null });
      }
    } else if (value !== null && typeof value === 'object') {
      for (const [name, member] of Object.entries(value).reverse()) {
        open.push({ place: within(place, memberPath(place.path, name)), value: member, key: name });
      }
    } else {
      const isNumber = typeof value === 'string' && isMarkedNumber(value);
      yield { path: place.path, text: isNumber ? digitsOf(value) : String(value) };
    }
  }
}

/** A path that would fill the page ends early: it leads to what holds the place. */
function within(outer: Place, path: string): Place {
  return outer.isWhole && path.length <= maxPathLength ? { path, isWhole: true } : { ...outer, isWhole: false };
}
