// structuredContent and the text that repeats it are shortened together: a client may read either, and they must tell the
// same.
import { isRecord } from '../base/guards.ts';
import { blockBytes, textOf } from './content-block.ts';
import {
  digitsOf,
  isJsonObject,
  isMarkedNumber,
  type Json,
  jsonBytes,
  parseExact,
  stringifyExact,
} from './exact-json.ts';
import { type Cut, lastRound, limitsOfRound, type ShieldPolicy, type StringCut, shrink } from './shrink.ts';
import { type ShrunkText, shrinkTextAt, wireBytes } from './shrink-text.ts';

export type ShortStructure = {
  readonly structure: Json;
  readonly cuts: readonly Cut[];
  /** What becomes of the blocks that repeat the structure, by place in `content`; undefined: its part was cut. */
  readonly texts: ReadonlyMap<number, ShrunkText | undefined>;
  /** Of the structure and of those blocks. */
  readonly bytes: number;
};
type Whole = { readonly structure: Json; readonly content: readonly unknown[]; readonly twins: readonly Twin[] };

/** Undefined when nothing had to be cut, or when the tool's schema allows no cut. */
export function shortenStructure(
  structure: Json,
  content: readonly unknown[],
  policy: ShieldPolicy,
  maxBytes: number,
): ShortStructure | undefined {
  const whole = { structure, content, twins: findTwins(structure, content) };
  let best: ShortStructure | undefined;
  for (let round = 0; round <= lastRound; round += 1) {
    // A schema that allows no further cut wins over the budget: an MCP client refuses a result that breaks its schema, and
    // one without the structure it was promised as well, unless it is an error, which this one is not.
    const shortened = allowedAt(whole, policy, round);
    if (!shortened) return best;
    if (round === 0 && isUncut(shortened) && shortened.bytes <= maxBytes) return undefined;
    best = shortened;
    if (shortened.bytes <= maxBytes) break;
  }
  return best;
}

function allowedAt(whole: Whole, policy: ShieldPolicy, round: number): ShortStructure | undefined {
  const isAllowed = policy.isValidStructure ?? (() => true);
  const shortened = shortenAt(whole, policy, round, 'middle');
  if (isAllowed(shortened.structure)) return shortened;
  // The note in a cut text may be what breaks a pattern or a length.
  const plain = shortenAt(whole, policy, round, 'end');
  return isAllowed(plain.structure) ? plain : undefined;
}

function isUncut({ cuts, texts }: ShortStructure): boolean {
  return cuts.length === 0 && [...texts.values()].every((text) => text?.cuts.length === 0);
}

function shortenAt(whole: Whole, policy: ShieldPolicy, round: number, stringCut: StringCut): ShortStructure {
  const { structure, content, twins } = whole;
  // Keys are what a schema requires first; they go only when everything else is as short as it gets.
  const maxKeys = round < lastRound - 3 ? { maxKeys: 10_000 } : {};
  const limits = { ...limitsOfRound(policy, round, false), ...maxKeys, stringCut };
  const shrunk = shrink(
    withTexts(structure, twins, () => ''),
    limits,
  );
  const shortTexts = new Map<Twin, ShrunkText>();
  for (const twin of twins) {
    if (twin.text !== undefined) shortTexts.set(twin, shrinkTextAt(twin.text, policy, round, stringCut));
  }
  const value = withTexts(shrunk.value, twins, (twin) => shortTexts.get(twin)?.text ?? '');
  const texts = new Map<number, ShrunkText | undefined>();
  let bytes = jsonBytes(value);
  for (const twin of twins) {
    const left = valueAt(value, twin.steps);
    const text = shortTexts.get(twin) ?? { text: left === undefined ? '' : stringifyExact(left), cuts: shrunk.cuts };
    texts.set(twin.block, left === undefined ? undefined : text);
    const block = content[twin.block];
    if (left !== undefined) bytes += blockBytes(block) - wireBytes(textOf(block) ?? '') + wireBytes(text.text);
  }
  return { structure: value, cuts: shrunk.cuts, texts, bytes };
}

// Which text blocks repeat the structure, or a part of it. Usual are: the structure as JSON, one of its members as JSON or as
// the text it holds, and (FastMCP) one block for each item of a list.

