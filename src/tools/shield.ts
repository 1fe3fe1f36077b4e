// Makes a tool's result fit a model's context without making it wrong: same kind, still parseable, and everything that was
// cut can be fetched by the reference in its last text block. The result as the upstream sent it is never changed.
import { isJson, isObject, type Json, jsonBytes } from './exact-json.ts';
import type { ShieldPolicy } from './shield-policy.ts';
import { shortenStructure } from './shield-structure.ts';
import type { Cut } from './shrink.ts';
import { shrinkText, wireBytes } from './shrink-text.ts';

/** The result store of one session; undefined when it cannot hold a result of that size. */
export type KeepResult = { put(result: unknown): string | undefined };
export type Shielded = { readonly result: unknown; readonly ref?: string };

export const shieldMetaKey = 'aitkit/shield';
/** For the closing note and its `_meta` entry; the rest of the budget is the result's. */
const noteBytes = 4_096;
const maxNotedCuts = 12;
const noteStart = '[Result shortened. ';
const goneNote =
  'The rest is no longer kept; other results needed its room. To have it, call the tool again and ask for less.';
/** A block with less than this is not worth shortening further: it is replaced by a line about it. */
const minBlockBytes = 256;

type BlockCuts = { readonly block: number | 'structured'; readonly cuts: readonly Cut[] };
type Omitted = { readonly block: number; readonly what: string };
type Draft = { content: unknown[]; structured: Json | undefined; cuts: BlockCuts[]; omitted: Omitted[] };

/** Returns `result` itself when nothing had to be cut, and for anything that is not a tool result. */
export function shieldResult(result: unknown, policy: ShieldPolicy, keep: KeepResult): Shielded {
  if (!isObject(result)) return { result };
  const draft = shorten(result, policy);
  if (draft.cuts.length === 0 && draft.omitted.length === 0) return { result };
  const ref = keep.put(result);
  const note = { type: 'text', text: describeCuts(draft, ref, result['structuredContent'] !== undefined) };
  const meta = isObject(result['_meta']) ? result['_meta'] : {};
  return {
    result: {
      ...result,
      ...(Array.isArray(result['content']) ? { content: [...draft.content, note] } : {}),
      ...(draft.structured === undefined ? {} : { structuredContent: draft.structured }),
      _meta: { ...meta, [shieldMetaKey]: { ref: ref ?? null } },
    },
    ...(ref === undefined ? {} : { ref }),
  };
}

function shorten(result: Record<string, unknown>, policy: ShieldPolicy): Draft {
  const content: unknown[] = Array.isArray(result['content']) ? result['content'] : [];
  const draft: Draft = { content: [], structured: undefined, cuts: [], omitted: [] };
  const { content: _, structuredContent: structure, ...others } = result;
  const free = Math.max(0, policy.maxTotalBytes - jsonBytes(others) - noteBytes);
  const sizes = content.map((block) => blockBytes(block) - (mediaOf(block)?.length ?? 0));
  const structureBytes = jsonBytes(structure ?? '');
  // Other blocks keep up to two fifths of the budget beside a large structure.
  const share = structureBytes + sum(sizes) <= free ? free : Math.max(free - sum(sizes), free * 0.6);
  const short = isJson(structure) ? shortenStructure(structure, content, policy, share) : undefined;
  if (short) {
    draft.structured = short.structure;
    if (short.cuts.length > 0) draft.cuts.push({ block: 'structured', cuts: short.cuts });
    for (const block of short.texts.keys()) sizes[block] = 0;
  }
  // What a schema does not let us shorten must not push the text out as well.
  const left = short ? free - short.bytes : Math.max(free - structureBytes, free * 0.5);
  const shares = shareOut(sizes, Math.max(0, left));
  let media = 0;
  for (const [index, block] of content.entries()) {
    const twin = short?.texts.get(index);
    const data = mediaOf(block);
    if (twin) {
      draft.content.push(withText(block, twin.text));
      if (twin.cuts !== short?.cuts && twin.cuts.length > 0) draft.cuts.push({ block: index, cuts: twin.cuts });
    } else if (data !== undefined) {
      const fits = media + data.length <= policy.maxMediaBytes && (sizes[index] ?? 0) <= (shares[index] ?? 0);
      if (fits) media += data.length;
      if (fits) draft.content.push(block);
      else draft.omitted.push({ block: index, what: describeMedia(block, data) });
    } else {
      shortenBlock(block, { index, share: shares[index] ?? 0, policy, draft });
    }
  }
  return draft;
}

type BlockTask = { index: number; share: number; policy: ShieldPolicy; draft: Draft };

