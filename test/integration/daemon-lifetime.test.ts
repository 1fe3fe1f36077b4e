import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRunning, processStartTime } from '../../src/base/process-identity.ts';
import { readJournal } from '../../src/upstream/process/journal.ts';
import { DaemonRig, fixture, wrapperPath } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { idleTimePasses } from '../support/idle-time.ts';
import { textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

const smallHost = join(import.meta.dirname, '../support/session-host.mjs');

it('forgets a killed host within five seconds: record, lease, and its own copies of servers', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const witness = await rig.open();
  const host = rig.spawn(process.execPath, [smallHost, process.execPath, wrapperPath]);
  await new Promise((resolve) => host.stdout?.once('data', resolve));
  const { sessions } = await rig.statusUntil((status) => status.sessions.length === 2, 'both sessions');
  expect(sessions.map(({ hostPid }) => hostPid)).toContain(host.pid);
  // Written a moment after the hello: a session's first answers come before files for people.
  await eventually(() => rig.records().includes(String(host.pid)), { what: 'the record' });

  host.kill('SIGKILL');
  await eventually(
    async () => {
      const status = await rig.status();
      return status.sessions.length === 1 && !rig.records().includes(String(host.pid));
    },
    { what: 'the killed host to be forgotten' },
  );
  expect(textOf(await witness.call('echo__echo', { text: 'still here' }))).toBe('still here');
});

it('is held by a host that has only a record for its first minute, not longer', async () => {
  rig.writeConfig({});
  const host = rig.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const record = (since: Date) => {
    mkdirSync(rig.locations.recordsDir, { recursive: true, mode: 0o700 });
    const startTime = processStartTime(host.pid ?? 0);
    const value = { pid: host.pid, startTime, projectDir: '/p', since: since.toISOString(), daemons: [] };
    writeFileSync(join(rig.locations.recordsDir, String(host.pid)), JSON.stringify(value), { mode: 0o600 });
  };
  const session = await rig.open();
  record(new Date());
  await session.close();
  const { daemon } = await rig.status();
  // Far beyond idleExitMs (300 ms) and a sweep: were it not held, nobody would answer any more.
  await rig.statusUntil(({ daemon: { uptimeMs } }) => uptimeMs > daemon.uptimeMs + 3_000, 'the daemon to be held');

  record(new Date(Date.now() - 61_000));
  await eventually(() => rig.daemons().length === 0, { what: 'the daemon to end' });
  // The host lives, so its record is still true.
  expect(rig.records()).toEqual([String(host.pid)]);
});

it('is not held by a program without a hook that lives on after its sessions, and leaves no record of it', async () => {
  rig.writeConfig({});
  // The host is this very process.
  const wrappers = [1, 2, 3].map(() => rig.spawn(process.execPath, [wrapperPath]));
  await eventually(() => rig.records().includes(String(process.pid)), { what: 'the record' });
  await rig.statusUntil(({ sessions }) => sessions.length === 3, 'three sessions');
  wrappers[0]?.stdin?.end();
  await rig.statusUntil(({ sessions }) => sessions.length === 2, 'one to end');
  expect(rig.records()).toEqual([String(process.pid)]);
  for (const wrapper of wrappers) wrapper.stdin?.end();
  await rig.nothingLeft();
});

it('starts in folders that were made by hand: it closes them to others and says so once', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const { dataDir, logPath } = rig.locations;
  chmodSync(dataDir, 0o755);
  const session = await rig.open();
  expect(textOf(await session.call('echo__echo', { text: 'hello' }))).toBe('hello');
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  expect(readFileSync(logPath, 'utf8').match(/folder\.closed-to-others/g)).toHaveLength(1);
});

it('does not end between the hook of a new session and its wrapper', async () => {
  const settings = (idleExitMs: number) => rig.writeConfig({}, { daemon: { idleExitMs } });
  settings(600_000);
  const first = await rig.open();
  await first.close();
  await rig.statusUntil(({ sessions }) => sessions.length === 0, 'nobody to be there');
  const host = rig.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const startTime = processStartTime(host.pid ?? 0);
  const value = { pid: host.pid, startTime, projectDir: '/p', since: new Date().toISOString(), daemons: [] };
  mkdirSync(rig.locations.recordsDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(rig.locations.recordsDir, String(host.pid)), JSON.stringify(value), { mode: 0o600 });
  // From here on nothing but the record holds it, however late the new setting is read.
  settings(1);
  await eventually(() => readFileSync(rig.locations.logPath, 'utf8').includes('config.reloaded'), {
    what: 'the new setting',
  });
  const { daemon } = await rig.status();
  // Many times its own.
  await idleTimePasses();
  await idleTimePasses();
  expect((await rig.status()).sessions).toEqual([]);
  expect(rig.daemons()).toEqual([daemon.pid]);
});

