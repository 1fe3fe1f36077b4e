// `<server>__<tool>` inside 64 characters with the host's prefix. Names are looked up, never split.
import { createHash } from 'node:crypto';

/** `mcp__plugin_mcp-proxy_s__` as Claude Code writes it before our names; its API is reported to refuse more than 64. */
export const hostPrefix = 'mcp__plugin_mcp-proxy_s__';
export const maxQualifiedChars = 64 - hostPrefix.length;

/** A longer server part would leave too little of the tool's name to tell tools apart. */
const maxSlugChars = 18;
const hashChars = 5;

/** The server's part of a name, from its slug: short enough to leave room for tools, the same on every machine. */
export function serverPart(slug: string): string {
  if (slug.length <= maxSlugChars) return slug;
  return `${slug.slice(0, maxSlugChars - hashChars - 1).replace(/-+$/, '')}-${shortHash(slug)}`;
}

/** Qualified names of one server's tools (or prompts) in their order. Unique and stable whatever other servers there are. */
export function qualifyNames(part: string, names: readonly string[]): string[] {
  const taken = new Set<string>();
  // Names that need no change go first, so that they never lose their name to one that does.
  const plain = new Set(names.filter((name) => name === sanitized(name) && fits(part, name)));
  const result = new Map<string, string>();
  for (const name of plain) {
    result.set(name, `${part}__${name}`);
    taken.add(`${part}__${name}`);
  }
  for (const name of [...names].sort()) {
    if (result.has(name)) continue;
    let qualified = qualifyName(part, name);
    for (let salt = 1; taken.has(qualified); salt += 1) qualified = shortened(part, name, `${name}\0${salt}`);
    result.set(name, qualified);
    taken.add(qualified);
  }
  return names.map((name) => result.get(name) ?? qualifyName(part, name));
}

/**
 * The qualified name of one tool, from its own name or from the form a host makes of it: a rule that only knows that form
 * gets the same name. Another tool of the server can only hold it if hosts cannot tell the two apart either.
 */
export function qualifyName(part: string, name: string): string {
  const plain = sanitized(name);
  return fits(part, plain) ? `${part}__${plain}` : shortened(part, plain, plain);
}

/** How many characters of a tool's name stand in its qualified name whatever follows them. */
export function keptChars(part: string): number {
  return maxQualifiedChars - part.length - 2 - hashChars - 1;
}

function fits(part: string, name: string): boolean {
  return part.length + 2 + name.length <= maxQualifiedChars;
}

function shortened(part: string, name: string, hashed: string): string {
  return `${part}__${sanitized(name).slice(0, keptChars(part))}_${shortHash(hashed)}`;
}

/** What hosts make of other characters anyway; done here so that the names we know are the names they send. */
function sanitized(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, '_');
}

function shortHash(text: string): string {
  const number = createHash('sha256').update(text).digest().readUInt32BE(0);
  return number.toString(36).padStart(hashChars, '0').slice(-hashChars);
}
