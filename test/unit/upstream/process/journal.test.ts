import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning, processStartTime } from '../../../../src/base/process-identity.ts';
import {
  createJournal,
  type JournalEntry,
  readJournal,
  reapJournal,
} from '../../../../src/upstream/process/journal.ts';
import { eventually } from '../../../support/eventually.ts';

let home: string;
let path: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'aitkit-journal-'));
  path = join(home, 'mcp-proxy-mcp-user.children');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

const times = { inputMs: 100, termMs: 2_000, killMs: 2_000 };
const newMarker = () => `AITKIT_INSTANCE=test-${randomBytes(8).toString('hex')}`;

/** What a killed daemon leaves: a leader of its own group, marked or not. */
async function leave(marker: string, isMarked = true): Promise<Omit<JournalEntry, 'commandHash' | 'strays'>> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => {}, 60000)'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: isMarked ? { AITKIT_INSTANCE: marker.slice(marker.indexOf('=') + 1) } : {},
  });
  children.push(child);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const pid = child.pid ?? 0;
  return { pid, pgid: pid, startTime: processStartTime(pid) ?? '', marker, server: 'memory' };
}

/** Writes a journal with one entry changed, as a forger or another boot would have left it. */
function rewrite(change: (entry: Record<string, unknown>) => void): void {
  const value: { children: Record<string, unknown>[] } = JSON.parse(readFileSync(path, 'utf8'));
  for (const entry of value.children) change(entry);
  writeFileSync(path, JSON.stringify(value));
}

test('keeps what was added and not removed, for this user only', async () => {
  const journal = createJournal(path);
  const [first, second] = [await leave(newMarker()), await leave(newMarker())];
  journal.add(first);
  journal.add(second);
  journal.remove(first.pid);
  expect(readJournal(path).map(({ pid, server }) => ({ pid, server }))).toEqual([
    { pid: second.pid, server: 'memory' },
  ]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('ends what a killed daemon left and removes the journal', async () => {
  const left = await leave(newMarker());
  createJournal(path).add(left);
  expect(await reapJournal(path, times)).toEqual([{ server: 'memory', pid: left.pid, processes: 1, isGone: true }]);
  expect(isRunning(left)).toBe(false);
  expect(existsSync(path)).toBe(false);
});

test('ends by its command line a process that carries no marker', async () => {
  const left = await leave(newMarker(), false);
  createJournal(path).add(left);
  expect((await reapJournal(path, times)).map(({ pid }) => pid)).toEqual([left.pid]);
  expect(isRunning(left)).toBe(false);
});

test('ends what was seen below a server that is gone, without its marker, and nobody who has its pid now', async () => {
  const [root, stray, stranger] = [
    await leave(newMarker()),
    await leave(newMarker(), false),
    await leave(newMarker(), false),
  ];
  const journal = createJournal(path);
  journal.add(root);
  journal.noteTree(root.pid, [root, stray, { ...stranger, startTime: '12345' }]);
  process.kill(root.pid, 'SIGKILL');
  await eventually(() => !isRunning(root), { what: 'the end of the server' });
  expect(await reapJournal(path, times)).toEqual([{ server: 'memory', pid: root.pid, processes: 1, isGone: true }]);
  expect([isRunning(stray), isRunning(stranger)]).toEqual([false, true]);
});

test('writes what is below a server only when that changed, and no more of it than fits', async () => {
  const root = await leave(newMarker());
  const journal = createJournal(path);
  journal.add(root);
  const members = Array.from({ length: 100 }, (_, n) => ({ pid: 4_000_000 + n, startTime: '1' }));
  journal.noteTree(root.pid, [root, ...members]);
  expect(journal.entries()[0]?.strays).toHaveLength(32);
  const written = statSync(path, { bigint: true }).mtimeNs;
  journal.noteTree(root.pid, [root, ...members]);
  expect(statSync(path, { bigint: true }).mtimeNs).toBe(written);
  journal.noteTree(root.pid, [root]);
  expect(journal.entries()[0]?.strays).toEqual([]);
});

test('spares a stranger that got the pid: another start time', async () => {
  const left = await leave(newMarker(), false);
  createJournal(path).add(left);
  rewrite((entry) => {
    entry['startTime'] = '12345';
  });
  expect(await reapJournal(path, times)).toEqual([]);
  expect(isRunning(left)).toBe(true);
});

test('spares a process with neither the marker nor the command line that was written', async () => {
  const left = await leave(newMarker(), false);
  createJournal(path).add(left);
  rewrite((entry) => {
    entry['commandHash'] = '0123456789abcdef';
  });
  expect(await reapJournal(path, times)).toEqual([]);
  expect(isRunning(left)).toBe(true);
});

test('spares everything of another boot', async () => {
  const left = await leave(newMarker());
  createJournal(path).add(left);
  const value = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...value, boot: 'another' }));
  expect(await reapJournal(path, times)).toEqual([]);
  expect(isRunning(left)).toBe(true);
});

