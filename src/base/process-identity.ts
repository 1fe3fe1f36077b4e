// A process is named by its pid and its start time: pids are reused, and a stranger must never be signalled.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export type ProcessIdentity = { pid: number; startTime: string };

/** The kernel's start time as opaque text, or undefined if there is no such process (or no way to ask). */
export function processStartTime(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  if (process.platform === 'linux') return linuxStat(pid)?.startTime;
  if (process.platform === 'win32') return undefined; // not run there yet: liveness alone decides
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined; // ps exits 1 when the process is gone
  }
}

/**
 * Whether exactly that process still runs. A zombie does not, once all its threads are gone: before that, which takes
 * up to some hundred milliseconds after SIGKILL, its sockets are open and accept connections that nobody will answer.
 */
export function isRunning({ pid, startTime }: { pid: number; startTime?: string | undefined }): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  if (process.platform === 'linux') {
    const stat = linuxStat(pid);
    return stat !== undefined && !isZombie(stat) && (startTime === undefined || stat.startTime === startTime);
  }
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  return startTime === undefined || processStartTime(pid) === startTime;
}

/** What has ended and only waits for its parent to ask how. With threads left it still has its files and sockets. */
export function isZombie({ state, threads }: Pick<LinuxStat, 'state' | 'threads'>): boolean {
  return state === 'Z' && threads <= 1;
}

export type LinuxStat = {
  pid: number;
  state: string;
  ppid: number;
  pgid: number;
  sid: number;
  /** Processor time, 10 ms each: its own, and of children that ended. */
  ticks: number;
  threads: number;
  startTime: string;
};

/** Fields of /proc/<pid>/stat; the command name may hold spaces and brackets, so the last bracket counts. */
export function linuxStat(pid: number): LinuxStat | undefined {
  let text: string;
  try {
    // UTF-8, because Node reads that into its stack; any other way takes 64 KiB from the heap for each file of /proc.
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // gone
  }
  const [state = '', ppid, pgid, sid, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    state,
    ppid: Number(ppid),
    pgid: Number(pgid),
    sid: Number(sid),
    ticks: rest.slice(7, 11).reduce((sum, part) => sum + Number(part), 0),
    threads: Number(rest[13]),
    startTime: rest[15] ?? '',
  };
}
