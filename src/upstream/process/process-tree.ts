// Finds and ends everything that one started server left running: its group, its descendants, and what double-forked
// away but still carries our marker in its environment. Nothing is signalled that was not verified just before.
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode } from '../../base/errors.ts';
import { isRunning, isZombie, linuxStat, type ProcessIdentity } from '../../base/process-identity.ts';
import { readSystemFile } from '../../base/system-file.ts';

/** `startTime` is the kernel's, as in base/process-identity. */
export type ProcessEntry = ProcessIdentity & {
  ppid: number;
  pgid: number;
  sid: number;
  state: string;
  threads: number;
};

export type TreeRoot = ProcessIdentity & {
  /** The group the root leads. A server is always started as leader of its own group, so this is its pid. */
  pgid: number;
  /** `NAME=value` as it stands in the environment of everything the root started. */
  marker?: string;
  /** Members seen earlier, which may have lost their parent since. */
  known?: readonly ProcessIdentity[];
};

export type EndTimes = { inputMs: number; termMs: number; killMs: number };

/**
 * Two seconds each, as the stdio part of the protocol's SDKs does it: long enough to write a file, short enough for a
 * person who waits. After `killMs` only a process stuck in the kernel is left, and waiting longer would not help.
 */
export const defaultEndTimes: EndTimes = { inputMs: 2_000, termMs: 2_000, killMs: 2_000 };

export type EndResult = { isGone: boolean; lastSignal: 'SIGTERM' | 'SIGKILL' | undefined };

/** All processes visible now, zombies included. One pass over /proc, or one `ps`. */
export function listProcesses(): ProcessEntry[] {
  if (process.platform === 'linux') return linuxProcesses();
  if (process.platform === 'win32') return []; // taskkill knows the tree there, see signalTree
  return psProcesses();
}

export function descendantsOf(pid: number, processes: readonly ProcessEntry[] = listProcesses()): ProcessEntry[] {
  const childrenOf = new Map<number, ProcessEntry[]>();
  for (const entry of processes) {
    const siblings = childrenOf.get(entry.ppid);
    if (siblings) siblings.push(entry);
    else childrenOf.set(entry.ppid, [entry]);
  }
  const found: ProcessEntry[] = [];
  const seen = new Set([pid]);
  for (let queue = [pid]; queue.length > 0; ) {
    const children = queue.flatMap((parent) => childrenOf.get(parent) ?? []).filter((entry) => !seen.has(entry.pid));
    for (const child of children) seen.add(child.pid);
    found.push(...children);
    queue = children.map((child) => child.pid);
  }
  return found;
}

/**
 * The living members of the tree, root first, without zombies. A group whose leader is gone counts only if
 * `isGroupOurs` says so: its number may lead a stranger's group by now.
 */
export function treeOf(
  root: TreeRoot,
  { processes = listProcesses(), isGroupOurs = false }: { processes?: ProcessEntry[]; isGroupOurs?: boolean } = {},
): ProcessEntry[] {
  const byPid = new Map(processes.map((entry) => [entry.pid, entry]));
  const leader = byPid.get(root.pid);
  const isLeaderOurs = leader?.startTime === root.startTime;
  const known = new Set((root.known ?? []).map(identityKey));
  const seeds = processes.filter(
    (entry) =>
      (entry.pid === root.pid && isLeaderOurs) ||
      (entry.pgid === root.pgid && (isLeaderOurs || (isGroupOurs && !leader)) && leadsNoOther(root)) ||
      known.has(identityKey(entry)) ||
      (root.marker !== undefined && mayBeYounger(entry, root) && hasMarker(entry.pid, root.marker)),
  );
  const members = new Map<number, ProcessEntry>();
  for (const seed of seeds) {
    members.set(seed.pid, seed);
    for (const entry of descendantsOf(seed.pid, processes)) members.set(entry.pid, entry);
  }
  return [...members.values()].filter((entry) => !isZombie(entry) && isTarget(entry));
}

/** Signals each member that still is the process it was; returns how many were reached. */
export function signalTree(root: TreeRoot, members: readonly ProcessEntry[], signal: 'SIGTERM' | 'SIGKILL'): number {
  if (process.platform === 'win32') return endWindowsTree(root, signal);
  const living = members.filter((member) => isTarget(member) && isRunning(member));
  const inGroup = living.filter((member) => member.pgid === root.pgid && leadsNoOther(root));
  // The group at once where it is proven ours by a living member: a process forked this instant is not missed.
  const wasGroupReached = inGroup.length > 0 && kill(-root.pgid, signal);
  let reached = 0;
  for (const member of living) {
    if (wasGroupReached && inGroup.includes(member)) reached += 1;
    else if (kill(member.pid, signal)) reached += 1;
  }
  return reached;
}

export type EndOptions = { times?: EndTimes; closeInput?: () => void; list?: () => ProcessEntry[] };