test.runIf(process.platform === 'linux')('ends marked remains of a leader that is gone', async () => {
  const marker = newMarker();
  const left = await leave(marker);
  createJournal(path).add({ ...left, pid: 999_999, pgid: 999_999 });
  rewrite((entry) => {
    entry['commandHash'] = '0123456789abcdef'; // there was no such process to take it from
  });
  expect(await reapJournal(path, times)).toEqual([{ server: 'memory', pid: 999_999, processes: 1, isGone: true }]);
  expect(isRunning(left)).toBe(false);
});

test.each([0, 1, -1, process.pid, 1.5, '7', null])('ignores an entry with the pid %s', (pid) => {
  const entry = { pid, pgid: pid, startTime: '1', marker: newMarker(), commandHash: 'a', server: 's' };
  createJournal(path);
  const { boot } = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ boot, children: [entry, { ...entry, pid: 4321, pgid: 4321 }] }));
  // The good entry beside it shows that the file itself was read.
  expect(readJournal(path).map((one) => one.pid)).toEqual([4321]);
});

test('ignores an entry whose marker could stand in any environment', () => {
  createJournal(path);
  const { boot } = JSON.parse(readFileSync(path, 'utf8'));
  const entry = { pid: 4321, pgid: 4321, startTime: '1', marker: 'HOME=/root', commandHash: 'a', server: 's' };
  writeFileSync(path, JSON.stringify({ boot, children: [entry, { ...entry, marker: 'AITKIT_INSTANCE=x' }] }));
  expect(readJournal(path)).toEqual([]);
});

test('tells that it cannot write, and goes on', async () => {
  const errors: unknown[] = [];
  const journal = createJournal(join(home, 'missing', 'children'), (error) => errors.push(error));
  const left = await leave(newMarker());
  journal.add(left);
  expect(journal.entries().map(({ pid }) => pid)).toEqual([left.pid]);
  expect(errors).toHaveLength(2);
});

test.each([
  ['half a file', '{"boot":"x","chil'],
  ['another shape', '[1,2]'],
  ['null', 'null'],
  ['nothing', ''],
])('ignores a journal that is %s', async (_what, text) => {
  writeFileSync(path, text);
  expect(await reapJournal(path, times)).toEqual([]);
  expect(existsSync(path)).toBe(false);
});

test('ignores a journal that is too large', async () => {
  const left = await leave(newMarker());
  createJournal(path).add(left);
  writeFileSync(path, `${readFileSync(path, 'utf8')}${' '.repeat(1_100 * 1024)}`);
  expect(readJournal(path)).toEqual([]);
});

test('ignores a planted link and leaves its target as it is', async () => {
  const left = await leave(newMarker());
  const real = join(home, 'real');
  createJournal(real).add(left);
  symlinkSync(real, path);
  const before = readFileSync(real, 'utf8');
  expect(await reapJournal(path, times)).toEqual([]);
  expect(readFileSync(real, 'utf8')).toBe(before);
  expect(isRunning(left)).toBe(true);
});

test.runIf(process.platform === 'linux')(
  'takes the command line again after a program has replaced its own',
  async () => {
    const child = spawn('/bin/sh', ['-c', 'read go; exec sleep 60'], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    children.push(child);
    const pid = child.pid ?? 0;
    const journal = createJournal(path);
    journal.add({ pid, pgid: pid, startTime: processStartTime(pid) ?? '', marker: newMarker(), server: 'shell' });
    const [before] = readJournal(path);
    child.stdin?.write('go\n');
    await eventually(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('sleep'), { what: 'exec' });
    journal.refresh(pid);
    const [after] = readJournal(path);
    expect(after?.commandHash).not.toBe(before?.commandHash);
    expect((await reapJournal(path, times)).map((one) => one.pid)).toEqual([pid]);
  },
);