/** Where in the structure: nothing, a key, or a key and the place of an item. */
type Steps = readonly [] | readonly [string] | readonly [string, number];
type Twin = {
  readonly block: number;
  readonly steps: Steps;
  /** The text itself where the structure holds it as a string; else the block is JSON of what is there. */
  readonly text: string | undefined;
};

function findTwins(structure: Json, content: readonly unknown[]): Twin[] {
  const texts = content.flatMap((part, block): { block: number; text: string }[] =>
    isRecord(part) && part['type'] === 'text' && typeof part['text'] === 'string'
      ? [{ block, text: part['text'] }]
      : [],
  );
  if (texts.length === 0) return [];
  const members = isJsonObject(structure) ? Object.entries(structure) : [];
  // Forms are made when a text asks for them: most texts are no JSON.
  const whole = once(() => formOf(structure));
  const parts = once(() => new Map(members.map(([key, value]) => [formOf(value), key])));
  const strings = new Map(members.map(([key, value]) => [value, key]));
  const twins = texts.flatMap(({ block, text }): Twin[] => {
    const member = strings.get(text);
    if (member !== undefined) return [{ block, steps: [member], text }];
    const form = formOfText(text);
    if (form === undefined) return [];
    const part = form === whole() ? undefined : parts().get(form);
    if (form !== whole() && part === undefined) return [];
    return [{ block, steps: part === undefined ? [] : [part], text: undefined }];
  });
  return twins.length > 0 ? twins : findItems(members, texts);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function findItems(members: readonly [string, Json][], texts: readonly { block: number; text: string }[]): Twin[] {
  for (const [key, list] of members) {
    if (!Array.isArray(list) || list.length !== texts.length) continue;
    const twins = texts.flatMap(({ block, text }, place): Twin[] => {
      const item = list[place] ?? null;
      if (item === text) return [{ block, steps: [key, place], text }];
      const form = formOf(item);
      return form !== undefined && form === formOfText(text) ? [{ block, steps: [key, place], text: undefined }] : [];
    });
    if (twins.length === list.length) return twins;
  }
  return [];
}

/** The structure with other strings where the blocks' texts are. */
function withTexts(structure: Json, twins: readonly Twin[], textFor: (twin: Twin) => string): Json {
  const byPlace = new Map<string, Twin>();
  for (const twin of twins) if (twin.text !== undefined) byPlace.set(JSON.stringify(twin.steps), twin);
  if (byPlace.size === 0 || !isJsonObject(structure)) return structure;
  const replaced = (value: Json, steps: Steps): Json => {
    const twin = byPlace.get(JSON.stringify(steps));
    return twin && typeof value === 'string' ? textFor(twin) : value;
  };
  return Object.fromEntries(
    Object.entries(structure).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map((item, place) => replaced(item, [key, place])) : replaced(value, [key]),
    ]),
  );
}

/** What a shortened structure still has in that place; undefined: nothing. */
function valueAt(structure: Json, steps: Steps): Json | undefined {
  let value: Json | undefined = structure;
  for (const step of steps) {
    if (typeof step === 'number') value = Array.isArray(value) ? value[step] : undefined;
    else value = value !== undefined && isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

/** Equal for equal values, whatever the order of keys and the spelling of numbers. */
function formOf(value: Json): string | undefined {
  if (value === null || typeof value !== 'object') return undefined; // a bare number or word repeats nothing
  try {
    return JSON.stringify(value, (_, part: unknown) => {
      if (typeof part === 'string' && isMarkedNumber(part)) return plainNumber(digitsOf(part));
      return isRecord(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part;
    });
  } catch {
    return undefined; // nested deeper than JSON.stringify can follow
  }
}

function formOfText(text: string): string | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return formOf(parseExact(text));
  } catch {
    return undefined; // text that is not JSON repeats no structure
  }
}

/** Ids that differ only behind what a double holds are not the same; 1.0 and 1 are. */
function plainNumber(digits: string): number | string {
  const value = Number(digits);
  return /^-?\d+$/.test(digits) && !Number.isSafeInteger(value) ? `number:${digits}` : value;
}
