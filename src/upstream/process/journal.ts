// The processes this daemon started, on disk, so that the next daemon can end what a killed one left behind.
// What the file says is a claim: a process is ended only if the system confirms that it is the one meant.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { removeIfPresent, writeFileAtomic } from '../../base/atomic-file.ts';
import { readForeignText } from '../../base/foreign-file.ts';
import { isRunning, type ProcessIdentity } from '../../base/process-identity.ts';
import { readSystemFile } from '../../base/system-file.ts';
import { ownScope } from '../../link/scope.ts';
import { type EndTimes, endTree, hasMarker, type TreeRoot, treeOf } from './process-tree.ts';

export type JournalEntry = ProcessIdentity & {
  pgid: number;
  /** `NAME=value` in the environment of all its descendants; random, so nobody else carries it. */
  marker: string;
  /** Of the running command line: `npx` and scripts replace theirs after the start, so it is taken again on `refresh`. */
  commandHash: string;
  /** Name of the server, for the log. */
  server: string;
  /** Seen below it, and without its marker: at its death nothing else tells whose they are. */
  strays: readonly Stray[];
};

export type Stray = ProcessIdentity & { commandHash: string };

export type Journal = {
  add: (entry: Omit<JournalEntry, 'commandHash' | 'strays'>) => void;
  /** Takes the command line again, once the server has answered. */
  refresh: (pid: number) => void;
  /** What lives below it now. */
  noteTree: (pid: number, members: readonly ProcessIdentity[]) => void;
  remove: (pid: number) => void;
  /** Somebody deleted the file. */
  restore: () => void;
  entries: () => JournalEntry[];
};

export type Reaped = { server: string; pid: number; processes: number; isGone: boolean };

/** Hundreds of servers fit; whatever is larger was not written by us. */
const maxJournalBytes = 1024 * 1024;
/** Of one server: what forks without end must not make the file one that is not believed. */
const maxStrays = 32;

/**
 * Starts an empty journal at `path`. What a predecessor wrote there must be reaped before: see reapJournal. Never throws:
 * a full disk costs the successor's knowledge, not a running server.
 */
export function createJournal(path: string, onError: (error: unknown) => void = () => {}): Journal {
  const children = new Map<number, JournalEntry>();
  const boot = bootId();
  const write = () => {
    try {
      writeFileAtomic(path, `${JSON.stringify({ boot, children: [...children.values()] })}\n`);
    } catch (error) {
      onError(error);
    }
  };
  write();
  return {
    add: (entry) => {
      children.set(entry.pid, { ...entry, commandHash: commandHash(entry.pid), strays: [] });
      write();
    },
    refresh: (pid) => {
      const entry = children.get(pid);
      const hash = commandHash(pid);
      if (!entry || hash === '' || hash === entry.commandHash) return;
      children.set(pid, { ...entry, commandHash: hash });
      write();
    },
    noteTree: (pid, members) => {
      const entry = children.get(pid);
      if (!entry) return;
      const unmarked = members.filter((member) => member.pid !== pid && !hasMarker(member.pid, entry.marker));
      // Those that are known stay as they are: a program may change its command line at any time.
      const known = new Map(entry.strays.map((stray) => [identityKey(stray), stray]));
      const strays = unmarked
        .slice(0, maxStrays)
        .map((one) => known.get(identityKey(one)) ?? { ...identityOf(one), commandHash: commandHash(one.pid) });
      if (strays.map(identityKey).join() === entry.strays.map(identityKey).join()) return;
      children.set(pid, { ...entry, strays });
      write();
    },
    remove: (pid) => {
      if (children.delete(pid)) write();
    },
    restore: () => {
      if (children.size > 0 && !existsSync(path)) write();
    },
    entries: () => [...children.values()],
  };
}

/** Ends what the predecessor's journal names and the system confirms, all trees at once, then removes the file. */
export async function reapJournal(path: string, times?: EndTimes): Promise<Reaped[]> {
  const entries = readJournal(path);
  const reaped = await Promise.all(entries.map((entry) => reap(entry, times)));
  // A planted link goes, not its target. A folder stays: servers run without a journal.
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) removeIfPresent(path);
  return reaped.filter((one) => one !== undefined);
}

