// Who uses one copy of a server, and why, in words for people.
import type { Sharing } from '../link/control.ts';
import { findKnownServer } from './known-servers.ts';
import { quote } from './problems.ts';
import type { KnownServer } from './schema.ts';
import { launchTemplates, type ServerEntry } from './server-entry.ts';
import { folderChoiceOf, folderNames, refersTo } from './template.ts';

export type SharingDecision = { sharing: Sharing; reason: string };

/**
 * What the entry says decides; then what it mentions; then what is known of the server; then the careful side. A known
 * browser stays with its session even if it mentions the project: of two reasons the narrower holds.
 */
export function decideSharing(entry: ServerEntry, extraKnown: readonly KnownServer[] = []): SharingDecision {
  if (entry.sharing !== 'auto') return { sharing: entry.sharing, reason: `The configuration says "${entry.sharing}".` };
  const templates = launchTemplates(entry);
  if (refersTo(templates, 'SESSION_ID')) return { sharing: 'session', reason: 'It mentions ${SESSION_ID}.' };
  const known = findKnownServer(entry, extraKnown);
  if (known?.sharing === 'session') return { sharing: 'session', reason: known.reason };
  const place = folderNames.find((name) => refersTo(templates, name));
  if (place) return { sharing: 'project', reason: `It mentions \${${place}}.` };
  const choice = folderChoiceOf(entry.cwd);
  if (choice && entry.command !== undefined) {
    return { sharing: 'project', reason: `It starts in the folder of its ${choice}.` };
  }
  const relative = [entry.command ?? '', ...entry.args, entry.cwd ?? ''].find(isRelativePath);
  if (relative !== undefined && entry.command !== undefined) {
    return { sharing: 'project', reason: `${quote(relative)} is a path that counts from the session's folder.` };
  }
  if (known) return { sharing: known.sharing, reason: known.reason };
  return entry.command === undefined
    ? { sharing: 'shared', reason: 'It runs elsewhere and keeps each session apart itself.' }
    : { sharing: 'project', reason: 'It is not known to be safe to share between projects.' };
}

const fileEnding = /\.(?:[cm]?[jt]sx?|py|sh|rb|pl|lua|jar|exe|json[c5]?|ya?ml|toml|ini|env|db|sqlite3?|csv|txt|md)$/i;

/** `./x`, `..`, `--file=./x`, `build/index.js`; not `@scope/package`, `org/image`, a URL or a version. */
export function isRelativePath(word: string): boolean {
  const text = word.replace(/^--?[\w-]+=/, '');
  if (/^\.{1,2}(?:[/\\]|$)/.test(text)) return true;
  if (/^(?:[/\\~@$-]|[A-Za-z]:)|:\/\/|\s/.test(text)) return false;
  return fileEnding.test(text);
}