it('ends by SIGTERM while sessions are open: they get a new daemon with their next call, state and copies are its own', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const session = await rig.open();
  const before = textOf(await session.call('echo__pid'));
  const [old] = rig.daemons();
  process.kill(old ?? 0, 'SIGTERM');
  await eventually(() => !rig.daemons().includes(old ?? 0), { what: 'the old daemon to end' });
  const after = textOf(await session.call('echo__pid'));
  expect(after).not.toBe(before);
  expect(rig.servers()).toHaveLength(1);
  expect(rig.daemons()).toHaveLength(1);
});

it('takes over after SIGKILL: the next daemon ends what the killed one left and serves the same sessions', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs'), stubborn: fixture('stubborn.mjs') });
  const sessions = await Promise.all([rig.open(), rig.open()]);
  const [first] = sessions;
  const before = textOf(await first.call('echo__pid'));
  // Never answered: it only makes that server start.
  first.send({ jsonrpc: '2.0', id: 'never', method: 'tools/call', params: { name: 'stubborn__any', arguments: {} } });
  await eventually(() => rig.servers().some(({ command }) => command.includes('stubborn.mjs child')), {
    what: 'the stubborn server',
  });
  const old = new Set(rig.servers().map(({ pid }) => pid));
  const [daemon] = rig.daemons();
  process.kill(daemon ?? 0, 'SIGKILL');
  for (const session of sessions) {
    const pid = await eventually(
      async () => {
        const answer = await session.call('echo__pid');
        return /^\d+$/.test(textOf(answer)) ? textOf(answer) : undefined;
      },
      { what: 'a good call' },
    );
    expect(pid).not.toBe(before);
  }
  await eventually(() => rig.servers().every(({ pid }) => !old.has(pid)), { what: 'old servers gone' });
  expect(rig.daemons()).toHaveLength(1);
});

it.runIf(process.platform === 'linux')(
  'ends after SIGKILL what left its server, its group and its environment too',
  async () => {
    rig.writeConfig({ c: fixture('double-fork.mjs', { FORK_ENV: 'clear' }) });
    const session = await rig.open();
    await session.call('c__pid');
    const find = () => readJournal(rig.locations.journalPath)[0]?.strays[0];
    const stray = await eventually(find, { what: 'the stray to be seen' });
    expect(isRunning(stray)).toBe(true);
    process.kill(rig.daemons()[0] ?? 0, 'SIGKILL');
    // A call that the killed daemon took with it is answered before the next daemon is there; it reaps before it is ready.
    await eventually(async () => /^\d+$/.test(textOf(await session.call('c__pid'))), { what: 'the next daemon' });
    await eventually(() => !isRunning(stray), { what: 'the stray to be ended' });
  },
);

it('is one of many that are started at once, whoever starts them: the others leave and say why', async () => {
  rig.writeConfig({}, { daemon: { idleExitMs: 20_000 } });
  const bundle = join(dirname(wrapperPath), '..', 'dist', 'daemon.cjs');
  const announced = await Promise.all(
    Array.from({ length: 12 }, () => {
      const child = rig.spawn(process.execPath, [bundle, '--name', 'mcp-user']);
      return new Promise<{ ready: boolean; pid?: number }>((resolve, reject) => {
        child.stdout?.once('data', (line: Buffer) => resolve(JSON.parse(line.toString())));
        child.once('close', (code) => reject(new Error(`ended with ${code} without a word`)));
      });
    }),
  );
  const ready = announced.filter((one) => one.ready);
  expect(ready).toHaveLength(1);
  expect(announced.filter((one) => !one.ready)).toEqual(
    Array.from({ length: 11 }, () => ({ ready: false, reason: 'already-running' })),
  );
  await eventually(() => rig.daemons().length === 1, { what: 'the others to end' });
  expect(rig.daemons()).toEqual([ready[0]?.pid]);
  expect((await rig.status()).daemon.pid).toBe(ready[0]?.pid);
  process.kill(ready[0]?.pid ?? 0, 'SIGTERM');
  await rig.nothingLeft();
});
