import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import { isRunning, processStartTime } from '../../../../src/base/process-identity.ts';
import {
  descendantsOf,
  endTree,
  listProcesses,
  type ProcessEntry,
  signalTree,
  type TreeRoot,
  treeOf,
} from '../../../../src/upstream/process/process-tree.ts';

const started: number[] = [];
afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // already gone, as it should be
    }
  }
});

const sleepForEver = 'setInterval(() => {}, 60000)';

/** A leader of its own group; `script` prints pids as a JSON array when all is ready. */
async function startTree(script: string): Promise<{ root: TreeRoot; child: ChildProcess; pids: number[] }> {
  const marker = `TREE_TEST=${randomBytes(12).toString('hex')}`;
  const [name = '', value = ''] = marker.split('=');
  const child = spawn(process.execPath, ['-e', script], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], [name]: value },
  });
  const pid = child.pid ?? 0;
  started.push(pid);
  const text = await new Promise<string>((resolve) => child.stdout?.once('data', (data) => resolve(String(data))));
  const pids: unknown = JSON.parse(text);
  const numbers = Array.isArray(pids) ? pids.filter((one): one is number => typeof one === 'number') : [];
  started.push(...numbers);
  return { root: { pid, pgid: pid, startTime: processStartTime(pid) ?? '', marker }, child, pids: numbers };
}

const withChild = (options: string) => `
  const { spawn } = require('node:child_process');
  const child = spawn(process.execPath, ['-e', ${JSON.stringify(sleepForEver)}], ${options});
  process.stdin.resume(); process.stdin.on('end', () => process.exit(0));
  console.log(JSON.stringify([child.pid]));`;

const entry = (pid: number, ppid: number, more: Partial<ProcessEntry> = {}): ProcessEntry => ({
  pid,
  ppid,
  pgid: pid,
  sid: pid,
  startTime: String(pid),
  state: 'S',
  threads: 1,
  ...more,
});

test('lists this process with its parent', () => {
  const own = listProcesses().find(({ pid }) => pid === process.pid);
  expect(own?.ppid).toBe(process.ppid);
  expect(own?.startTime).toBe(processStartTime(process.pid));
});

test('finds descendants of any depth and no others, even if parents form a circle', () => {
  const processes = [
    entry(10, 1),
    entry(11, 10),
    entry(12, 11),
    entry(20, 1),
    entry(21, 20),
    entry(30, 31),
    entry(31, 30),
  ];
  expect(descendantsOf(10, processes).map(({ pid }) => pid)).toEqual([11, 12]);
  expect(descendantsOf(30, processes).map(({ pid }) => pid)).toEqual([31]);
});

test('leaves out a process that has the pid of the root but started at another time, and its group and children', () => {
  const processes = [entry(50, 1, { startTime: '900' }), entry(51, 50, { pgid: 50 }), entry(52, 1, { pgid: 50 })];
  expect(treeOf({ pid: 50, pgid: 50, startTime: '50' }, { processes })).toEqual([]);
  expect(treeOf({ pid: 50, pgid: 50, startTime: '50' }, { processes, isGroupOurs: true })).toEqual([]);
});

test('trusts the group of a leader that is gone only when told so', () => {
  const processes = [entry(52, 1, { pgid: 50 })];
  const root = { pid: 50, pgid: 50, startTime: '50' };
  expect(treeOf(root, { processes })).toEqual([]);
  expect(treeOf(root, { processes, isGroupOurs: true }).map(({ pid }) => pid)).toEqual([52]);
});

test('never takes init, this process or a zombie as a target', () => {
  const processes = [entry(1, 0, { pgid: 50 }), entry(process.pid, 50), entry(51, 50, { state: 'Z' }), entry(50, 1)];
  expect(treeOf({ pid: 50, pgid: 50, startTime: '50' }, { processes }).map(({ pid }) => pid)).toEqual([50]);
});

test('counts a process whose first thread has ended while others go on', () => {
  const processes = [entry(50, 1, { state: 'Z', threads: 4 }), entry(51, 50, { state: 'Z', threads: 2 })];
  expect(treeOf({ pid: 50, pgid: 50, startTime: '50' }, { processes }).map(({ pid }) => pid)).toEqual([50, 51]);
});

