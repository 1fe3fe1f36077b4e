// What each copy of a server costs, for a person: its processes, their memory, and for how long it has run.
import { basename } from 'node:path';
import { linuxStat } from '../../base/process-identity.ts';
import { readSystemFile } from '../../base/system-file.ts';
import type { RunningProcess } from '../../migrate/plan/process-table.ts';
import { formatBytes, formatDuration } from '../render/format.ts';
import type { ProcessFacts } from './process-facts.ts';

const shownCopies = 5;

export function describeCopies(copies: readonly (readonly RunningProcess[])[], facts: ProcessFacts): string {
  const sized = copies.map((copy) => ({ copy, bytes: bytesOf(copy, facts) }));
  // The dearest first: the rest is only counted.
  sized.sort((a, b) => (b.bytes ?? 0) - (a.bytes ?? 0));
  const shown = sized.slice(0, shownCopies).map(({ copy, bytes }) => describeCopy(copy, bytes));
  const total = sized.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
  const rest = copies.length - shownCopies;
  return rest > 0 ? `${shown.join('; ')}; ${rest} more (${formatBytes(total)} in all)` : shown.join('; ');
}

function describeCopy(copy: readonly RunningProcess[], bytes: number | undefined): string {
  const root = copy.find(({ ppid }) => copy.every(({ pid }) => pid !== ppid));
  if (!root) return '';
  const others = copy.filter(({ pid }) => pid !== root.pid);
  const ageMs = ageOf(root.pid);
  const costs = [
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
    ...(ageMs === undefined ? [] : [`for ${formatDuration(ageMs)}`]),
  ];
  const below = others.length === 0 ? '' : ` with ${others.map(({ pid }) => pid).join(', ')}`;
  return `process ${root.pid} ${basename(root.argv[0] ?? '')}${below}${costs.length > 0 ? ` (${costs.join(', ')})` : ''}`;
}

function bytesOf(copy: readonly RunningProcess[], { table }: ProcessFacts): number | undefined {
  const known = copy.map(({ pid }) => table.pssBytes(pid)).filter((size) => size !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, size) => sum + size, 0);
}

/** The kernel tells user space times in hundredths of a second, whatever it counts in itself. */
const ticksPerSecond = 100;

function ageOf(pid: number): number | undefined {
  const startTicks = Number(linuxStat(pid)?.startTime);
  const uptime = readSystemFile('/proc/uptime');
  if (uptime === '') return undefined; // not Linux
  const ageMs = (Number(uptime.split(' ')[0]) - startTicks / ticksPerSecond) * 1_000;
  return Number.isFinite(ageMs) ? ageMs : undefined;
}
