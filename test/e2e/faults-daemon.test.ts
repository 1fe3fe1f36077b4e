// The daemon is stopped, killed, robbed of its files. Each test names what must go on all the same.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRunning, linuxStat } from '../../src/base/process-identity.ts';
import { readEndpoint } from '../../src/link/endpoint.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import {
  auditCalls,
  Caller,
  copyPlugin,
  countRuns,
  daemonPid,
  errorData,
  isGood,
  removePlugin,
  signal,
} from '../support/fault-rig.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let plugin: string;
beforeEach(() => {
  plugin = copyPlugin();
  rig = new DaemonRig();
});
afterEach(async () => {
  await rig.dispose();
  removePlugin(plugin);
});

const countFile = () => join(rig.home, 'counted');
const counting = (more: Record<string, unknown> = {}) => {
  rig.writeConfig({ c: fixture('echo.mjs', { COUNT_FILE: countFile() }), ...more });
};
const open = (name = 's') => Caller.open(rig, name, { plugin });
const works = async ({ client }: Caller, tag = 'works') =>
  expect(textOf(await client.call('c__count', { tag }))).toBe('counted');
/** After a kill the first call may have been on its way to the dead: it is told so, and the next one works. */
const recovers = (client: McpClient, tag: string) => {
  let n = 0;
  return eventually(
    async () => {
      n += 1;
      return textOf(await client.call('c__count', { tag: `${tag}-${n}` })) === 'counted';
    },
    { what: `${tag}: a good call` },
  );
};

describe('a daemon that is stopped', () => {
  it('is waited for: no second one, nothing lost, nothing run twice', async () => {
    counting();
    const callers = await Promise.all(['a', 'b', 'c'].map(open));
    for (const caller of callers) caller.start();
    const pid = await daemonPid(rig);
    await eventually(() => countRuns(countFile()).size > 20, { what: 'calls' });
    process.kill(pid, 'SIGSTOP');
    const stoppedAt = Date.now();
    // A session that comes meanwhile must not start another either.
    const late = rig.session({ plugin, args: ['--mode', 'all'] });
    const initialized = late.initialize();
    await eventually(() => Date.now() - stoppedAt > 20_000, { what: '20 s to pass' });
    expect(rig.daemons()).toEqual([pid]);
    // It was answered from the face on disk.
    await initialized;
    process.kill(pid, 'SIGCONT');
    expect(textOf(await late.call('c__count', { tag: 'late' }))).toBe('counted');
    await Promise.all(callers.map((caller) => caller.stop()));
    for (const caller of callers) await works(caller, `after-${caller.outcomes.length}-${caller.outcomes[0]?.tag}`);
    expect(auditCalls(callers, countRuns(countFile()))).toEqual([]);
    expect(callers.flatMap(({ outcomes }) => outcomes).filter(({ isGood }) => !isGood)).toEqual([]);
    expect(rig.daemons()).toEqual([pid]);
  });

  it('is named as stopped by the commands, and ended by force, verified', async () => {
    counting();
    const caller = await open();
    await works(caller);
    const pid = await daemonPid(rig);
    process.kill(pid, 'SIGSTOP');
    const status = await rig.cli(['status']);
    expect(status.code).toBe(1);
    expect(status.stdout.replace(/\s+/g, ' ')).toContain(
      `(pid ${pid}) did not answer for 5 s and its process is stopped`,
    );
    const doctor = await rig.cli(['doctor', '--json']);
    expect(JSON.parse(doctor.stdout).findings).toContainEqual(
      expect.objectContaining({ check: 'endpoint', severity: 'error', what: expect.stringContaining('is stopped') }),
    );
    expect((await rig.cli(['restart', '--force'])).code).toBe(0);
    expect(linuxStat(pid)?.state ?? 'gone').toMatch(/^(?:gone|Z)$/);
    await works(caller, 'again');
  });
});

