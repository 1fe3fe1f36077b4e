// Memory of processes by pid, the same way for both sides of the comparison.
import { execFileSync } from 'node:child_process';
import { readSystemFile } from '../../base/system-file.ts';

/** `kind` is what all of them could be measured in: PSS counts shared pages once, RSS in every process. */
export type Measured = { bytes: number; kind: 'pss' | 'rss' };

export function measure(groups: readonly (readonly number[])[]): { kind: Measured['kind']; bytes: number[] } {
  const pss = groups.map((pids) => pids.map((pid) => proportional(pid)));
  if (pss.flat().every((bytes) => bytes !== undefined)) {
    return { kind: 'pss', bytes: pss.map((group) => group.reduce((sum: number, bytes) => sum + (bytes ?? 0), 0)) };
  }
  return { kind: 'rss', bytes: groups.map((pids) => pids.reduce((sum, pid) => sum + resident(pid), 0)) };
}

function proportional(pid: number): number | undefined {
  const kib = /^Pss:\s+(\d+) kB$/m.exec(readSystemFile(`/proc/${pid}/smaps_rollup`))?.[1];
  return kib === undefined ? undefined : Number(kib) * 1_024;
}

function resident(pid: number): number {
  try {
    const out = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
    return Number(out.trim()) * 1_024;
  } catch {
    return 0; // gone
  }
}
