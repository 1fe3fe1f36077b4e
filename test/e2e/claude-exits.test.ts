// Interactive sessions end in every way there is: the record follows, the lease goes, and after the last one all is gone.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRunning } from '../../src/base/process-identity.ts';
import { readRecord, writeRecord } from '../../src/link/record.ts';
import { clientVersions } from '../support/claude/client-binary.ts';
import { textsOf } from '../support/claude/conversation.ts';
import { leases, locationsOf, records, viewDaemon } from '../support/claude/daemon-view.ts';
import { expectNothingLeft, usePreparedWorld } from '../support/claude/prepared-world.ts';
import { idleExitMs } from '../support/claude/shared-servers.ts';
import { type InteractiveSession, openTerminal, type Terminal } from '../support/claude/terminal.ts';
import { signal, type World } from '../support/claude/world.ts';
import { eventually } from '../support/eventually.ts';

const names = ['exit', 'ctrl-c', 'clear', 'resume', 'sigterm', 'sighup', 'sigkill', 'denied'] as const;
type Name = (typeof names)[number];

const denied = ['--settings', JSON.stringify({ deniedMcpServers: [{ serverName: 'plugin:mcp-proxy:s' }] })];

/** How long a session that has ended may still count as one. */
const leaseTimeoutMs = 60_000;
/** The host gives its servers and hooks at most 0.5 s and 1.5 s; the rest is its own. */
const endTimeoutMs = 10_000;

describe.each(clientVersions)('interactive sessions of Claude Code %s', (version) => {
  const prepared = usePreparedWorld(version, names);
  let world: World;
  let terminal: Terminal | undefined;
  const sessions = new Map<Name, InteractiveSession>();
  const session = (name: Name): InteractiveSession => {
    const found = sessions.get(name);
    if (found === undefined) throw new Error(`${name} was not opened`);
    return found;
  };

  beforeAll(async () => {
    ({ world } = prepared);
    terminal = openTerminal(world);
    for (const name of names) sessions.set(name, terminal.open(name, name, name === 'denied' ? denied : []));
    for (const opened of sessions.values()) await opened.shows(/^❯/m);
  });
  afterAll(() => terminal?.close());

  /** Waits for the end, then for the lease; tells whether there was still a record when the host was gone. */
  async function endedWithRecord(name: Name): Promise<boolean> {
    const { pid, ended } = session(name);
    await ended(endTimeoutMs);
    const hadRecord = records(world).includes(pid);
    await eventually(async () => !(await leases(world)).includes(pid), {
      timeoutMs: leaseTimeoutMs,
      what: `the lease of ${name} to go`,
    });
    return hadRecord;
  }

  /** The session gets a new id without losing record or lease; the id proves that both hooks have run. */
  async function goesOn(name: Name, act: () => Promise<void>): Promise<void> {
    const { pid } = session(name);
    const recordNow = () => readRecord(locationsOf(world).recordsDir, pid);
    const before = recordNow();
    await act();
    const after = await eventually(() => recordNow()?.sessionId !== before?.sessionId && recordNow(), {
      what: `the record of ${name} to follow`,
    });
    // A record that was taken away and made anew would begin later.
    expect(after.since).toBe(before?.since);
    expect(await leases(world)).toContain(pid);
  }

  it('each have a record and, but for the one that may not use the server, a lease', async () => {
    const pids = (some: readonly Name[]) => some.map((name) => session(name).pid).sort((a, b) => a - b);
    const connected = names.filter((name) => name !== 'denied');
    await eventually(async () => (await leases(world)).length === connected.length, {
      what: 'a lease for each session',
    });
    await eventually(() => records(world).length === names.length, { what: 'the records' });
    expect(await leases(world)).toEqual(pids(connected));
    expect(records(world)).toEqual(pids(names));
  });

  it('show all of them on /mcp-proxy status, without a question to the user', async () => {
    await session('exit').line('/mcp-proxy status');
    const told = await eventually(
      () => world.api.requests.flatMap(textsOf).find((text) => text.includes('has already run')),
      { what: 'the output of the command to reach the model' },
    );
    for (const name of names.filter((name) => name !== 'denied')) expect(told).toContain(`/projects/${name} `);
  });

  it('/clear and /resume are no end', async () => {
    const { line, shows, keys } = session('resume');
    await line(world.api.script('earlier', [{ text: 'an earlier answer' }]));
    await shows(/an earlier answer/);
    await goesOn('clear', () => session('clear').line('/clear'));
    await goesOn('resume', () => line('/clear'));
    await goesOn('resume', async () => {
      await line('/resume');
      await shows(/Resume session[\s\S]*talk:earlier/);
      keys('Enter');
    });
  });

  it('/exit ends the record before the host', async () => {
    await session('exit').line('/exit');
    expect(await endedWithRecord('exit')).toBe(false);
    await session('clear').line('/exit');
    expect(await endedWithRecord('clear')).toBe(false);
    await session('resume').line('/exit');
    expect(await endedWithRecord('resume')).toBe(false);
  });

  it('Ctrl-C twice ends the record before the host', async () => {
    const { keys, shows } = session('ctrl-c');
    keys('C-c');
    await shows(/again to exit/i);
    keys('C-c');
    expect(await endedWithRecord('ctrl-c')).toBe(false);
  });

  it.each(['sigterm', 'sighup'] as const)('%s ends the record before the host', async (name) => {
    signal(session(name).pid, name === 'sigterm' ? 'SIGTERM' : 'SIGHUP');
    expect(await endedWithRecord(name)).toBe(false);
  });

  it('SIGKILL, which no hook sees, is noticed all the same', async () => {
    const { pid } = session('sigkill');
    signal(pid, 'SIGKILL');
    await endedWithRecord('sigkill');
    await eventually(() => !records(world).includes(pid), {
      timeoutMs: leaseTimeoutMs,
      what: 'its record to be pruned',
    });
  });

  it('a host that may not use the server does not hold the daemon', async () => {
    const { pid } = session('denied');
    expect(await leases(world)).toEqual([]);
    // A record younger than a minute does hold it, as its wrapper might be about to connect. This one grows old here.
    const { recordsDir } = locationsOf(world);
    const record = readRecord(recordsDir, pid);
    if (record === undefined) throw new Error('the denied host has no record');
    writeRecord(recordsDir, { ...record, since: new Date(Date.parse(record.since) - 60_000).toISOString() });
    await eventually(async () => (await viewDaemon(world)) === undefined && !existsSync(locationsOf(world).pidPath), {
      timeoutMs: idleExitMs + 60_000,
      what: 'the daemon to go while the denied host stays',
    });
    expect(isRunning(session('denied'))).toBe(true);
    expect(records(world)).toEqual([pid]);
    await session('denied').line('/exit');
    expect(await endedWithRecord('denied')).toBe(false);
    await terminal?.close();
  });

  it('leave nothing behind', () => expectNothingLeft(world));
});
