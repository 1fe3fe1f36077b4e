// How sessions stop and end without a word: their container is paused, their terminal is closed. Leases and records are
// right afterwards, and the others feel nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRunning, linuxStat } from '../../src/base/process-identity.ts';
import { descendantsOf } from '../../src/upstream/process/process-tree.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { copyPlugin, daemonPid, removePlugin } from '../support/fault-rig.ts';
import { textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let plugin: string;
beforeEach(() => {
  plugin = copyPlugin();
  rig = new DaemonRig();
  rig.writeConfig({
    c: fixture('echo.mjs', { COUNT_FILE: join(rig.home, 'counted') }),
    own: fixture('echo.mjs', {}, { sharing: 'session' }),
  });
});
afterEach(async () => {
  await rig.dispose();
  removePlugin(plugin);
});

const open = () => rig.open({ plugin, args: ['--mode', 'all'] });
/** Longer than the daemon's own rounds, its idle exit (300 ms here) and the patience with a wrapper that is away. */
const pauseMs = 6_000;

it('a paused container of one session keeps its lease, record and copy, and holds up nobody', async () => {
  const [paused, other] = [await open(), await open()];
  const copy = textOf(await paused.call('own__pid'));
  const daemon = await daemonPid(rig);
  // The daemon is the wrapper's child too, but apart from it.
  const shell = paused.child.pid ?? 0;
  const wrappers = descendantsOf(shell).filter(({ ppid }) => ppid === shell);
  const container = pauseProcesses([shell, ...wrappers.map(({ pid }) => pid)]);
  try {
    const pausedAt = Date.now();
    const late = paused.call('c__count', { tag: 'late' }, 60_000);
    for (let n = 0; Date.now() - pausedAt < pauseMs; n += 1) {
      expect(textOf(await other.call('c__count', { tag: `beside-${n}` }))).toBe('counted');
    }
    await other.close();
    // Its connection is open, so it is a session: neither an end nor an idle exit.
    await rig.statusUntil(({ sessions }) => sessions.length === 1, 'the other session to be gone');
    await eventually(() => rig.records().length === 1, { what: 'its record to be gone' });
    expect(rig.daemons()).toEqual([daemon]);
    container.resume();
    expect(textOf(await late)).toBe('counted');
    expect(textOf(await paused.call('own__pid'))).toBe(copy);
  } finally {
    container.resume();
  }
  await rig.closeSessions();
  await rig.nothingLeft();
});

it('a paused machine goes on where it was: sessions, daemon and servers together', async () => {
  const sessions = await Promise.all([open(), open()]);
  const copies = await Promise.all(sessions.map(async (one) => textOf(await one.call('own__pid'))));
  const daemon = await daemonPid(rig);
  const until = join(rig.home, 'paused');
  const calls = sessions.map((one) => one.call('c__slow', { until }, 60_000));
  await rig.statusUntil(
    ({ servers }) => servers.some(({ instances }) => instances.some(({ inFlight }) => inFlight === 2)),
    'both calls in flight',
  );
  const container = pauseProcesses(rig.processes().map(({ pid }) => pid));
  try {
    const pausedAt = Date.now();
    await eventually(() => Date.now() - pausedAt >= pauseMs, { timeoutMs: 2 * pauseMs, what: 'the pause to pass' });
    writeFileSync(until, '');
  } finally {
    container.resume();
  }
  expect((await Promise.all(calls)).map(textOf)).toEqual(['done', 'done']);
  expect(await Promise.all(sessions.map(async (one) => textOf(await one.call('own__pid'))))).toEqual(copies);
  expect(rig.daemons()).toEqual([daemon]);
  expect(rig.records()).toHaveLength(2);
  await rig.closeSessions();
  await rig.nothingLeft();
});

it.skipIf(!hasTmux())(
  'a closed tmux session ends its host and its copy; the daemon it started serves the others',
  async () => {
    const socket = join(rig.home, 'tmux');
    const tmux = (...args: string[]) =>
      execFileSync('tmux', ['-S', socket, '-f', '/dev/null', ...args], { encoding: 'utf8', env: rig.environment });
    const host = join(import.meta.dirname, '..', 'support', 'session-host.mjs');
    const command = [process.execPath, host, process.execPath, join(plugin, 'bin', 'run-mcp-proxy')];
    tmux(
      'new-session',
      '-d',
      '-s',
      'one',
      '-c',
      join(rig.home, 'project'),
      `exec ${command.map((word) => `'${word}'`).join(' ')}`,
    );
    const pid = Number(tmux('list-panes', '-t', 'one', '-F', '#{pane_pid}').trim());
    const startTime = linuxStat(pid)?.startTime;
    await eventually(() => rig.records().includes(String(pid)), { what: 'the record of its host' });
    const daemon = await daemonPid(rig);
    const other = await open();
    expect(textOf(await other.call('c__count', { tag: 'before' }))).toBe('counted');
    await rig.statusUntil(({ sessions }) => sessions.length === 2, 'both sessions');

    tmux('kill-session', '-t', 'one');
    await rig.statusUntil(({ sessions }) => sessions.length === 1, 'the session to be gone');
    await eventually(() => !rig.records().includes(String(pid)), { what: 'its record to be gone' });
    expect(isRunning({ pid, startTime })).toBe(false);
    // Started from that terminal, and in a session of its own: the hang-up did not reach it.
    expect(rig.daemons()).toEqual([daemon]);
    expect(textOf(await other.call('c__count', { tag: 'after' }))).toBe('counted');
    await rig.closeSessions();
    await rig.nothingLeft();
  },
);

type Pause = { resume: () => void };

/**
 * As `docker pause` does it, with the freezer of the kernel, where a control group can be made here; else by SIGSTOP,
 * which the paused could see and a parent is told of.
 */
function pauseProcesses(pids: readonly number[]): Pause {
  const freezer = makeFreezer();
  console.log(
    freezer ? `paused by the freezer at ${freezer.folder}` : 'paused by SIGSTOP: no control group can be made here',
  );
  let isPaused = true;
  if (!freezer) for (const pid of pids) process.kill(pid, 'SIGSTOP');
  else {
    for (const pid of pids) writeFileSync(join(freezer.folder, 'cgroup.procs'), String(pid));
    freezer.set(true);
  }
  return {
    resume: () => {
      if (!isPaused) return;
      isPaused = false;
      if (!freezer) for (const pid of pids) process.kill(pid, 'SIGCONT');
      else {
        freezer.set(false);
        // Back, so that the group can go; what ended meanwhile is in none.
        for (const pid of readFileSync(join(freezer.folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
          writeFileSync(join(freezer.parent, 'cgroup.procs'), pid);
        }
        rmdirSync(freezer.folder);
      }
    },
  };
}

type Freezer = { folder: string; parent: string; set: (isFrozen: boolean) => void };

function makeFreezer(): Freezer | undefined {
  const groups = readFileSync('/proc/self/cgroup', 'utf8');
  const places = [
    { root: '/sys/fs/cgroup', own: /^0::(.*)$/m.exec(groups)?.[1], file: 'cgroup.freeze', words: ['1', '0'] },
    { root: '/sys/fs/cgroup/unified', own: /^0::(.*)$/m.exec(groups)?.[1], file: 'cgroup.freeze', words: ['1', '0'] },
    {
      root: '/sys/fs/cgroup/freezer',
      own: /^\d+:freezer:(.*)$/m.exec(groups)?.[1],
      file: 'freezer.state',
      words: ['FROZEN', 'THAWED'],
    },
  ];
  for (const { root, own, file, words } of places) {
    if (own === undefined) continue;
    const parent = join(root, own);
    const folder = join(parent, `mcp-proxy-test-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch {
      continue; // not ours to divide
    }
    const state = join(folder, file);
    if (existsSync(state)) {
      return { folder, parent, set: (isFrozen) => writeFileSync(state, String(words[isFrozen ? 0 : 1])) };
    }
    rmdirSync(folder);
  }
  return undefined;
}

function hasTmux(): boolean {
  try {
    execFileSync('tmux', ['-V'], { stdio: 'ignore' });
    return true;
  } catch {
    console.log('skipped: tmux is not installed');
    return false;
  }
}
