// What the processes of one copy do, for whoever has to tell a busy server from a hung one.
import { linuxStat } from '../base/process-identity.ts';
import { descendantsOf } from './process-tree.ts';

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
