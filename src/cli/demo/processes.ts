// What the demo started or caused to start, so that nothing of it is left, whatever happens. Processes are known by
// pid and start time: a pid that was given to somebody else meanwhile is never signalled.
import { readdirSync } from 'node:fs';
import { isRunning, type ProcessIdentity, processStartTime } from '../../base/process-identity.ts';
import { readSystemFile } from '../../base/system-file.ts';

export type Started = {
  /** Remembers a process that runs now. */
  add: (pid: number) => void;
  count: () => number;
  running: () => ProcessIdentity[];
  /** SIGKILL, only to one that was added. */
  kill: (pid: number) => Promise<void>;
  /** Waits for all to be gone, ends what stays, and tells how many had to be ended. */
  end: (patienceMs: number) => Promise<number>;
};

const pollMs = 20;
/** SIGKILL takes effect at once; only a process stuck in the kernel takes longer, and then waiting is no use. */
const killPatienceMs = 2_000;

export function createStarted(): Started {
  const known = new Map<number, ProcessIdentity>();
  const running = () => [...known.values()].filter(isRunning);
  const waitUntil = async (isDone: () => boolean, patienceMs: number) => {
    for (const until = Date.now() + patienceMs; !isDone() && Date.now() < until; ) await delay(pollMs);
    return isDone();
  };
  const signal = (identity: ProcessIdentity) => {
    try {
      if (isRunning(identity)) process.kill(identity.pid, 'SIGKILL');
    } catch {
      // it ended between the two calls
    }
  };
  return {
    add: (pid) => {
      const startTime = processStartTime(pid);
      if (startTime !== undefined) known.set(pid, { pid, startTime });
    },
    count: () => known.size,
    running,
    kill: async (pid) => {
      const identity = known.get(pid);
      if (!identity) throw new Error(`process ${pid} is not one of the demo's`);
      signal(identity);
      if (!(await waitUntil(() => !isRunning(identity), killPatienceMs)))
        throw new Error(`process ${pid} does not end`);
    },
    end: async (patienceMs) => {
      await waitUntil(() => running().length === 0, patienceMs);
      const left = running();
      for (const identity of left) signal(identity);
      await waitUntil(() => running().length === 0, killPatienceMs);
      return left.length;
    },
  };
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Processes of this user with a variable that points into `folder`: everything the demo caused, even what it was not
 * told about. Linux only; elsewhere what was added is all that is known.
 */
export function findProcessesOf(folder: string): number[] {
  if (process.platform !== 'linux') return [];
  const belongs = (pid: number) => readSystemFile(`/proc/${pid}/environ`).includes(`=${folder}/`);
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => pid !== process.pid && belongs(pid));
}
