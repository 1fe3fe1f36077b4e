// What runs on this machine, read from /proc. Elsewhere there is no table and the plan says that nothing was measured.
import { readdirSync } from 'node:fs';
import { linuxStat } from '../../base/process-identity.ts';
import { readSystemFile } from '../../base/system-file.ts';

export type RunningProcess = { pid: number; ppid: number; argv: string[] };

export type ProcessTable = {
  processes: RunningProcess[];
  pssBytes: (pid: number) => number | undefined;
  variableNames: (pid: number) => string[];
};

export function readProcessTable(): ProcessTable | undefined {
  if (process.platform !== 'linux') return undefined;
  const processes: RunningProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const stat = linuxStat(pid);
    const command = readSystemFile(`/proc/${pid}/cmdline`);
    if (stat && command !== '') processes.push({ pid, ppid: stat.ppid, argv: command.replace(/\0$/, '').split('\0') });
  }
  return { processes, pssBytes, variableNames };
}

function pssBytes(pid: number): number | undefined {
  const match = /^Pss:\s+(\d+) kB$/m.exec(readSystemFile(`/proc/${pid}/smaps_rollup`));
  return match ? Number(match[1]) * 1024 : undefined;
}

function variableNames(pid: number): string[] {
  return readSystemFile(`/proc/${pid}/environ`)
    .split('\0')
    .map((entry) => entry.slice(0, Math.max(0, entry.indexOf('='))))
    .filter((name) => name !== '');
}
