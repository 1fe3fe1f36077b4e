import { knownServersTable } from './known-servers-table.ts';
import { launchNames } from './launch-names.ts';
import type { KnownServer } from './schema.ts';
import type { ServerEntry } from './server-entry.ts';

/** The row of a server that we or the person's own rows know, or undefined. Own rows come first. */
export function findKnownServer(
  entry: Pick<ServerEntry, 'command' | 'args'>,
  extra: readonly KnownServer[] = [],
): KnownServer | undefined {
  if (entry.command === undefined) return undefined;
  const { names, args } = launchNames(entry.command, entry.args);
  return [...extra, ...knownServersTable].find((row) => {
    const isNamed = row.names.some((pattern) => names.some((name) => matchesWildcard(pattern.toLowerCase(), name)));
    return isNamed && (row.arguments ?? []).every((wanted) => args.includes(wanted));
  });
}

/** Most calls that one copy gets at the same time; undefined: no limit. */
export function concurrencyOf(
  entry: Pick<ServerEntry, 'command' | 'args' | 'maxConcurrent'>,
  extra: readonly KnownServer[] = [],
): number | undefined {
  return entry.maxConcurrent ?? findKnownServer(entry, extra)?.maxConcurrent;
}

/** `*` stands for any text, also none; nothing else is special. */
export function matchesWildcard(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  const tail = rest.pop() ?? '';
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - tail.length >= at && text.endsWith(tail);
}
