// Who started a copy: the first process above it that is no shell between, or nobody any more.
import { basename } from 'node:path';
import type { RunningProcess } from '../../migrate/plan/process-table.ts';
import type { ProcessFacts } from './process-facts.ts';

export type Starter = {
  /** Absent: what adopts orphans stands there. */
  starter?: number;
  /** Shells that run nothing but this copy; topmost first. */
  shells: RunningProcess[];
};

export function findStarter([root]: readonly RunningProcess[], { table, byPid }: ProcessFacts): Starter {
  const shells: RunningProcess[] = [];
  let below = root;
  let parent = root && byPid.get(root.ppid);
  while (below && parent && parent.pid !== 1 && isScript(parent)) {
    // A shell that runs something else too is ended by whoever knows what that is.
    const { pid } = parent;
    if (table.processes.every((running) => running.ppid !== pid || running.pid === below?.pid)) shells.unshift(parent);
    below = parent;
    parent = byPid.get(parent.ppid);
  }
  if (!below || isInit(below.ppid, parent)) return { shells };
  return { starter: below.ppid, shells: [] };
}

/** A shell that was given its commands; one without is a person's. */
function isScript({ argv: [program = '', ...args] }: RunningProcess): boolean {
  return /^(?:sh|bash|dash|ash|zsh|ksh|fish)$/.test(basename(program)) && args.some((arg) => !/^-(?!c$)/.test(arg));
}

/** What adopts orphans: init and a user's service manager, but not a host that is process 1 of its container. */
function isInit(pid: number, parent: RunningProcess | undefined): boolean {
  const program = parent?.argv[0] ?? '';
  if (pid === 1) return !/\b(?:claude|codex|cursor|node|opencode|pi)$/.test(program);
  return /(?:^|\/)systemd$/.test(program) && parent?.argv.includes('--user') === true;
}
