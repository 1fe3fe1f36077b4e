// What a result holds beside content and structuredContent: `_meta`, and members of other kinds of result (`toolResult` of
// the first protocol). Rarely large; when they are, they must not use up the budget of the others.
import { isRecord } from '../base/guards.ts';
import { type Json, jsonBytes, jsonOf } from './exact-json.ts';
import { type Cut, lastRound, limitsOfRound, type ShieldPolicy, shrink } from './shrink.ts';

export type ShortRest = {
  readonly members: Readonly<Record<string, unknown>>;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly cuts: readonly Cut[];
};

/** What they may take beside a large content; what that leaves is theirs too. */
const metaShare = 0.25;
const membersShare = 0.5;

/** `ownBytes`: of content and structure. */
export function shortenRest(
  result: Record<string, unknown>,
  policy: ShieldPolicy,
  { maxBytes, ownBytes }: { maxBytes: number; ownBytes: number },
): ShortRest {
  const { content: _, structuredContent: __, _meta, isError, ...open } = result;
  const given = isRecord(_meta) ? _meta : {};
  const openBytes = jsonBytes(open);
  const left = (share: number, others: number): number => Math.max(maxBytes * share, maxBytes - ownBytes - others);
  const meta = keepSmallest(given, left(metaShare, openBytes));
  const members = shrinkMembers(open, policy, left(membersShare, jsonBytes(meta.kept)));
  return {
    members: { ...members.kept, ...(isError === undefined ? {} : { isError }) },
    meta: meta.kept,
    cuts: [...meta.cuts, ...members.cuts],
  };
}

type Shortened = { readonly kept: Record<string, unknown>; readonly cuts: readonly Cut[] };

/** Members of `_meta` are for programs: half of one is worth nothing. */
function keepSmallest(meta: Record<string, unknown>, maxBytes: number): Shortened {
  let bytes = jsonBytes(meta);
  const dropped = new Set<string>();
  const bySize = Object.entries(meta).map(([key, value]) => ({ key, size: jsonBytes(key) + jsonBytes(value) + 2 }));
  for (const { key, size } of bySize.sort((a, b) => b.size - a.size)) {
    if (bytes <= maxBytes) break;
    dropped.add(key);
    bytes = Number.isFinite(size) ? bytes - size : jsonBytes(without(meta, dropped));
  }
  if (dropped.size === 0) return { kept: meta, cuts: [] };
  return { kept: without(meta, dropped), cuts: [{ kind: 'fields', path: '$$._meta', names: [...dropped] }] };
}

function without(meta: Record<string, unknown>, names: ReadonlySet<string>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(meta).filter(([key]) => !names.has(key)));
}

function shrinkMembers(open: Record<string, unknown>, policy: ShieldPolicy, maxBytes: number): Shortened {
  // Unlike content these are cut for the budget alone: what they mean to a program is not known.
  if (jsonBytes(open) <= maxBytes) return { kept: open, cuts: [] };
  let shrunk: { value: Json; cuts: Cut[] } = { value: {}, cuts: [] };
  for (let round = 0; round <= lastRound; round += 1) {
    shrunk = shrink(jsonOf(open), limitsOfRound(policy, round, false), '$$');
    if (jsonBytes(shrunk.value) <= maxBytes) break;
  }
  return { kept: isRecord(shrunk.value) ? shrunk.value : {}, cuts: shrunk.cuts };
}
