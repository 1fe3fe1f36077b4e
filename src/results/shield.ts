// Makes a tool's result fit a model's context without making it wrong: same kind, still parseable, and everything that was
// cut can be fetched by the reference in its last text block. The result as the upstream sent it is never changed.
import { isRecord } from '../base/guards.ts';
import { blockBytes, isDrawing, mediaOf, sizeOf, textOf, withText } from './content-block.ts';
import { isJson, type Json, jsonBytes } from './exact-json.ts';
import { type BlockCuts, type OmittedBlock, withoutWay, writeNote } from './shield-note.ts';
import { shortenRest } from './shield-rest.ts';
import { shortenStructure } from './shield-structure.ts';
import type { ShieldPolicy } from './shrink.ts';
import { shrinkText, wireBytes } from './shrink-text.ts';

/** The result store of one session; undefined when it cannot hold a result of that size. */
export type KeepResult = { put(result: unknown): string | undefined };
export type Shielded = { readonly result: unknown; readonly ref?: string };

export const shieldMetaKey = 'aitkit/shield';
/** Of the note's block and its `_meta` entry beside their texts. */
const noteFrameBytes = 96;
const frameBytes = Buffer.byteLength('{"content":[],"structuredContent":,"_meta":{}}');
/** A block with less than this is not worth shortening further: it is replaced by a line about it. */
const minBlockBytes = 256;

type Draft = {
  content: unknown[];
  structured: Json | undefined;
  /** `_meta` and what else the result holds. */
  meta: Readonly<Record<string, unknown>>;
  members: Readonly<Record<string, unknown>>;
  cuts: BlockCuts[];
  omitted: OmittedBlock[];
  /** What the note says beside cuts and blocks that are left out. */
  remarks: string[];
};

/** Returns `result` itself when nothing had to be cut, and for anything that is not a tool result. */
export function shieldResult(result: unknown, policy: ShieldPolicy, keep: KeepResult): Shielded {
  if (!isRecord(result) || isUnfinished(result)) return { result };
  const max = policy.maxTotalBytes;
  // Room for the note is taken only where one is needed.
  let draft = shorten(result, policy, textBytes(result) <= max ? Number.POSITIVE_INFINITY : max - noteBytes(max));
  if (!isCut(draft)) return { result };
  const ref = keep.put(result);
  let shielded = assemble(result, draft, { ref, max });
  if (textBytes(shielded) > max) {
    draft = shorten(result, policy, max - noteBytes(max));
    shielded = assemble(result, draft, { ref, max });
  }
  // Where a schema holds the structure whole, emptying the rest would not make it fit.
  if (textBytes(shielded) > max && !policy.isValidStructure) shielded = assemble(result, bare(result), { ref, max });
  return { result: shielded, ...(ref === undefined ? {} : { ref }) };
}

/** A task that was started, or a server's question to its host: what it holds is for a program, and read back exactly. */
function isUnfinished({ resultType, task }: Record<string, unknown>): boolean {
  return (resultType !== undefined && resultType !== 'complete') || task !== undefined;
}

/** For the closing note and its `_meta` entry; the rest of the budget is the result's. */
function noteBytes(maxTotalBytes: number): number {
  return Math.min(4_096, Math.max(448, Math.floor(maxTotalBytes / 4)));
}

/** Of a result as JSON, media data not counted. */
function textBytes(result: Record<string, unknown>): number {
  const content: unknown[] = Array.isArray(result['content']) ? result['content'] : [];
  return jsonBytes(result) - sum(content.map((block) => mediaOf(block)?.length ?? 0));
}

function isCut({ cuts, omitted }: Draft): boolean {
  return cuts.length > 0 || omitted.length > 0;
}

function assemble(
  result: Record<string, unknown>,
  draft: Draft,
  { ref, max }: { ref: string | undefined; max: number },
): Record<string, unknown> {
  const hasStructure = result['structuredContent'] !== undefined;
  const maxBytes = noteBytes(max) - noteFrameBytes;
  const structureBytes = jsonBytes(draft.structured ?? '');
  const whole =
    structureBytes > max ? [`structuredContent is whole, ${structureBytes} bytes: its schema asks for it`] : [];
  const remarks = [...whole, ...draft.remarks];
  const note = { type: 'text', text: writeNote({ ...draft, remarks, ref, hasStructure, maxBytes }) };
  return {
    ...draft.members,
    content: [...draft.content, note],
    ...(draft.structured === undefined ? {} : { structuredContent: draft.structured }),
    _meta: { ...draft.meta, [shieldMetaKey]: { ref: ref ?? null } },
  };
}

/** Nothing but the reference: for budgets too small for what is left after all shortening. */
function bare(result: Record<string, unknown>): Draft {
  const { isError } = result;
  const remarks = [`all ${textBytes(result)} bytes of it left out`];
  const members = isError === undefined ? {} : { isError };
  return { content: [], structured: undefined, meta: {}, members, cuts: [], omitted: [], remarks };
}