function shortenBlock(block: unknown, { index, share, policy, draft }: BlockTask): void {
  const text = textOf(block);
  if (text === undefined) {
    if (blockBytes(block) <= share) draft.content.push(block);
    else draft.omitted.push({ block: index, what: `${typeOf(block)}, ${blockBytes(block)} bytes` });
    return;
  }
  const frame = blockBytes(block) - wireBytes(text);
  const shrunk = shrinkText(text, policy, share - frame);
  if (wireBytes(shrunk.text) + frame > share) {
    draft.omitted.push({ block: index, what: `${typeOf(block)}, ${text.length} characters` });
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

function describeCuts(draft: Draft, ref: string | undefined, hasStructure: boolean): string {
  // Without a structure, block 0 is what a reference reads by itself.
  const needsBlock = (block: number | 'structured'): boolean => block !== 'structured' && (block > 0 || hasStructure);
  const lines = draft.cuts.flatMap(({ block, cuts }) =>
    cuts.map((cut) => `- ${describeCut(cut)}${needsBlock(block) ? ` (block ${block})` : ''}`),
  );
  const omitted = draft.omitted.map(({ block, what }) => `- block ${block} left out: ${what}`);
  const all = [...lines, ...omitted];
  const shown = all.slice(0, maxNotedCuts).map((line) => (line.length > 200 ? `${line.slice(0, 197)}...` : line));
  if (all.length > shown.length) shown.push(`- and ${all.length - shown.length} more`);
  const how =
    ref === undefined
      ? 'It was too large to be kept; ask the tool for less.'
      : `Get the rest: gateway_get_result {"ref":"${ref}"} with path, offset, limit, fields, search or block.`;
  return `${noteStart}${how}\n${shown.join('\n')}]`;
}

/** The reference that a shortened result was given. */
export function referenceOf(result: unknown): string | undefined {
  const meta = isObject(result) ? result['_meta'] : undefined;
  const shield = isObject(meta) ? meta[shieldMetaKey] : undefined;
  return isObject(shield) && typeof shield['ref'] === 'string' ? shield['ref'] : undefined;
}

/** A shortened result whose whole was pushed out since: it must not name what leads nowhere. */
export function withoutReference(result: unknown): unknown {
  if (!isObject(result) || !Array.isArray(result['content'])) return result;
  const content = result['content'].map((block: unknown) => {
    const text = textOf(block);
    return text?.startsWith(noteStart) ? withText(block, text.replace(/Get the rest: .*/, goneNote)) : block;
  });
  const meta = isObject(result['_meta']) ? result['_meta'] : {};
  return { ...result, content, _meta: { ...meta, [shieldMetaKey]: { ref: null } } };
}

function describeCut(cut: Cut): string {
  switch (cut.kind) {
    case 'items':
      return `${cut.path}: ${cut.kept} of ${cut.total} items`;
    case 'string':
      return `${cut.path}: ${cut.kept} of ${cut.total} characters`;
    case 'fields':
      return `${cut.path}: without ${cut.names.slice(0, 12).join(', ')}${cut.names.length > 12 ? ` and ${cut.names.length - 12} more` : ''}`;
    case 'depth':
      return `${cut.path}: emptied, nested too deep`;
  }
}

function textOf(block: unknown): string | undefined {
  if (!isObject(block)) return undefined;
  if (block['type'] === 'text' && typeof block['text'] === 'string') return block['text'];
  const resource = block['resource'];
  return isObject(resource) && typeof resource['text'] === 'string' ? resource['text'] : undefined;
}

function withText(block: unknown, text: string): unknown {
  if (!isObject(block)) return block;
  return isObject(block['resource']) ? { ...block, resource: { ...block['resource'], text } } : { ...block, text };
}

/** Base64 of an image, audio or binary resource. */
function mediaOf(block: unknown): string | undefined {
  if (!isObject(block)) return undefined;
  if (typeof block['data'] === 'string' && typeof block['mimeType'] === 'string') return block['data'];
  const resource = block['resource'];
  return isObject(resource) && typeof resource['blob'] === 'string' ? resource['blob'] : undefined;
}

function describeMedia(block: unknown, data: string): string {
  const holder = isObject(block) && isObject(block['resource']) ? block['resource'] : block;
  const type =
    isObject(holder) && typeof holder['mimeType'] === 'string' ? holder['mimeType'] : 'application/octet-stream';
  return `${typeOf(block)} ${type}, ${Math.floor((data.length * 3) / 4)} bytes`;
}

function typeOf(block: unknown): string {
  return isObject(block) && typeof block['type'] === 'string' ? block['type'] : 'block';
}

const blockBytes = (block: unknown): number => jsonBytes(block) + 1;
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
