// Makes a JSON value smaller without changing its kind: arrays keep their first items, strings both ends, objects their
// telling fields. It never invents items or markers inside the value: what was cut is listed beside it, by path.
import { firstChars, lastChars } from '../base/cut-text.ts';
import { closed } from '../base/plain-text.ts';
import { isJsonObject, isMarkedNumber, type Json, jsonBytes, memberPath } from './exact-json.ts';

// The limits. The numbers are those of harshal-mcp-proxy, so that who comes from there finds the same sizes; media has a limit of
// its own because a picture costs a model by its pixels, not by its base64.
export type ShieldPolicy = {
  readonly maxItems: number;
  readonly maxString: number;
  readonly heavyFieldBytes: number;
  /** Of the result as JSON, media data not counted. */
  readonly maxTotalBytes: number;
  readonly maxMediaBytes: number;
  /** Given where the caller knows the tool's output schema: a shortened structuredContent must still pass. */
  readonly isValidStructure?: (structure: unknown) => boolean;
};

export const defaultShieldPolicy: ShieldPolicy = {
  maxItems: 50,
  maxString: 8_192,
  heavyFieldBytes: 256,
  maxTotalBytes: 65_536,
  // Four full-page screenshots; hosts refuse single images of over 5 MB themselves.
  maxMediaBytes: 4_194_304,
};

const maxKeys = 1_000;
/** What walks a value calls itself for each level, as JSON.stringify does; real results are less than twenty deep. */
const maxDepth = 1_000;

/** Round 0 is the policy itself; each further round halves what may stay, down to a value that is nearly empty. */
export function limitsOfRound(policy: ShieldPolicy, round: number, mayDropFields: boolean): ShrinkLimits {
  const part = 2 ** round;
  return {
    maxItems: Math.max(1, Math.floor(policy.maxItems / part)),
    maxString: Math.max(32, Math.floor(policy.maxString / part)),
    heavyFieldBytes: Math.max(32, Math.floor(policy.heavyFieldBytes / part)),
    maxKeys: Math.max(1, Math.floor(maxKeys / part)),
    maxDepth: Math.max(2, Math.floor(maxDepth / part)),
    mayDropFields,
  };
}

/** After so many halvings nothing is left to halve. */
export const lastRound = 10;

/** `end` where a schema may refuse the note in the middle. */
export type StringCut = 'middle' | 'end';

export type ShrinkLimits = {
  readonly maxItems: number;
  /** In UTF-16 units. */
  readonly maxString: number;
  /** A field of the objects in one array that is on average larger than this is dropped from all of them. */
  readonly heavyFieldBytes: number;
  readonly maxKeys: number;
  readonly maxDepth: number;
  /** False where a schema may require the fields: heavy ones are shortened in place instead of dropped. */
  readonly mayDropFields: boolean;
  /** Absent: in the middle. */
  readonly stringCut?: StringCut;
};

export type Cut =
  | { readonly kind: 'items'; readonly path: string; readonly kept: number; readonly total: number }
  | { readonly kind: 'string'; readonly path: string; readonly kept: number; readonly total: number }
  | { readonly kind: 'fields'; readonly path: string; readonly names: readonly string[] }
  | { readonly kind: 'depth'; readonly path: string };

/** Fields that tell rows apart or say how it went; they are short as a rule and stay even when they are not. */
const signalFields = new Set(
  `id _id uuid key name title label type kind status state error code message url uri href path file line number
  count total date time timestamp created_at updated_at createdat updatedat author user login email`.split(/\s+/),
);
const sampleSize = 10;
/** With fewer rows the fields cost little, and dropping them would lose the point of a detail query. */
const minRowsForHeavy = 6;
const maxKeyLength = 256;

/** `path`: how `value` is called in the cuts. */
export function shrink(value: Json, limits: ShrinkLimits, path = '$'): { value: Json; cuts: Cut[] } {
  const cuts: Cut[] = [];
  return { value: shrinkAt(value, { path, depth: 0, limits, cuts }), cuts };
}