describe('files taken away from a running daemon', () => {
  it('a deleted socket is put back within seconds; open sessions notice nothing', async () => {
    counting();
    const caller = await open();
    await works(caller);
    const pid = await daemonPid(rig);
    const { socketPath } = rig.locations;
    rmSync(socketPath);
    caller.start();
    await eventually(() => existsSync(socketPath), { what: 'the socket' });
    await caller.stop();
    const second = await open('second');
    await works(second, 'second');
    expect(await daemonPid(rig)).toBe(pid);
    expect(auditCalls([caller], countRuns(countFile()))).toEqual([]);
    expect(caller.outcomes.every(({ isGood }) => isGood)).toBe(true);
  });

  it('a deleted run folder is put back: socket, pid file, lock name, records', async () => {
    counting();
    const caller = await open();
    await works(caller);
    const pid = await daemonPid(rig);
    const { runRoot, pidPath, socketPath, lockKeyPath } = rig.locations;
    const [record] = rig.records();
    const key = readFileSync(lockKeyPath, 'utf8');
    rmSync(runRoot, { recursive: true });
    await eventually(
      () => existsSync(socketPath) && readEndpoint(pidPath)?.pid === pid && rig.records()[0] === record,
      { what: 'the run folder to come back' },
    );
    expect(readFileSync(lockKeyPath, 'utf8')).toBe(key);
    expect(statSync(runRoot).mode & 0o777).toBe(0o700);
    const second = await open('second');
    await works(second, 'second');
    await works(caller, 'first-again');
    expect(rig.daemons()).toEqual([pid]);
  });

  it('a daemon that lost its folder to another makes way for it, and no call is lost', async () => {
    counting();
    const caller = await open();
    await works(caller);
    const first = await daemonPid(rig);
    // Before the first one looks, a new session finds nothing there and starts another.
    process.kill(first, 'SIGSTOP');
    rmSync(rig.locations.runRoot, { recursive: true });
    const second = await open('second');
    await works(second, 'second');
    process.kill(first, 'SIGCONT');
    await eventually(() => rig.daemons().length === 1 && rig.daemons()[0] !== first, {
      what: 'the first daemon to go',
    });
    await works(caller, 'first-again');
    await works(second, 'second-again');
    expect(rig.daemons()).toHaveLength(1);
  });

  it('a pid file that names a stranger harms nobody', async () => {
    counting();
    const stranger = rig.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
    const caller = await open();
    await works(caller);
    const endpoint = JSON.parse(readFileSync(rig.locations.pidPath, 'utf8'));
    process.kill(await daemonPid(rig), 'SIGKILL');
    writeFileSync(rig.locations.pidPath, JSON.stringify({ ...endpoint, pid: stranger.pid }));
    expect((await rig.cli(['restart', '--force'])).code).toBe(0);
    await recovers(caller.client, 'again');
    expect(stranger.exitCode).toBeNull();
    expect(stranger.signalCode).toBeNull();
  });
});

type Start = { pid: number; tag: string; client: McpClient; events: () => Set<string> };
/** What is to be seen of a start, from before the lock to the first answer. */
const stages: [what: string, isThere: (start: Start) => boolean][] = [
  ['its process', () => true],
  ['its lock', holdsLock],
  ['its socket', () => existsSync(rig.locations.socketPath)],
  ['its pid file', ({ pid }) => readEndpoint(rig.locations.pidPath)?.pid === pid],
  ['its word that it is ready', ({ events }) => events().has('daemon.ready')],
  ['its session', ({ events }) => events().has('session.opened')],
  ['the process of its server', () => rig.servers().length > 0],
  ['its server ready', ({ events }) => events().has('server.ready')],
  ['the call run', ({ tag }) => countRuns(countFile()).has(tag)],
  ['the call answered', ({ client }) => client.messages.some(isCallAnswer)],
];
/** Elsewhere than on Linux the lock is not to be seen. */
function holdsLock(): boolean {
  const sockets = '/proc/net/unix';
  const key = () => readFileSync(rig.locations.lockKeyPath, 'utf8').trim();
  return !existsSync(sockets) || readFileSync(sockets, 'utf8').includes(`@aitkit-${key()}`);
}
const isCallAnswer = (message: Record<string, unknown>) =>
  'result' in message && 'content' in Object(message['result']);