test('does not signal a process whose start time differs from the one given', async () => {
  const { root, child } = await startTree(`console.log('[]'); ${sleepForEver}`);
  const stale = entry(root.pid, 1, { startTime: '1' });
  expect(signalTree({ ...root, startTime: '1' }, [stale], 'SIGKILL')).toBe(0);
  expect(isRunning(root)).toBe(true);
  child.kill('SIGKILL');
});

test('does not signal pids 1, 0, -1, this process or its group', () => {
  const wrong = [1, 0, -1, process.pid].map((pid) =>
    entry(pid, 0, { startTime: processStartTime(pid) ?? '', pgid: 0 }),
  );
  for (const pgid of [0, -1, 1]) {
    expect(signalTree({ pid: pgid, pgid, startTime: '0' }, wrong, 'SIGKILL')).toBe(0);
  }
});

test('lets a server end by the end of its input, then ends the child that it left in the group', async () => {
  const { root, child, pids } = await startTree(withChild('{ stdio: "ignore" }'));
  const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const result = await endTree(root, {
    times: { inputMs: 1_500, termMs: 2_000, killMs: 2_000 },
    closeInput: () => child.stdin?.end(),
  });
  // The root ends by itself; its child does not know about the input and gets SIGTERM.
  expect(await exited).toEqual({ code: 0, signal: null });
  expect(result).toEqual({ isGone: true, lastSignal: 'SIGTERM' });
  expect(pids.some((pid) => isRunning({ pid }))).toBe(false);
});

test('looks twice before it calls a tree gone: a process forked during one look is not in it', async () => {
  const { root, child: leader, pids } = await startTree(withChild(`{ detached: true, stdio: 'ignore' }`));
  const [child = 0] = pids;
  let looks = 0;
  const list = () => {
    looks += 1;
    // The look before it all, and the first that finds nobody.
    return looks <= 2 ? listProcesses().filter(({ pid }) => pid !== child) : listProcesses();
  };
  const exited = new Promise((resolve) => leader.once('exit', resolve));
  leader.kill('SIGKILL');
  await exited;
  const result = await endTree(root, { times: { inputMs: 0, termMs: 2_000, killMs: 2_000 }, list });
  expect(result).toEqual({ isGone: true, lastSignal: 'SIGTERM' });
  expect(isRunning({ pid: child })).toBe(false);
});

test('reports no signal when the end of input was enough', async () => {
  const { root, child } = await startTree(
    `console.log('[]'); process.stdin.resume(); process.stdin.on('end', () => process.exit(0));`,
  );
  expect(await endTree(root, { closeInput: () => child.stdin?.end() })).toEqual({
    isGone: true,
    lastSignal: undefined,
  });
});

test('kills what ignores SIGTERM', async () => {
  const { root, child } = await startTree(`process.on('SIGTERM', () => {}); console.log('[]'); ${sleepForEver}`);
  const result = await endTree(root, {
    times: { inputMs: 50, termMs: 100, killMs: 5_000 },
    closeInput: () => child.stdin?.end(),
  });
  expect(result).toEqual({ isGone: true, lastSignal: 'SIGKILL' });
});

test('finds a child that left the group and dropped its environment while its parent still lives', async () => {
  const { root, pids } = await startTree(withChild('{ stdio: "ignore", detached: true, env: {} }'));
  expect(treeOf(root).map(({ pid }) => pid)).toEqual(expect.arrayContaining([root.pid, ...pids]));
  await endTree(root);
  expect(pids.some((pid) => isRunning({ pid }))).toBe(false);
});

test.runIf(process.platform === 'linux')('finds by its marker a process that left group and parent', async () => {
  const { root, pids, child } = await startTree(`
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', ${JSON.stringify(sleepForEver)}], { stdio: 'ignore', detached: true });
    child.unref();
    console.log(JSON.stringify([child.pid]));`);
  await new Promise((resolve) => child.once('exit', resolve));
  expect(treeOf({ ...root, marker: 'TREE_TEST=other' })).toEqual([]);
  expect(treeOf(root).map(({ pid }) => pid)).toEqual(pids);
  expect(await endTree(root)).toEqual({ isGone: true, lastSignal: 'SIGTERM' });
  expect(pids.some((pid) => isRunning({ pid }))).toBe(false);
});