/** The entries at `path`; none if the file is absent, a link, another user's, too large, malformed, or of another boot. */
export function readJournal(path: string): JournalEntry[] {
  const text = readOwnFile(path);
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return []; // half a file or somebody's joke: nothing in it can be trusted
  }
  if (typeof value !== 'object' || value === null || !('boot' in value) || !('children' in value)) return [];
  // Start times count from the boot: those of another one mean nothing.
  if (value.boot !== bootId() || !Array.isArray(value.children)) return [];
  return value.children.map(parseEntry).filter((entry) => entry !== undefined);
}

async function reap(entry: JournalEntry, times: EndTimes | undefined): Promise<Reaped | undefined> {
  const isLeader =
    isRunning(entry) && (hasMarker(entry.pid, entry.marker) || commandHash(entry.pid) === entry.commandHash);
  // Without its leader only the marker proves who belongs: the group's number may be a stranger's by now.
  const known = entry.strays.filter(isStillThat);
  const root: TreeRoot = { ...entry, known, ...(isLeader ? {} : { pid: -1, pgid: -1 }) };
  const members = treeOf(root);
  if (members.length === 0) return undefined;
  const { isGone } = await endTree({ ...root, known: members }, times ? { times } : {});
  return { server: entry.server, pid: entry.pid, processes: members.length, isGone };
}

/** Linux counts start times in ticks of this boot: pid and that are one process. Elsewhere they are seconds. */
function isStillThat(stray: Stray): boolean {
  return isRunning(stray) && (process.platform === 'linux' || commandHash(stray.pid) === stray.commandHash);
}

function identityOf({ pid, startTime }: ProcessIdentity): ProcessIdentity {
  return { pid, startTime };
}

function identityKey({ pid, startTime }: ProcessIdentity): string {
  return `${pid} ${startTime}`;
}

function parseEntry(value: unknown): JournalEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const field = (name: string) => fieldOf(value, name);
  const text = (name: string, max: number) => textOf(value, name, max);
  const pid = field('pid');
  const [startTime, marker, hash, server] = [
    text('startTime', 64),
    text('marker', 200),
    text('commandHash', 64),
    text('server', 300),
  ];
  if (!isForeignPid(pid)) return undefined;
  if (field('pgid') !== pid || !startTime || !marker || !hash || !server) return undefined;
  // A short or plain marker could stand in a stranger's environment.
  if (!/^AITKIT_INSTANCE=[\w.-]{16,}$/.test(marker)) return undefined;
  const listed = field('strays');
  const strays = Array.isArray(listed) ? listed.slice(0, maxStrays).map(parseStray) : [];
  return {
    ...{ pid, pgid: pid, startTime, marker, commandHash: hash, server },
    strays: strays.filter((stray) => stray !== undefined),
  };
}

function parseStray(value: unknown): Stray | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [pid, startTime, hash] = [
    fieldOf(value, 'pid'),
    textOf(value, 'startTime', 64),
    textOf(value, 'commandHash', 64),
  ];
  return isForeignPid(pid) && startTime && hash ? { pid, startTime, commandHash: hash } : undefined;
}

function isForeignPid(pid: unknown): pid is number {
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 1 && pid !== process.pid;
}

function fieldOf(value: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function textOf(value: object, name: string, max: number): string | undefined {
  const found = fieldOf(value, name);
  return typeof found === 'string' && found.length > 0 && found.length <= max ? found : undefined;
}

function readOwnFile(path: string): string | undefined {
  const reading = readForeignText(path, { maxBytes: maxJournalBytes, isLinkRefused: true });
  // Too many open files, a broken disk: what the file names must not be forgotten for that.
  if (reading.kind === 'refused' && !isHarmless(reading)) throw new Error(`${path} ${reading.reason}`);
  if (reading.kind !== 'text') return undefined;
  const isOurs = process.platform === 'win32' || reading.stat.uid === process.getuid?.();
  return isOurs ? reading.text : undefined;
}

/** Not ours by its kind, its owner or a link on its way. */
function isHarmless({ code }: { code?: string }): boolean {
  return code === undefined || ['ELOOP', 'EMLINK', 'EACCES', 'ENXIO'].includes(code);
}

/** Short hash of the command line as the system shows it now; '' if it does not. */
export function commandHash(pid: number): string {
  const line = commandLine(pid);
  return line === '' ? '' : createHash('sha256').update(line).digest('hex').slice(0, 16);
}

function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readSystemFile(`/proc/${pid}/cmdline`);
    if (process.platform === 'win32') return '';
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return ''; // gone
  }
}

/** macOS and Windows have no such file; there the start time is a date and tells boots apart by itself. */
function bootId(): string {
  return ownScope().boot;
}
