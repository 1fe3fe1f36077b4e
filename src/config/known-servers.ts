import { knownServersTable } from './known-servers-table.ts';
import { launchNames } from './launch-names.ts';
import type { KnownServer } from './schema.ts';
import type { ServerEntry } from './server-entry.ts';
import { matchesWildcard } from './wildcard.ts';

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
