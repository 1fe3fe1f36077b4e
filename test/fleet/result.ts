// What a run of the fleet found, as `bench/results/fleet.json` keeps it and docs/servers.md shows it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/build-defines.ts';
import { writeFileAtomic } from '../../src/base/atomic-file.ts';
import type { Sharing } from '../../src/link/control.ts';
import type { Difference } from './compare.ts';

export type DirectResult = {
  /** The server's own error in the place of the list. */
  tools: number | string;
  listMs: number;
  memoryMiB: number;
  processes: number;
  endsAtEof: boolean;
  left: string[];
  /** Two direct runs said the same. */
  isSteady: boolean;
};

export type ProxiedResult = {
  coldMs: number;
  warmMs: number;
  memoryMiB: number;
  sharing: Sharing;
  sharingReason: string;
  /** For two sessions in one project and one in another. */
  copies: number;
  differences: Difference[];
  afterKill: string;
  /** What one session left in the server, and whom it reached. */
  state?: string;
  left: string[];
};

export type FleetRow = {
  name: string;
  package: string;
  version: string;
  ranAt: string;
  right: Sharing;
  rightReason: string;
  /** Why there is no more: it could not be started here. */
  reason?: string;
  direct?: DirectResult;
  proxied?: ProxiedResult;
};

export type FleetResult = { node: string; cores: number; rows: FleetRow[] };

export const resultPath = join(root, 'bench', 'results', 'fleet.json');

export function readResult(): FleetResult | undefined {
  try {
    const found: FleetResult = JSON.parse(readFileSync(resultPath, 'utf8'));
    return found;
  } catch {
    return undefined; // never run
  }
}

/** Rows of servers that ran take the place of older ones; those that left the table go. */
export function writeResult(
  head: Omit<FleetResult, 'rows'>,
  rows: readonly FleetRow[],
  names: readonly string[],
): FleetResult {
  const known = new Map([...(readResult()?.rows ?? []), ...rows].map((row) => [row.name, row]));
  const result = { ...head, rows: names.flatMap((name) => known.get(name) ?? []) };
  // Two runs with other servers may go on at the same time.
  writeFileAtomic(resultPath, `${JSON.stringify(result, null, 1)}\n`, { mode: 0o644 });
  return result;
}

/** What nobody could explain, was left behind, or is shared wrongly. */
export function faultsOf({ right, proxied, reason }: FleetRow): string[] {
  if (reason !== undefined) return [];
  if (!proxied) return ['did not run through us'];
  const unexplained = proxied.differences.filter(({ why }) => why === undefined);
  return [
    ...unexplained.map(({ where, what }) => `${where}: ${what}`),
    ...proxied.left.map((command) => `left behind: ${command}`),
    ...(proxied.afterKill.startsWith('answered') ? [] : [`after kill -9: ${proxied.afterKill}`]),
    ...(proxied.sharing === right ? [] : [`shared by "${proxied.sharing}", right is "${right}"`]),
    ...(proxied.state?.startsWith('seen') ? [`state ${proxied.state}`] : []),
  ];
}
