// What the processes of one instance cost. One read per process; a process that is gone counts nothing.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { linuxStat } from '../../base/process-identity.ts';
import { descendantsOf } from './process-tree.ts';

export type ProcessMemory = {
  /** Proportional share: pages used by several processes are counted once over all. Absent where the system has no such figure. */
  pssBytes: number | undefined;
  rssBytes: number;
  /** How many of the given processes were still there. */
  processes: number;
};

type Sample = { pss: number | undefined; rss: number };

const runFile = promisify(execFile);

export async function measureMemory(pids: readonly number[]): Promise<ProcessMemory> {
  const samples = process.platform === 'linux' ? await linuxSamples(pids) : await psSamples(pids);
  const hasAllPss = samples.length > 0 && samples.every((sample) => sample.pss !== undefined);
  return {
    pssBytes: hasAllPss ? samples.reduce((sum, sample) => sum + (sample.pss ?? 0), 0) : undefined,
    rssBytes: samples.reduce((sum, sample) => sum + sample.rss, 0),
    processes: samples.length,
  };
}

async function linuxSamples(pids: readonly number[]): Promise<Sample[]> {
  const samples = await Promise.all(pids.map(linuxSample));
  return samples.filter((sample) => sample !== undefined);
}

async function linuxSample(pid: number): Promise<Sample | undefined> {
  const rollup = await readOrEmpty(`/proc/${pid}/smaps_rollup`);
  const [pss, rss] = [kibibytes(rollup, 'Pss'), kibibytes(rollup, 'Rss')];
  if (pss !== undefined && rss !== undefined) return { pss, rss };
  // A process that changed its user or made itself undumpable shows only its size.
  const size = kibibytes(await readOrEmpty(`/proc/${pid}/status`), 'VmRSS');
  return size === undefined ? undefined : { pss: undefined, rss: size };
}

async function psSamples(pids: readonly number[]): Promise<Sample[]> {
  if (pids.length === 0 || process.platform === 'win32') return [];
  try {
    const { stdout } = await runFile('ps', ['-o', 'rss=', '-p', pids.join(',')]);
    const sizes = stdout.split('\n').map((line) => Number(line.trim()));
    return sizes.filter((size) => size > 0).map((size) => ({ pss: undefined, rss: size * 1024 }));
  } catch {
    return []; // ps exits 1 when none of them is left
  }
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return ''; // gone, or not ours to read
  }
}

function kibibytes(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
  return match ? Number(match[1]) * 1024 : undefined;
}

// What the processes of one copy do, for whoever has to tell a busy server from a hung one.
export type Activity = {
  /** By a signal. In a debugger (state t) somebody looks at it already. */
  isStopped: (pid: number) => boolean;
  /** Processor time of the whole tree, 10 ms each: `npx` sleeps while its server works. undefined: the system does not tell. */
  ticks: (pid: number) => number | undefined;
};

export const systemActivity: Activity = {
  isStopped: (pid) => linuxStat(pid)?.state === 'T',
  ticks: (pid) => {
    const own = linuxStat(pid)?.ticks;
    return own === undefined
      ? undefined
      : descendantsOf(pid).reduce((sum, child) => sum + (linuxStat(child.pid)?.ticks ?? 0), own);
  },
};
