// structuredContent and the text that repeats it are shortened together: a client may read either, and they must tell the
// same.
import { blockBytes, textOf } from './content-block.ts';
import { type Json, jsonBytes, stringifyExact } from './exact-json.ts';
import { lastRound, limitsOfRound, type ShieldPolicy } from './shield-policy.ts';
import { type Cut, type StringCut, shrink } from './shrink.ts';
import { type ShrunkText, shrinkTextAt, wireBytes } from './shrink-text.ts';
import { findTwins, type Twin, valueAt, withTexts } from './structure-twins.ts';

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