/** Ends the tree step by step: end of input, SIGTERM, SIGKILL. Resolves when all are gone or the last step ran out. */
export async function endTree(
  root: TreeRoot,
  { times = defaultEndTimes, closeInput, list = listProcesses }: EndOptions = {},
): Promise<EndResult> {
  const known = new Map((root.known ?? []).map((identity) => [identityKey(identity), identity]));
  const look = () => {
    const members = treeOf({ ...root, known: [...known.values()] }, { processes: list() });
    for (const member of members) known.set(identityKey(member), member);
    return members;
  };
  // Before anything dies: a child that drops its environment is found by its parent only while that one lives.
  look();
  // While the root lives, one file tells so; the scan of all processes is for its remains.
  const isGone = () => !isRunning(root) && look().length === 0;
  if (closeInput) {
    closeInput();
    if (await until(isGone, times.inputMs)) return { isGone: true, lastSignal: undefined };
  }
  if (await until(isGone, 0)) return { isGone: true, lastSignal: undefined };
  signalTree(root, look(), 'SIGTERM');
  if (await until(isGone, times.termMs)) return { isGone: true, lastSignal: 'SIGTERM' };
  const killAgain = () => {
    // Again at each look: what was forked between scan and signal must not survive.
    signalTree(root, look(), 'SIGKILL');
    return isGone();
  };
  return { isGone: await until(killAgain, times.killMs), lastSignal: 'SIGKILL' };
}

/** Whether the environment that `pid` was started with holds `marker`. False where the system does not tell. */
export function hasMarker(pid: number, marker: string): boolean {
  if (process.platform !== 'linux') return false;
  try {
    // Root reads everybody's; a process of another user is never ours.
    if (statSync(`/proc/${pid}`).uid !== process.getuid?.()) return false;
    return `\0${readSystemFile(`/proc/${pid}/environ`)}`.includes(`\0${marker}\0`);
  } catch {
    return false; // gone, or not ours to read
  }
}

/** Longer than one look takes. */
const settleMs = 10;

async function until(check: () => boolean, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  // Most servers end within a few ms of their input; a slow one is asked at most twenty times a second.
  for (let stepMs = 5; ; stepMs = Math.min(50, stepMs * 2)) {
    if (check()) {
      // A look at all processes takes a while: what was forked in it by one that ended in it was not seen.
      await delay(settleMs);
      if (check()) return true;
    }
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return false;
    await delay(Math.min(stepMs, leftMs));
  }
}

function kill(target: number, signal: 'SIGTERM' | 'SIGKILL'): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    // Gone since the look, or changed its user: both are no longer ours to end.
    if (systemCode(error) === 'ESRCH' || systemCode(error) === 'EPERM') return false;
    throw error;
  }
}

/** Never init, ourselves, or our own group. */
function isTarget(entry: { pid: number; pgid?: number }): boolean {
  return Number.isInteger(entry.pid) && entry.pid > 1 && entry.pid !== process.pid;
}

function leadsNoOther(root: TreeRoot): boolean {
  return Number.isInteger(root.pgid) && root.pgid > 1 && root.pgid === root.pid && root.pgid !== ownGroup();
}

function ownGroup(): number {
  if (process.platform === 'linux') return linuxStat(process.pid)?.pgid ?? process.pid;
  return psProcesses(['-p', String(process.pid)])[0]?.pgid ?? process.pid;
}

function identityKey({ pid, startTime }: ProcessIdentity): string {
  return `${pid} ${startTime}`;
}

/** Linux counts ticks since boot, so what the root started cannot be older: saves reading most environments. */
function mayBeYounger(entry: ProcessEntry, root: TreeRoot): boolean {
  return process.platform !== 'linux' || Number(entry.startTime) >= Number(root.startTime);
}

function linuxProcesses(): ProcessEntry[] {
  const found: ProcessEntry[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? linuxStat(pid) : undefined;
    if (stat) found.push(stat);
  }
  return found;
}

function psProcesses(which: readonly string[] = ['-ax']): ProcessEntry[] {
  const columns = ['-o', 'pid=', '-o', 'ppid=', '-o', 'pgid=', '-o', 'stat=', '-o', 'lstart='];
  let text: string;
  try {
    text = execFileSync('ps', [...which, ...columns], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return []; // ps exits 1 when it found nothing
  }
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line);
    if (!match) return [];
    const [, pid, ppid, pgid, state = '', startTime = ''] = match;
    // The session is not asked for: macOS prints an address instead of a number. Nor are threads, which it does not count.
    const unknown = { sid: 0, threads: 1 };
    return [
      { pid: Number(pid), ppid: Number(ppid), pgid: Number(pgid), state: state.slice(0, 1), startTime, ...unknown },
    ];
  });
}

/** Not run on Windows yet. There is no polite signal for a console program there, so both steps end the tree. */
function endWindowsTree(root: TreeRoot, signal: 'SIGTERM' | 'SIGKILL'): number {
  if (!isRunning(root)) return 0;
  const force = signal === 'SIGKILL' ? ['/f'] : [];
  try {
    execFileSync('taskkill', ['/pid', String(root.pid), '/t', ...force], { stdio: 'ignore', windowsHide: true });
    return 1;
  } catch {
    return 0; // already gone, or the polite form was refused: the next step forces it
  }
}