describe('a daemon killed while it starts', () => {
  it('at any moment: the next one serves, and nothing of the former stays', async () => {
    counting();
    const moments = stages.flatMap(([stage, isThere]) => [0, 5].map((looks) => ({ stage, isThere, looks })));
    for (const [i, { stage, isThere, looks }] of moments.entries()) {
      const logged = rig.log().length;
      const client = rig.session({ plugin, args: ['--mode', 'all'] });
      const tag = `start-${i}`;
      const asked = client.initialize().then(() => client.call('c__count', { tag }));
      const pid = await eventually(() => rig.daemons()[0], { what: 'a daemon', intervalMs: 1 });
      const events = () =>
        new Set(
          rig
            .log()
            .slice(logged)
            .map(({ event }) => event),
        );
      await eventually(() => isThere({ pid, tag, client, events }), { what: stage, intervalMs: 1 });
      // Each a way through the system's processes: some milliseconds on.
      for (let n = 0; n < looks; n += 1) rig.daemons();
      signal(pid, 'SIGKILL');
      const answer = await asked;
      const ran = countRuns(countFile()).get(`start-${i}`) ?? 0;
      expect(ran).toBeLessThanOrEqual(1);
      if (isGood(answer)) expect(ran).toBe(1);
      else if (errorData(answer)['mayHaveRun'] === false) expect(ran).toBe(0);
      await recovers(client, `after-${i}`);
      await eventually(() => rig.servers().length === 1, { what: 'one copy of the server' });
      await client.close();
      await rig.cli(['stop', '--force']);
    }
    await rig.nothingLeft();
  });
});

it('what a killed daemon left is ended by the next one, although its journal is gone too', async () => {
  // Neither reads its input's end nor heeds SIGTERM; its child is in another process.
  rig.writeConfig({ bad: fixture('stubborn.mjs'), c: fixture('echo.mjs', { COUNT_FILE: countFile() }) });
  const first = rig.session({ plugin, args: ['--server', 'bad'] });
  // It never introduces itself, so this is not answered while its daemon lives.
  const opening = first.initialize().catch(() => {});
  const stubborn = () => rig.servers().filter(({ command }) => command.includes('stubborn'));
  await eventually(() => stubborn().length === 2, { what: 'the server and its child' });
  const left = stubborn().map(({ pid }) => pid);
  first.child.stdin?.end();
  process.kill(await daemonPid(rig), 'SIGKILL');
  rmSync(rig.locations.journalPath);
  // A stranger with a marker of another folder is not ours to end.
  const other = rig.spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], {
    AITKIT_INSTANCE: 'bad-1-000000000000-0123456789abcdef',
  });
  const caller = await open();
  await recovers(caller.client, 'after');
  await eventually(() => left.every((pid) => !isRunning({ pid })), { what: 'the leftovers to end' });
  expect(other.exitCode ?? other.signalCode).toBeNull();
  await opening;
});

describe('limits of the system', () => {
  it('few file descriptors: what is too much is refused with a reason, open sessions go on', async () => {
    counting();
    const within = ['/bin/sh', '-c', 'ulimit -n 64; exec "$@"', 'limited'];
    const first = new Caller(await rig.open({ plugin, within, args: ['--mode', 'all'] }), 'first');
    await works(first);
    first.start();
    const crowd = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const client = rig.session({ plugin, args: ['--mode', 'all'] });
        return { client, answered: client.initialize().then(() => i) };
      }),
    );
    // Each is answered: by the daemon, or from the face while the daemon has no room.
    await Promise.all(crowd.map(({ answered }) => answered));
    await first.stop();
    expect(first.outcomes.every(({ isGood }) => isGood)).toBe(true);
    expect(auditCalls([first], countRuns(countFile()))).toEqual([]);
    for (const { client } of crowd) client.child.stdin?.end();
    await Promise.all(crowd.map(({ client }) => client.exited));
    await works(first, 'after-the-crowd');
  });
});
