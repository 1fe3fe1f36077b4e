// Processes that nobody uses: copies whose daemon is gone, and copies that single sessions started for themselves.

import { basename } from 'node:path';
import { launchPattern } from '../../migrate/plan/launch-match.ts';
import type { RunningProcess } from '../../migrate/plan/process-table.ts';
import { findCopyTrees } from '../../migrate/plan/running-copies.ts';
import type { LaunchEntry } from '../../migrate/programs/declared.ts';
import { plural } from '../render/format.ts';
import type { Check, CheckFinding, DoctorFacts } from './check.ts';
import { describeCopies } from './copy-costs.ts';
import { endProcesses, identityOf, type ProcessFacts } from './process-facts.ts';

export const leftovers: Check = {
  name: 'leftovers',
  title: 'Orphans, and copies outside of the daemon',
  run: (facts) => leftoverFindings(facts),
};

type Seen = Pick<DoctorFacts, 'config' | 'sources' | 'processes'>;

export function leftoverFindings({ config, sources, processes }: Seen): CheckFinding[] {
  if (!processes) return [];
  const orphans = orphansOf(processes);
  const known = new Set([...orphans.values()].flat(2).map(({ pid }) => pid));
  return [...orphanFindings(orphans, processes), ...copies(launchesOf({ config, sources }), processes, known)];
}

/** By server the copies that are marked as a daemon's, with no daemon above them or above another process of the copy. */
function orphansOf(facts: ProcessFacts): Map<string, RunningProcess[][]> {
  const byMarker = new Map<string, RunningProcess[]>();
  for (const running of facts.table.processes) {
    const marker = facts.markerOf(running.pid);
    if (marker === undefined || !facts.isOurs(running.pid)) continue;
    byMarker.set(marker, [...(byMarker.get(marker) ?? []), running]);
  }
  const byServer = new Map<string, RunningProcess[][]>();
  for (const [marker, processes] of byMarker) {
    if (processes.some(facts.isBelowDaemon)) continue;
    // `<server>-<number>-<tag of the run folder>-<random>`
    const server = marker.replace(/-\d+(?:-[0-9a-f]{12})?-[0-9a-f]{16}$/, '');
    byServer.set(server, [...(byServer.get(server) ?? []), processes]);
  }
  return byServer;
}

function orphanFindings(orphans: ReadonlyMap<string, RunningProcess[][]>, facts: ProcessFacts): CheckFinding[] {
  return [...orphans].map(([server, found]) => ({
    severity: 'warning',
    what: `${plural(found.length, 'copy', 'copies')} of ${server} outlived the daemon: ${describeCopies(found, facts)}.`,
    fix: endFix(found.flat(), 'The next daemon ends them.'),
  }));
}

type Launch = { name: string; entry: LaunchEntry; isShared: boolean };

/** What the daemon has, and what clients declare for themselves: their sessions can leave copies behind too. */
function launchesOf({ config, sources }: Pick<Seen, 'config' | 'sources'>): Launch[] {
  const shared = config.ok ? config.config.servers : [];
  return [
    ...shared.flatMap(({ name, command, args }): Launch[] =>
      command === undefined ? [] : [{ name, entry: { command, args: [...args] }, isShared: true }],
    ),
    ...sources.servers.flatMap(({ place, entry, invalid }): Launch[] =>
      entry.command === undefined || invalid !== undefined ? [] : [{ name: place.name, entry, isShared: false }],
    ),
  ];
}

function copies(launches: readonly Launch[], facts: ProcessFacts, orphans: ReadonlySet<number>): CheckFinding[] {
  const rivals = launches.map(({ entry }) => launchPattern(entry));
  const counted = new Set<number>();
  const processes = facts.table.processes.filter(
    (running) => !orphans.has(running.pid) && facts.isOurs(running.pid) && !facts.isBelowDaemon(running),
  );
  return launches.flatMap(({ name, entry, isShared }): CheckFinding[] => {
    // Two entries may say the same.
    const trees = findCopyTrees({ processes }, entry, rivals).filter(([root]) => root && !counted.has(root.pid));
    for (const { pid } of trees.flat()) counted.add(pid);
    const started = trees.map((tree) => ({ tree, ...findStarter(tree, facts) }));
    const lost = started.filter(({ starter }) => starter === undefined).map(({ shells, tree }) => [...shells, ...tree]);
    const own = started.flatMap(({ starter, tree }) => (starter === undefined ? [] : [{ starter, tree }]));
    return [
      ...(lost.length > 0 ? [lostFinding(name, lost, facts)] : []),
      // Of a server that was not moved, each session has its own: that is what was asked for.
      ...(own.length > 0 && isShared ? [ownFinding(name, own, facts)] : []),
    ];
  });
}

function lostFinding(name: string, lost: readonly RunningProcess[][], facts: ProcessFacts): CheckFinding {
  return {
    severity: 'warning',
    what: `${plural(lost.length, 'copy', 'copies')} of ${name} outlived the session that started ${lost.length === 1 ? 'it' : 'them'}: ${describeCopies(lost, facts)}.`,
    fix: endFix(lost.flat(), 'Nobody reads what they write.'),
  };
}

type Started = { starter: number; tree: RunningProcess[] };

function ownFinding(name: string, own: readonly Started[], facts: ProcessFacts): CheckFinding {
  const hosts = [...new Set(own.map(({ starter }) => starter))].join(', ');
  const trees = own.map(({ tree }) => tree);
  return {
    severity: 'note',
    what: `${plural(own.length, 'copy', 'copies')} of ${name} run beside the shared one, started by process ${hosts} (a session from before the move, or a second entry): ${describeCopies(trees, facts)}.`,
    fix: { say: 'Close those sessions and open them again; see "duplicates".' },
  };
}

function endFix(processes: readonly RunningProcess[], also: string) {
  // Named now: what has the number later is somebody else's.
  const identities = processes.map(({ pid }) => identityOf(pid)).filter((one) => one !== undefined);
  return {
    say: `${also} Now: kill ${processes.map(({ pid }) => pid).join(' ')}`,
    apply: () => endProcesses(identities),
  };
}

// Who started a copy: the first process above it that is no shell between, or nobody any more.
type Starter = {
  /** Absent: what adopts orphans stands there. */
  starter?: number;
  /** Shells that run nothing but this copy; topmost first. */
  shells: RunningProcess[];
};

function findStarter([root]: readonly RunningProcess[], { table, byPid }: ProcessFacts): Starter {
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
