// Processes that nobody uses: copies whose daemon is gone, and copies that single sessions started for themselves.
import type { RunningProcess } from '../../migrate/process-table.ts';
import { findCopyTrees } from '../../migrate/running-copies.ts';
import { formatBytes, plural } from '../render/format.ts';
import type { Check, CheckFinding, DoctorFacts } from './check.ts';
import { endProcesses, identityOf, type ProcessFacts } from './process-facts.ts';

export const leftovers: Check = {
  name: 'leftovers',
  title: 'Orphans, and copies outside of the daemon',
  run: (facts) => {
    if (!facts.processes) return [];
    const orphans = orphansOf(facts.processes);
    return [...orphanFinding(orphans, facts.processes), ...copies(facts, facts.processes, orphans)];
  },
};

/** Marked as a daemon's, with no daemon above them or above another process of the same copy. */
function orphansOf(facts: ProcessFacts): RunningProcess[] {
  const marked = facts.table.processes.flatMap((running) => {
    const marker = facts.markerOf(running.pid);
    return marker !== undefined && facts.isOurs(running.pid) ? [{ running, marker }] : [];
  });
  const alive = new Set(marked.filter(({ running }) => facts.isBelowDaemon(running)).map(({ marker }) => marker));
  return marked.filter(({ marker }) => !alive.has(marker)).map(({ running }) => running);
}

function orphanFinding(orphans: readonly RunningProcess[], facts: ProcessFacts): CheckFinding[] {
  if (orphans.length === 0) return [];
  return [
    {
      severity: 'warning',
      what: `${plural(orphans.length, 'process', 'processes')} of a daemon that is gone still ${orphans.length === 1 ? 'runs' : 'run'}${cost(orphans, facts)}: ${listed(orphans)}.`,
      fix: endFix(orphans, 'The next daemon ends them.'),
    },
  ];
}

function copies({ config }: DoctorFacts, facts: ProcessFacts, orphans: readonly RunningProcess[]): CheckFinding[] {
  if (!config.ok) return [];
  const known = new Set(orphans.map(({ pid }) => pid));
  const outside = facts.table.processes.filter(
    (running) => !known.has(running.pid) && facts.isOurs(running.pid) && !facts.isBelowDaemon(running),
  );
  return config.config.servers.flatMap(({ name, command, args }): CheckFinding[] => {
    if (command === undefined) return [];
    const trees = findCopyTrees({ ...facts.table, processes: outside }, { command, args: [...args] });
    const isLost = ([root]: RunningProcess[]) => root !== undefined && isInit(root.ppid, facts);
    const lost = trees.filter(isLost).flat();
    const own = trees.filter((tree) => !isLost(tree));
    const found: CheckFinding[] = [];
    if (lost.length > 0) {
      const what = `${plural(lost.length, 'process', 'processes')} of ${name} outlived the session that started ${lost.length === 1 ? 'it' : 'them'}${cost(lost, facts)}: ${listed(lost)}.`;
      found.push({ severity: 'warning', what, fix: endFix(lost, 'Nobody reads what they write.') });
    }
    if (own.length > 0) {
      const processes = own.flat();
      const hosts = [...new Set(own.map(([root]) => root?.ppid))].join(', ');
      const what = `${plural(own.length, 'copy', 'copies')} of ${name} run beside the shared one${cost(processes, facts)}, started by process ${hosts}: a session from before the move, or a second entry.`;
      found.push({
        severity: 'note',
        what,
        fix: { say: 'Close those sessions and open them again; see "duplicates".' },
      });
    }
    return found;
  });
}

/** What adopts orphans: init and a user's service manager, but not a host that is process 1 of its container. */
function isInit(pid: number, { table }: ProcessFacts): boolean {
  const parent = table.processes.find((running) => running.pid === pid);
  if (pid === 1) return !/\b(?:claude|codex|cursor|node|opencode|pi)$/.test(parent?.argv[0] ?? '');
  return parent !== undefined && /(?:^|\/)systemd$/.test(parent.argv[0] ?? '') && parent.argv.includes('--user');
}

function endFix(processes: readonly RunningProcess[], also: string) {
  // Named now: what has the number later is somebody else's.
  const identities = processes.map(({ pid }) => identityOf(pid)).filter((one) => one !== undefined);
  return {
    say: `${also} Now: kill ${processes.map(({ pid }) => pid).join(' ')}`,
    apply: () => endProcesses(identities),
  };
}

function cost(processes: readonly RunningProcess[], { table }: ProcessFacts): string {
  const sizes = processes.map(({ pid }) => table.pssBytes(pid));
  const known = sizes.filter((size) => size !== undefined);
  return known.length === 0 ? '' : ` (${formatBytes(known.reduce((sum, size) => sum + size, 0))})`;
}

function listed(processes: readonly RunningProcess[]): string {
  const shown = processes.slice(0, 5).map(({ pid, argv }) => `${pid} ${argv[0] ?? ''}`);
  return `${shown.join(', ')}${processes.length > 5 ? ', …' : ''}`;
}