type Place = { readonly path: string; readonly depth: number; readonly limits: ShrinkLimits; readonly cuts: Cut[] };

function shrinkAt(value: Json, place: Place): Json {
  if (typeof value === 'string') return shrinkString(value, place);
  if (value === null || typeof value !== 'object') return value;
  if (place.depth >= place.limits.maxDepth) return emptied(value, place);
  return Array.isArray(value) ? shrinkArray(value, place) : shrinkObject(value, place);
}

export function cutString(text: string, { maxString, stringCut }: ShrinkLimits): string {
  return stringCut === 'end' ? closed(firstChars(text, maxString)) : cutMiddle(text, maxString);
}

/** Both ends of a text around a note of how much is missing. */
function cutMiddle(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const note = ` … [${text.length - maxLength} characters cut] … `;
  const head = closed(firstChars(text, Math.ceil(maxLength * 0.75)));
  return head + note + lastChars(text, Math.floor(maxLength * 0.25));
}

function shrinkString(text: string, { path, limits, cuts }: Place): string {
  if (text.length <= limits.maxString || isMarkedNumber(text)) return text;
  cuts.push({ kind: 'string', path, kept: limits.maxString, total: text.length });
  return cutString(text, limits);
}

function emptied(value: Json[] | { [key: string]: Json }, { path, cuts }: Place): Json {
  const isEmpty = Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
  if (!isEmpty) cuts.push({ kind: 'depth', path });
  return Array.isArray(value) ? [] : {};
}

function shrinkArray(items: Json[], place: Place): Json[] {
  const { path, depth, limits, cuts } = place;
  const kept = items.slice(0, limits.maxItems);
  if (kept.length < items.length) cuts.push({ kind: 'items', path, kept: kept.length, total: items.length });
  const heavy = limits.mayDropFields ? heavyFields(kept, limits) : new Set<string>();
  if (heavy.size > 0) cuts.push({ kind: 'fields', path: `${path}[*]`, names: [...heavy] });
  return kept.map((item, index) => {
    const light = heavy.size > 0 && isJsonObject(item) ? without(item, heavy) : item;
    return shrinkAt(light, { path: `${path}[${index}]`, depth: depth + 1, limits, cuts });
  });
}

function shrinkObject(object: { [key: string]: Json }, place: Place): Json {
  const { path, depth, limits, cuts } = place;
  const entries = Object.entries(object);
  const kept = entries.filter(([key]) => key.length <= maxKeyLength).slice(0, limits.maxKeys);
  if (kept.length < entries.length) {
    const keptNames = new Set(kept.map(([key]) => key));
    const names = entries.map(([key]) => key).filter((key) => !keptNames.has(key));
    cuts.push({ kind: 'fields', path, names });
  }
  // fromEntries, not assignment: a key named __proto__ stays a key
  return Object.fromEntries(
    kept.map(([key, value]) => [key, shrinkAt(value, { path: memberPath(path, key), depth: depth + 1, limits, cuts })]),
  );
}

function heavyFields(rows: readonly Json[], limits: ShrinkLimits): Set<string> {
  const objects = rows.filter(isJsonObject);
  if (objects.length < minRowsForHeavy) return new Set();
  const bytes = new Map<string, { sum: number; count: number }>();
  for (const row of objects.slice(0, sampleSize)) {
    for (const [key, value] of Object.entries(row)) {
      const seen = bytes.get(key) ?? { sum: 0, count: 0 };
      bytes.set(key, { sum: seen.sum + jsonBytes(value), count: seen.count + 1 });
    }
  }
  const heavy = [...bytes].filter(
    ([key, { sum, count }]) => sum / count > limits.heavyFieldBytes && !signalFields.has(key.toLowerCase()),
  );
  // Rows of heavy fields only would come out empty; then their strings are cut instead.
  return heavy.length === bytes.size ? new Set() : new Set(heavy.map(([key]) => key));
}

function without(row: { [key: string]: Json }, names: ReadonlySet<string>): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(row).filter(([key]) => !names.has(key)));
}
