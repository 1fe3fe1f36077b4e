// What one server offers: its introduction and its lists, each definition kept as the bytes that the server wrote.
import { createHash } from 'node:crypto';
import {
  arrayElements,
  findMember,
  isArrayAt,
  isObjectAt,
  objectMembers,
  type Span,
  stringAt,
  textAt,
} from '../base/json-scan.ts';
import type { ListName } from '../link/hello.ts';
import type { Introduction } from '../upstream/handshake.ts';

export type ListItem = {
  raw: Buffer;
  /** Name of a tool or prompt, URI of a resource, URI template. */
  name: string;
  nameSpan: Span;
};
export type Listing = { items: readonly ListItem[]; digest: string };
export type ServerFace = { introduction: Introduction; lists: Record<ListName, Listing> };

type ListKind = { method: string; member: string; nameKey: string; capability: string };

export const listKinds: Record<ListName, ListKind> = {
  tools: { method: 'tools/list', member: 'tools', nameKey: 'name', capability: 'tools' },
  prompts: { method: 'prompts/list', member: 'prompts', nameKey: 'name', capability: 'prompts' },
  resources: { method: 'resources/list', member: 'resources', nameKey: 'uri', capability: 'resources' },
  resourceTemplates: {
    method: 'resources/templates/list',
    member: 'resourceTemplates',
    nameKey: 'uriTemplate',
    capability: 'resources',
  },
};
export const listNames = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;

export const emptyListing: Listing = createListing([]);
/** No good answer was ever seen, which is not the same as none of these. Compared by identity. */
export const unknownListing: Listing = { items: [], digest: 'unknown' };

export function declares(introduction: Introduction, list: ListName): boolean {
  return introduction.capabilities[listKinds[list].capability] !== undefined;
}

export function createListing(items: readonly ListItem[]): Listing {
  const hash = createHash('sha256');
  for (const { raw } of items) hash.update(raw).update('\0');
  return { items, digest: hash.digest('base64url').slice(0, 16) };
}

/** Entries without a usable name are left out, as are later ones of a name that occurs twice: nobody could call them. */
export function parseItems(line: Buffer, array: Span, nameKey: string): ListItem[] {
  const items: ListItem[] = [];
  const seen = new Set<string>();
  for (const element of arrayElements(line, array)) {
    const raw = Buffer.from(line.subarray(element.start, element.end));
    const whole = { start: 0, end: raw.length };
    if (!isObjectAt(raw, whole)) continue;
    const nameSpan = findMember(objectMembers(raw, whole), nameKey);
    const name = stringAt(raw, nameSpan);
    if (name === undefined || !nameSpan || seen.has(name)) continue;
    seen.add(name);
    items.push({ raw, name, nameSpan });
  }
  return items;
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
  parts.push(Buffer.from('}\n'));
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
  const listing = (list: ListName): Listing => {
    const span = findMember(members, list);
    if (!isArrayAt(bytes, span)) return unknownListing;
    const items = parseItems(bytes, span, listKinds[list].nameKey);
    // Before, a list that was refused was written down as an empty one.
    const isDoubtful = items.length === 0 && !isCurrent && list === 'tools' && declares(introduction, list);
    return isDoubtful ? unknownListing : createListing(items);
  };
  const lists = {
    tools: listing('tools'),
    prompts: listing('prompts'),
    resources: listing('resources'),
    resourceTemplates: listing('resourceTemplates'),
  };
  return { introduction, lists };
}
