// What one server offers: its introduction and its lists, each definition kept as the bytes that the server wrote.
import { createHash } from 'node:crypto';
import { AppError } from '../base/errors.ts';
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
import { memberAt } from '../mcp/envelope.ts';
import type { Channel } from '../upstream/channel.ts';
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

/** A server that never ends its pages must not fill the memory. */
const maxPages = 1_000;

export const emptyListing: Listing = createListing([]);

/**
 * Asks for every list that the server declared. One that it refuses is empty: it offers nothing usable there. One that it
 * could not be asked for, because a login is needed or the connection broke, stays what it was in `former`.
 */
export async function fetchFace(
  channel: Channel,
  introduction: Introduction,
  former: ServerFace | undefined,
): Promise<ServerFace> {
  const fetched = await Promise.all(
    listNames.map((list) => {
      if (!declares(introduction, list)) return emptyListing;
      const kept = (error: unknown) => (error instanceof AppError ? former?.lists[list] : undefined) ?? emptyListing;
      return fetchListing(channel, list)
        .catch((error: unknown) => {
          // A broken connection, as of a kept one that the server had just closed: to ask again changes nothing there.
          if (error instanceof AppError && error.code === 'SERVER_FAILED') return fetchListing(channel, list);
          throw error;
        })
        .catch(kept);
    }),
  );
  const [tools = emptyListing, prompts = emptyListing, resources = emptyListing, resourceTemplates = emptyListing] =
    fetched;
  return { introduction, lists: { tools, prompts, resources, resourceTemplates } };
}

export function declares(introduction: Introduction, list: ListName): boolean {
  return introduction.capabilities[listKinds[list].capability] !== undefined;
}

/** All pages of one list, in the server's order. Throws when the server answers with an error. */
export async function fetchListing(channel: Channel, list: ListName): Promise<Listing> {
  const { method, member, nameKey } = listKinds[list];
  const items: ListItem[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await channel.ask(method, cursor === undefined ? {} : { cursor });
    if (!answer.result) throw new Error(`${method}: ${answer.error ? textAt(answer.line, answer.error) : 'no result'}`);
    const array = memberAt(answer.line, answer.result, [member]);
    if (isArrayAt(answer.line, array)) items.push(...parseItems(answer.line, array, nameKey));
    const next = memberAt(answer.line, answer.result, ['nextCursor']);
    const following = next && stringAt(answer.line, next);
    // An empty string is a valid cursor; the same one twice is a server that goes in circles.
    if (following === undefined || following === cursor) break;
    cursor = following;
  }
  return createListing(items);
}

export function createListing(items: readonly ListItem[]): Listing {
  const hash = createHash('sha256');
  for (const { raw } of items) hash.update(raw).update('\0');
  return { items, digest: hash.digest('base64url').slice(0, 16) };
}

/** Entries without a usable name are left out, as are later ones of a name that occurs twice: nobody could call them. */
function parseItems(line: Buffer, array: Span, nameKey: string): ListItem[] {
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

/** One JSON text for the disk; the definitions' bytes stand in it unchanged. */
export function serializeFace(face: ServerFace): Buffer {
  const parts: Buffer[] = [Buffer.from(`{"introduction":${face.introduction.raw}`)];
  if (face.introduction.isPresumed) parts.push(Buffer.from(',\n"isPresumed":true'));
  for (const list of listNames) {
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
  const listing = (list: ListName): Listing => {
    const span = findMember(members, list);
    return isArrayAt(bytes, span) ? createListing(parseItems(bytes, span, listKinds[list].nameKey)) : emptyListing;
  };
  const lists = {
    tools: listing('tools'),
    prompts: listing('prompts'),
    resources: listing('resources'),
    resourceTemplates: listing('resourceTemplates'),
  };
  return { introduction, lists };
}
