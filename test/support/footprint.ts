// What one process and its descendants hold: descriptors, processes, memory.
import { readdirSync, readFileSync } from 'node:fs';
import { descendantsOf } from '../../src/upstream/process/process-tree.ts';

export type Footprint = {
  fds: number;
  processes: number;
  pssBytes: number;
  /** What is its own: the rest of PSS changes with how many other programs share its pages. */
  ownBytes: number;
};

export function footprint(pid: number): Footprint {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? Number.NaN) * 1_024;
  return {
    fds: readdirSync(`/proc/${pid}/fd`).length,
    processes: descendantsOf(pid).length + 1,
    pssBytes: bytes('Pss'),
    ownBytes: bytes('Pss_Anon'),
  };
}
