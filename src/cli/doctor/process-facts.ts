// The processes of this person's home as the checks need them. Linux only; one pass over /proc for all checks.
import { statSync } from 'node:fs';
import { isRunning, linuxStat, type ProcessIdentity } from '../../base/process-identity.ts';
import { readSystemFile } from '../../base/system-file.ts';
import { type ProcessTable, type RunningProcess, readProcessTable } from '../../migrate/plan/process-table.ts';

export type ProcessFacts = {
  table: ProcessTable;
  byPid: ReadonlyMap<number, RunningProcess>;
  /** Daemons of ours, of whatever name and root. */
  daemons: ReadonlySet<number>;
  /** Value of AITKIT_INSTANCE in the environment of a process: which copy it belongs to. */
  markerOf: (pid: number) => string | undefined;
  isBelowDaemon: (process: RunningProcess) => boolean;
  /** It belongs to this user and to this home. */
  isOurs: (pid: number) => boolean;
};

export function readProcessFacts(home: string): ProcessFacts | undefined {
  const table = readProcessTable();
  if (!table) return undefined;
  const byPid = new Map(table.processes.map((entry) => [entry.pid, entry]));
  const daemons = new Set(table.processes.filter(isDaemon).map(({ pid }) => pid));
  return {
    table,
    byPid,
    daemons,
    markerOf: (pid) => variable(pid, 'AITKIT_INSTANCE'),
    isOurs: (pid) => ownerOf(pid) === process.getuid?.() && variable(pid, 'HOME') === home,
    isBelowDaemon: (running) => {
      const seen = new Set<number>();
      for (let at: RunningProcess | undefined = running; at && !seen.has(at.pid); at = byPid.get(at.ppid)) {
        if (daemons.has(at.pid)) return true;
        seen.add(at.pid);
      }
      return false;
    },
  };
}

/** SIGTERM, and after a pause SIGKILL, to exactly these processes. Resolves when all are gone; throws if one stays. */
export async function endProcesses(processes: readonly ProcessIdentity[]): Promise<void> {
  for (const [signal, patienceMs] of [['SIGTERM', termPatienceMs] as const, ['SIGKILL', termPatienceMs] as const]) {
    for (const one of processes.filter(isRunning)) process.kill(one.pid, signal);
    for (const until = Date.now() + patienceMs; Date.now() < until; ) {
      if (!processes.some(isRunning)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  if (processes.some(isRunning)) throw new Error('They do not end.');
}

/** Enough to write a file; the same as when the daemon ends a server. */
const termPatienceMs = 2_000;

export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTime = linuxStat(pid)?.startTime;
  return startTime === undefined ? undefined : { pid, startTime };
}

function isDaemon({ pid, argv }: RunningProcess): boolean {
  return argv.some((word) => /(?:^|\/)daemon\.cjs$/.test(word)) && variable(pid, 'AITKIT_DAEMON') === '1';
}

function variable(pid: number, name: string): string | undefined {
  const entries = readSystemFile(`/proc/${pid}/environ`).split('\0');
  return entries.find((text) => text.startsWith(`${name}=`))?.slice(name.length + 1);
}

function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return undefined; // gone
  }
}
