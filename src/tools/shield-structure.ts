// structuredContent and the text that repeats it are shortened together: a client may read either, and they must tell the
// same. Two forms of repetition are usual: the text is the structure as JSON, or the structure holds the text as a string.
import { isJsonObject, isObject, type Json, jsonBytes } from './exact-json.ts';
import { lastRound, limitsOfRound, type ShieldPolicy } from './shield-policy.ts';
import { type Cut, shrink } from './shrink.ts';
import { type ShrunkText, shrinkTextAt, wireBytes } from './shrink-text.ts';

export type ShortStructure = {
  readonly structure: Json;
  readonly cuts: readonly Cut[];
  /** New texts of the blocks that repeat the structure, by place in `content`. */
  readonly texts: ReadonlyMap<number, ShrunkText>;
  /** Of the structure and of those texts. */
  readonly bytes: number;
};
type Twins = {
  readonly asJson: number | undefined;
  readonly asMember: readonly { block: number; key: string; text: string }[];
};

/** Undefined when nothing had to be cut, or when the tool's schema allows no cut. */
export function shortenStructure(
  structure: Json,
  content: readonly unknown[],
  policy: ShieldPolicy,
  maxBytes: number,
): ShortStructure | undefined {
  const twins = findTwins(structure, content);
  let best: ShortStructure | undefined;
  for (let round = 0; round <= lastRound; round += 1) {
    const shortened = shortenAt(structure, twins, policy, round);
    // A schema that allows no further cut wins over the budget: an MCP client refuses a result that breaks its schema.
    if (policy.isValidStructure && !policy.isValidStructure(shortened.structure)) return best;
    if (round === 0 && isUncut(shortened) && shortened.bytes <= maxBytes) return undefined;
    best = shortened;
    if (shortened.bytes <= maxBytes) break;
  }
  return best;
}

function isUncut({ cuts, texts }: ShortStructure): boolean {
  return cuts.length === 0 && [...texts.values()].every((text) => text.cuts.length === 0);
}

function shortenAt(structure: Json, twins: Twins, policy: ShieldPolicy, round: number): ShortStructure {
  const texts = new Map<number, ShrunkText>();
  let open = structure;
  if (isJsonObject(open) && twins.asMember.length > 0) {
    const members = new Set(twins.asMember.map(({ key }) => key));
    open = Object.fromEntries(Object.entries(open).map(([key, value]) => [key, members.has(key) ? '' : value]));
  }
  // Keys are what a schema requires first; they go only when everything else is as short as it gets.
  const maxKeys = round < lastRound - 3 ? { maxKeys: 10_000 } : {};
  const shrunk = shrink(open, { ...limitsOfRound(policy, round, false), ...maxKeys });
  let value = shrunk.value;
  for (const { block, key, text } of twins.asMember) {
    const short = shrinkTextAt(text, policy, round);
    texts.set(block, short);
    if (isJsonObject(value) && Object.hasOwn(value, key)) {
      value = Object.fromEntries(Object.entries(value).map(([name, old]) => [name, name === key ? short.text : old]));
    }
  }
  if (twins.asJson !== undefined) texts.set(twins.asJson, { text: JSON.stringify(value), cuts: shrunk.cuts });
  const bytes = [...texts.values()].reduce((sum, { text }) => sum + wireBytes(text), jsonBytes(value));
  return { structure: value, cuts: shrunk.cuts, texts, bytes };
}

function findTwins(structure: Json, content: readonly unknown[]): Twins {
  const asMember: { block: number; key: string; text: string }[] = [];
  let asJson: number | undefined;
  for (const [block, part] of content.entries()) {
    if (!isObject(part) || part['type'] !== 'text' || typeof part['text'] !== 'string') continue;
    const text = part['text'];
    const member = isJsonObject(structure) ? Object.entries(structure).find(([, value]) => value === text) : undefined;
    if (member) asMember.push({ block, key: member[0], text });
    else if (asJson === undefined && isSameJson(text, structure)) asJson = block;
  }
  return { asJson, asMember };
}

function isSameJson(text: string, structure: Json): boolean {
  try {
    return withSortedKeys(JSON.parse(text)) === withSortedKeys(structure);
  } catch {
    return false; // text that is not JSON repeats no structure
  }
}

function withSortedKeys(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}
