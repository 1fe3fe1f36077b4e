// What one server offers: its introduction and its lists, each definition kept as the bytes that the server wrote.

import { createHash } from 'node:crypto';
import { arrayElements, findMember, isArrayAt, objectMembers, type Span, stringAt, textAt } from '../base/json-scan.ts';
import { ownBuild } from '../link/build.ts';
import { memberAt } from '../mcp/envelope.ts';
import { eraOf } from '../mcp/eras/eras.ts';
import { type ListName, listKinds, listNames } from '../mcp/lists.ts';
import type { Introduction } from '../upstream/handshake.ts';
import type { DefinitionFault, ListItem, Listing } from './listing.ts';
import { leftOut, lookedAs, namedFaults, parseLooked, readItem, readLooked } from './usable.ts';

export type ServerFace = { introduction: Introduction; lists: Record<ListName, Listing> };

export const emptyListing: Listing = createListing([]);
/** No good answer was ever seen, which is not the same as none of these. Compared by identity. */
export const unknownListing: Listing = { items: [], digest: 'unknown' };

export function declares(introduction: Introduction, list: ListName): boolean {
  return introduction.capabilities[listKinds[list].capability] !== undefined;
}

/** Of entries as they were read: what cannot be used is named only. `known`: faults that the bytes show no more. */
export function createListing(entries: readonly ListItem[], known: readonly DefinitionFault[] = []): Listing {
  const hash = createHash('sha256');
  const items = entries.filter(({ faults }) => faults?.isLeftOut !== true);
  for (const { raw } of items) hash.update(raw).update('\0');
  const faults = namedFaults(entries, known);
  const isNewer = items.some((item) => item.faults?.isNewer === true);
  return {
    ...{ items, digest: hash.digest('base64url').slice(0, 16) },
    ...(faults.length > 0 ? { faults } : {}),
    ...(isNewer ? { isNewer } : {}),
  };
}

/** What cannot be used is among them as well, marked so; later ones of a name that occurs twice nobody could call. */
export function parseItems(line: Buffer, array: Span, list: ListName): ListItem[] {
  const items = new Map<string, ListItem>();
  addItems(items, line, array, list);
  return [...items.values()];
}

/** The same for a page: it may repeat what stood on an earlier one. */
export function addItems(items: Map<string, ListItem>, line: Buffer, array: Span, list: ListName): void {
  copies(line, array).forEach((entry, i) => {
    const item = readItem(list, entry, i);
    const former = items.get(item.name);
    const isOther = former && !former.raw.equals(item.raw);
    const taken = isOther && leftOut(list, item.raw, i, ['another one of that name stands before it']);
    if (!former) items.set(item.name, item);
    else if (taken) items.set(taken.name, taken);
  });
}

/** Of an array's elements; the line itself is not kept for them. */
function copies(line: Buffer, array: Span): Buffer[] {
  return arrayElements(line, array).map(({ start, end }) => Buffer.from(line.subarray(start, end)));
}

/** What the server has to correct, by the schemas of the era that it speaks itself. */
export function faultsIn({ introduction, lists }: ServerFace): (DefinitionFault & { list: ListName })[] {
  const era = eraOf(introduction.protocolVersion);
  return listNames.flatMap((list) =>
    (lists[list].faults ?? []).flatMap((fault) => {
      const what = era.wrongIn(fault);
      return what === '' ? [] : [{ list, name: fault.name, what, isLeftOut: fault.isLeftOut }];
    }),
  );
}

const format = 2;

/** One JSON text for the disk; the definitions' bytes stand in it unchanged. A list that nobody knows is not in it. */
export function serializeFace(face: ServerFace): Buffer {
  const parts: Buffer[] = [Buffer.from(`{"format":${format},"introduction":${face.introduction.raw}`)];
  if (face.introduction.isPresumed) parts.push(Buffer.from(',\n"isPresumed":true'));
  for (const list of listNames) {
    if (face.lists[list] === unknownListing) continue;
    parts.push(Buffer.from(`,\n"${list}":[`));
    face.lists[list].items.forEach((item, i) => {
      if (i > 0) parts.push(Buffer.from(',\n'));
      parts.push(item.raw);
    });
    parts.push(Buffer.from(']'));
  }
  const looked = Object.fromEntries(listNames.map((list) => [list, lookedAs(face.lists[list])]));
  parts.push(Buffer.from(`,\n"looked":${JSON.stringify({ by: ownBuild.fingerprint, ...looked })}}\n`));
  return Buffer.concat(parts);
}

/** The reverse; throws on anything else than what serializeFace wrote. */
export function parseFace(bytes: Buffer, parseIntroduction: (raw: string) => Introduction | undefined): ServerFace {
  const members = objectMembers(bytes);
  const introductionSpan = findMember(members, 'introduction');
  const introduction = introductionSpan && parseIntroduction(textAt(bytes, introductionSpan));
  if (!introduction) throw new Error('no introduction');
  if (findMember(members, 'isPresumed')) introduction.isPresumed = true;
  const formatSpan = findMember(members, 'format');
  const isCurrent = formatSpan !== undefined && textAt(bytes, formatSpan) === String(format);
  const lookedSpan = findMember(members, 'looked');
  // Another build may have written what this one would not show. To look again at each start would delay the first list.
  const isOwn = stringAt(bytes, memberAt(bytes, lookedSpan, ['by'])) === ownBuild.fingerprint;
  const listing = (list: ListName): Listing => {
    const span = findMember(members, list);
    if (!isArrayAt(bytes, span)) return unknownListing;
    const { faults, newer } = parseLooked(bytes, memberAt(bytes, lookedSpan, [list]));
    const known = (entry: Buffer) => readLooked(list, entry, newer) ?? [];
    const found = createListing(isOwn ? copies(bytes, span).flatMap(known) : parseItems(bytes, span, list), faults);
    // Before, a list that was refused was written down as an empty one.
    const isDoubtful = found.items.length === 0 && !isCurrent && list === 'tools' && declares(introduction, list);
    return isDoubtful ? unknownListing : found;
  };
  const lists = {
    tools: listing('tools'),
    prompts: listing('prompts'),
    resources: listing('resources'),
    resourceTemplates: listing('resourceTemplates'),
  };
  return { introduction, lists };
}
