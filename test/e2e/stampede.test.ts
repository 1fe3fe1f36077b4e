// A hundred wrappers in one instant from cold, twenty times: one daemon each time, everyone served, nothing left behind.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRunning, processStartTime } from '../../src/base/process-identity.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { size } from '../support/full-size.ts';
import type { McpClient } from '../support/mcp-client.ts';

const wrappers = 100;
let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
  rig.writeConfig({ echo: fixture('echo.mjs') });
});
afterEach(() => rig.dispose());

type Stampede = { sessions: McpClient[]; ms: number; late: number };

/**
 * All at once; `ms`: until the last had its tools. A wrapper that has no daemon after 1.2 s answers its list from what is
 * known, which is nothing in a new home, and says when that changed: those are `late`, and ready when they have the tools.
 */
async function stampede(): Promise<Stampede> {
  const begin = performance.now();
  const sessions = Array.from({ length: wrappers }, () => rig.session());
  const wasLate = await Promise.all(
    sessions.map(async (session) => {
      expect(await session.initialize()).toMatchObject({ result: { serverInfo: { name: 'mcp-proxy' } } });
      const isComplete = async () => (await session.toolNames()).includes('echo__echo');
      if (await isComplete()) return false;
      for (let told = 0; ; told += 1) {
        await session.notification('notifications/tools/list_changed', told);
        if (await isComplete()) return true;
      }
    }),
  );
  return { sessions, ms: performance.now() - begin, late: wasLate.filter(Boolean).length };
}

function report(what: string, { ms, late }: Stampede): void {
  console.log(`stampede, ${what}: ${wrappers} ready after ${Math.round(ms)} ms, ${late} by list_changed`);
}

/** One daemon that serves all, one server; then nothing. */
async function expectOne(sessions: McpClient[], starts: number): Promise<void> {
  await rig.statusUntil((status) => status.sessions.length === wrappers, 'all sessions on one daemon');
  const [daemon] = rig.daemons();
  expect(rig.daemons()).toHaveLength(1);
  expect(
    rig
      .log()
      .filter(({ event }) => event === 'daemon.ready')
      .map(({ pid }) => pid)
      .slice(-1),
  ).toEqual([daemon]);
  expect(rig.log().filter(({ event }) => event === 'daemon.ready').length).toBeLessThanOrEqual(starts);
  // None, if the lists were known from the life before.
  expect(rig.servers().length).toBeLessThanOrEqual(1);
  expect(rig.records()).toHaveLength(wrappers);
  for (const session of sessions) expect(session.messages.filter((message) => 'error' in message)).toEqual([]);
  await rig.closeSessions();
  await rig.nothingLeft();
}

const rounds = [1, 2, 3, 4].slice(0, size(4, 2));

describe('a hundred wrappers start one daemon', () => {
  it.each(rounds)('from a clean home (round %i)', async (round) => {
    const all = await stampede();
    report(`clean, round ${round}`, all);
    await expectOne(all.sessions, 1);
  });

  it.each(rounds)('beside a socket file whose daemon is dead (round %i)', async (round) => {
    await makeStaleSocket(rig.locations.socketPath);
    const all = await stampede();
    report(`stale socket, round ${round}`, all);
    await expectOne(all.sessions, 1);
  });

  it.each(rounds)('beside a pid file that names a living stranger, who is left alone (round %i)', async (round) => {
    const stranger = rig.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      HOME: '/',
      AITKIT_ROOT: '/',
    });
    const { pidPath, socketPath, runDir } = rig.locations;
    mkdirSync(runDir, { recursive: true, mode: 0o700 });
    const startTime = processStartTime(stranger.pid ?? 0) ?? '';
    const build = { version: '0.0.1', fingerprint: 'old' };
    const endpoint = {
      pid: stranger.pid,
      startTime,
      build,
      protocol: 1,
      socket: socketPath,
      nonce: 'old',
      execPath: '/none',
    };
    writeFileSync(pidPath, JSON.stringify(endpoint), { mode: 0o600 });
    const all = await stampede();
    report(`stale pid file, round ${round}`, all);
    expect(JSON.parse(readFileSync(pidPath, 'utf8')).pid).toBe(rig.daemons()[0]);
    await expectOne(all.sessions, 1);
    expect(isRunning({ pid: stranger.pid ?? 0, startTime })).toBe(true);
    stranger.kill('SIGKILL');
  });

  it.each(rounds)('beside the lock name of a daemon before (round %i)', async (round) => {
    const { lockKeyPath, runDir } = rig.locations;
    mkdirSync(runDir, { recursive: true, mode: 0o700 });
    // Without an end of line in odd rounds, as an editor may leave it.
    writeFileSync(lockKeyPath, `${'ab'.repeat(15)}${randomBytes(1).toString('hex')}${round % 2 === 0 ? '\n' : ''}`, {
      mode: 0o600,
    });
    const all = await stampede();
    report(`old lock name, round ${round}`, all);
    await expectOne(all.sessions, 1);
  });

  it.each([
    ['its process appears', () => true],
    ['it has the lock name', () => existsSync(rig.locations.lockKeyPath)],
    ['its socket stands', () => existsSync(rig.locations.socketPath)],
    ['its pid file stands', () => existsSync(rig.locations.pidPath)],
  ])('when the first daemon is killed as soon as %s', async (point, isReached) => {
    const killed = killFirstDaemon(isReached);
    const all = await stampede();
    report(`kill -9 when ${point}, killed ${await killed}`, all);
    expect(rig.daemons()).not.toContain(await killed);
    await expectOne(all.sessions, 2);
  });
});

/** Watches for the first daemon of this home without slowing the others down. */
async function killFirstDaemon(isReached: () => boolean): Promise<number> {
  const seen = new Set(readdirSync('/proc'));
  let found: number | undefined;
  return eventually(
    () => {
      for (const name of found === undefined ? readdirSync('/proc') : []) {
        if (seen.has(name) || !/^\d+$/.test(name)) continue;
        const command = read(`/proc/${name}/cmdline`);
        if (!command.includes('daemon.cjs')) {
          // A shell or a fork that will become something else is looked at again.
          if (command.includes('run-mcp-proxy') && command.includes('node')) seen.add(name);
        } else if (read(`/proc/${name}/environ`).includes(rig.home)) found = Number(name);
        else seen.add(name);
      }
      if (found === undefined || !isReached()) return undefined;
      process.kill(found, 'SIGKILL');
      return found;
    },
    { what: 'the first daemon', intervalMs: 2 },
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it ended
  }
}

/** As a killed daemon leaves it. */
async function makeStaleSocket(path: string): Promise<void> {
  mkdirSync(rig.locations.runDir, { recursive: true, mode: 0o700 });
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('exit', resolve));
  expect(existsSync(path)).toBe(true);
  const probe = createServer();
  await new Promise<void>((resolve) => {
    probe.once('error', () => resolve());
    probe.listen(path, () => resolve());
  });
  expect(probe.listening).toBe(false);
}
