// One list of several servers under names that never collide, and the way back from a name to its server.
import { createHash } from 'node:crypto';
import { wholeCharacters } from '../base/cut-text.ts';
import { type Edit, findMember, isObjectAt, objectMembers, splice } from '../base/json-scan.ts';
import { type ListName, listKinds } from '../mcp/lists.ts';
import { qualifyNames, uriMark } from '../mcp/tool-name.ts';
import type { ListItem, Listing } from './listing.ts';

export type ListSource = {
  /** Slug of the server. */
  slug: string;
  /** Its part in qualified names; undefined: names stay as they are (one server alone). */
  part: string | undefined;
  listing: Listing;
  isAlwaysLoaded: boolean;
};

export type Target = { slug: string; name: string };
export type JointList = {
  /** A whole result: `{"tools":[…]}`. */
  result: Buffer;
  etag: string;
  targets: ReadonlyMap<string, Target>;
  /** Qualified names in order, with the definition as served. */
  items: readonly { name: string; target: Target; raw: Buffer }[];
};

export function joinLists(list: ListName, sources: readonly ListSource[]): JointList {
  const items: { name: string; target: Target; raw: Buffer }[] = [];
  const targets = new Map<string, Target>();
  const marks = sources.flatMap(({ part }) => (part === undefined ? [] : [`${uriMark(part)}+`]));
  // What begins with a server's mark is that server's: nobody else can list what its links say.
  const isFree = (uri: string) => !targets.has(uri) && !marks.some((mark) => uri.startsWith(mark));
  for (const source of sources) {
    const names = nameAll(list, source, isFree);
    source.listing.items.forEach((item, i) => {
      const name = names[i] ?? item.name;
      const target = { slug: source.slug, name: item.name };
      targets.set(name, target);
      // Links in results and texts name it as its server does.
      if (list === 'resources' && !URL.canParse(item.name) && isFree(item.name)) targets.set(item.name, target);
      items.push({ name, target, raw: renamed(list, item, name, source) });
    });
  }
  const result = Buffer.concat([
    Buffer.from(`{"${listKinds[list].member}":[`),
    ...items.flatMap(({ raw }, i) => (i === 0 ? [raw] : [comma, raw])),
    Buffer.from(']}'),
  ]);
  const etag = createHash('sha256').update(result).digest('base64url').slice(0, 16);
  return { result, etag, targets, items };
}

const comma = Buffer.from(',');

function nameAll(list: ListName, source: ListSource, isFree: (uri: string) => boolean): string[] {
  const names = source.listing.items.map(({ name }) => name);
  if (source.part === undefined) return names;
  if (list === 'tools' || list === 'prompts') return qualifyNames(source.part, names);
  // URIs mean something to people and models: only one that another server has already gets its server's mark.
  const { part } = source;
  const mark = uriMark(part);
  return names.map((uri) => {
    const shown = list === 'resources' ? asUri(part, wholeCharacters(uri)) : wholeCharacters(uri);
    return isFree(shown) ? shown : `${mark}+${shown}`;
  });
}

/** Of what is no URI: the SDK for Python (1.x) refuses a whole list for one. */
function asUri(part: string, uri: string): string {
  const forms = [uri, `mcp+${part}:${uri}`, `mcp+${part}:${encodeURIComponent(uri)}`];
  return forms.find((form) => URL.canParse(form)) ?? uri;
}

function renamed(list: ListName, item: ListItem, name: string, source: ListSource): Buffer {
  const edits: Edit[] = [];
  if (name !== item.name) edits.push({ at: item.nameSpan, with: JSON.stringify(name) });
  if (list === 'tools' || list === 'prompts') edits.push(...addedTo(list, item, name, source));
  return edits.length === 0 ? item.raw : splice(item.raw, edits);
}

function addedTo(list: 'tools' | 'prompts', item: ListItem, name: string, source: ListSource): Edit[] {
  const isLoaded = list === 'tools' && source.isAlwaysLoaded;
  const isOther = source.part !== undefined && name !== `${source.part}__${item.name}`;
  if (!isLoaded && !isOther) return [];
  const members = objectMembers(item.raw);
  const end = item.raw.lastIndexOf('}');
  const added: string[] = [];
  // A name that was cut or lost characters says less: the title keeps all of it for people and for search.
  if (isOther && !findMember(members, 'title')) added.push(`"title":${JSON.stringify(wholeCharacters(item.name))}`);
  const meta = findMember(members, '_meta');
  const edits: Edit[] = [];
  if (isLoaded && !meta) added.push('"_meta":{"anthropic/alwaysLoad":true}');
  else if (isLoaded && isObjectAt(item.raw, meta)) {
    const isEmpty = objectMembers(item.raw, meta).length === 0;
    const at = { start: meta.start + 1, end: meta.start + 1 };
    edits.push({ at, with: `"anthropic/alwaysLoad":true${isEmpty ? '' : ','}` });
  }
  if (added.length > 0) edits.push({ at: { start: end, end }, with: `,${added.join(',')}` });
  return edits;
}