/** `maxBytes`: of everything but media data; unlimited, only the limits for single values are kept to. */
function shorten(result: Record<string, unknown>, policy: ShieldPolicy, maxBytes: number): Draft {
  const content: unknown[] = Array.isArray(result['content']) ? result['content'] : [];
  const structure = isJson(result['structuredContent']) ? result['structuredContent'] : undefined;
  const sizes = content.map((block) => blockBytes(block) - (mediaOf(block)?.length ?? 0));
  const structureBytes = structure === undefined ? 0 : jsonBytes(structure);
  const rest = shortenRest(result, policy, { maxBytes, ownBytes: sum(sizes) + structureBytes + frameBytes });
  const draft: Draft = { ...rest, content: [], structured: structure, cuts: [], omitted: [], remarks: [] };
  if (rest.cuts.length > 0) draft.cuts.push({ block: 'result', cuts: rest.cuts });
  const free = Math.max(0, maxBytes - jsonBytes(rest.members) - jsonBytes(rest.meta) - frameBytes);
  // Other blocks keep up to two fifths of the budget beside a large structure.
  const share = structureBytes + sum(sizes) <= free ? free : Math.max(free - sum(sizes), free * 0.6);
  const short = structure === undefined ? undefined : shortenStructure(structure, content, policy, share);
  if (short) {
    draft.structured = short.structure;
    if (short.cuts.length > 0) draft.cuts.push({ block: 'structured', cuts: short.cuts });
    for (const block of short.texts.keys()) sizes[block] = 0;
  }
  // What a schema does not let us shorten must not push the text out as well.
  const left = short ? free - short.bytes : Math.max(free - structureBytes, free * 0.5);
  const shares = shareOut(sizes, Math.max(0, left));
  const goneTwins: number[] = [];
  let media = 0;
  for (const [index, block] of content.entries()) {
    const data = mediaOf(block);
    const twin = short?.texts.get(index);
    if (twin) {
      draft.content.push(withText(block, twin.text));
      if (twin.cuts !== short?.cuts && twin.cuts.length > 0) draft.cuts.push({ block: index, cuts: twin.cuts });
    } else if (short?.texts.has(index)) {
      goneTwins.push(index);
    } else if (data !== undefined) {
      const fits = media + data.length <= policy.maxMediaBytes && (sizes[index] ?? 0) <= (shares[index] ?? 0);
      if (fits) media += data.length;
      if (fits) draft.content.push(block);
      else draft.omitted.push({ block: index, ...sizeOf(block) });
    } else {
      shortenBlock(block, { index, share: shares[index] ?? 0, policy, draft });
    }
  }
  if (goneTwins.length > 0) {
    draft.remarks.push(
      `blocks from ${goneTwins[0]} on left out (${goneTwins.length}): they repeat what structuredContent is without`,
    );
  }
  return draft;
}

type BlockTask = { index: number; share: number; policy: ShieldPolicy; draft: Draft };

function shortenBlock(block: unknown, { index, share, policy, draft }: BlockTask): void {
  const text = textOf(block);
  if (text === undefined || isDrawing(block)) {
    if (blockBytes(block) <= share) draft.content.push(block);
    else draft.omitted.push({ block: index, ...sizeOf(block) });
    return;
  }
  const frame = blockBytes(block) - wireBytes(text);
  const shrunk = shrinkText(text, policy, share - frame);
  if (wireBytes(shrunk.text) + frame > share) {
    draft.omitted.push({ block: index, ...sizeOf(block) });
    return;
  }
  if (shrunk.cuts.length === 0) {
    draft.content.push(block);
    return;
  }
  draft.cuts.push({ block: index, cuts: shrunk.cuts });
  draft.content.push(withText(block, shrunk.text));
}

/** Small blocks stay whole; what they leave is divided among the large ones. */
function shareOut(sizes: readonly number[], total: number): number[] {
  const shares = sizes.map(() => 0);
  let [left, open] = [total, sizes.filter((size) => size > 0).length];
  const order = sizes.map((size, index) => ({ size, index })).sort((a, b) => a.size - b.size || a.index - b.index);
  // With too many blocks for the budget the first ones are kept rather than a crumb of each.
  const atMost = Math.max(1, Math.floor(total / minBlockBytes));
  const isCrowded = sum(sizes) > total && open > atMost;
  for (const { size, index } of isCrowded ? order.sort((a, b) => a.index - b.index) : order) {
    if (size === 0) continue;
    const share = Math.min(size, isCrowded ? Math.max(minBlockBytes, left / atMost) : left / open);
    shares[index] = Math.min(Math.floor(share), left);
    left -= shares[index] ?? 0;
    open -= 1;
  }
  return shares;
}

/** The reference that a shortened result was given. */
export function referenceOf(result: unknown): string | undefined {
  const meta = isRecord(result) ? result['_meta'] : undefined;
  const shield = isRecord(meta) ? meta[shieldMetaKey] : undefined;
  return isRecord(shield) && typeof shield['ref'] === 'string' ? shield['ref'] : undefined;
}

/** A shortened result whose whole was pushed out since: it must not name what leads nowhere. */
export function withoutReference(result: unknown): unknown {
  if (!isRecord(result) || !Array.isArray(result['content'])) return result;
  const content = result['content'].map((block: unknown) => {
    const text = textOf(block);
    return text === undefined ? block : withText(block, withoutWay(text));
  });
  const meta = isRecord(result['_meta']) ? result['_meta'] : {};
  return { ...result, content, _meta: { ...meta, [shieldMetaKey]: { ref: null } } };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
