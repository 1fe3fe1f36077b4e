// `<server>__<tool>` inside 64 characters with the host's prefix. Names are looked up, never split. What does not fit is cut
// and has a hash of it; so has, behind a mark, what has characters that hosts do not take.
import { createHash } from 'node:crypto';

/** `mcp__plugin_mcp-proxy_s__` as Claude Code writes it before our names; its API is reported to refuse more than 64. */
export const hostPrefix = 'mcp__plugin_mcp-proxy_s__';
export const maxQualifiedChars = 64 - hostPrefix.length;

/** A longer server part would leave too little of the tool's name to tell tools apart. */
const maxSlugChars = 18;
const hashChars = 5;
/** For the names of one server that have the same short one: nobody finds two of these. */
const longHashChars = 10;

/** The server's part of a name, from its slug: short enough to leave room for tools, the same on every machine. */
export function serverPart(slug: string): string {
  if (slug.length <= maxSlugChars) return slug;
  return `${slug.slice(0, maxSlugChars - hashChars - 1).replace(/-+$/, '')}-${shortHash(slug)}`;
}

/** What stands with a plus before a URI of that server, where the URI alone does not say whose it is. */
export function uriMark(part: string): string {
  // A scheme begins with a letter.
  return /^[a-z]/.test(part) ? part : `mcp+${part}`;
}

/**
 * Qualified names of one server's tools (or prompts) in their order. What a name is hangs on itself alone, so that no tool
 * that comes, goes or changes its place takes another one's name; of two that would be called the same neither is.
 */
export function qualifyNames(part: string, names: readonly string[]): string[] {
  const claims = new Map<string, number>();
  for (const name of new Set(names)) {
    const wanted = qualifyName(part, name);
    claims.set(wanted, (claims.get(wanted) ?? 0) + 1);
  }
  return names.map((name) => {
    const wanted = qualifyName(part, name);
    return claims.get(wanted) === 1 ? wanted : marked(part, name, longHashChars);
  });
}

/**
 * The qualified name of one tool. The same from the form that a host makes of its name, but for tools whose names lose
 * characters by it (`markedHead`).
 */
export function qualifyName(part: string, name: string): string {
  if (!isPlain(name)) return marked(part, name, hashChars);
  return fits(part, name) ? `${part}__${name}` : `${part}__${name.slice(0, keptChars(part))}_${shortHash(name)}`;
}

/** What the names of all tools begin with that a host calls `form` and that have other characters in their own; a hash follows. */
export function markedHead(part: string, form: string): string | undefined {
  return form.includes('_') ? head(part, form, hashChars) : undefined;
}

/** How many characters of a tool's name stand in its qualified name whatever follows them. */
export function keptChars(part: string): number {
  return maxQualifiedChars - part.length - 2 - hashChars - 1;
}

/** Stands between a name that lost characters and its hash. A name that ends like that by itself is given one too. */
const mark = '-_';
const endsMarked = /-_[0-9a-z]{5,}$/;

function isPlain(name: string): boolean {
  return name === sanitized(name) && !endsMarked.test(name);
}

function fits(part: string, name: string): boolean {
  return part.length + 2 + name.length <= maxQualifiedChars;
}

function marked(part: string, name: string, chars: number): string {
  // As JSON: also names that differ in half a character only are not one.
  return head(part, name, chars) + hashOf(JSON.stringify(name), chars);
}

function head(part: string, name: string, chars: number): string {
  const room = maxQualifiedChars - part.length - 2 - mark.length - chars;
  return `${part}__${sanitized(name).slice(0, room)}${mark}`;
}

/** What hosts make of other characters anyway; done here so that the names we know are the names they send. */
function sanitized(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, '_');
}

function shortHash(text: string): string {
  const number = createHash('sha256').update(text).digest().readUInt32BE(0);
  return number.toString(36).padStart(hashChars, '0').slice(-hashChars);
}

function hashOf(text: string, chars: number): string {
  const number = createHash('sha256').update(text).digest().readBigUInt64BE(0);
  return number.toString(36).padStart(chars, '0').slice(-chars);
}
