// Two installed versions side by side: the newer takes over when nothing is lost by it, and never back and forth.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readEndpoint } from '../../src/link/endpoint.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { auditCalls, Caller, copyPlugin, countRuns, isGood, killDaemons, removePlugin } from '../support/fault-rig.ts';
import { size } from '../support/full-size.ts';
import { textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let [older, newer] = ['', ''];
beforeEach(() => {
  [older, newer] = [copyPlugin('0.8.0'), copyPlugin('0.9.0')];
  rig = new DaemonRig();
});
afterEach(async () => {
  await rig.dispose();
  removePlugin(older);
  removePlugin(newer);
});

const countFile = () => join(rig.home, 'counted');
const counting = (sharing: string) => {
  rig.writeConfig({ c: fixture('echo.mjs', { COUNT_FILE: countFile() }, { sharing }) });
};
const running = () => readEndpoint(rig.locations.pidPath)?.build.version;
const runs = (version: string, timeoutMs = 60_000) =>
  eventually(() => running() === version, { timeoutMs, what: `version ${version} to run, now ${running()}` });
const installed = (version: string) =>
  eventually(() => existsSync(join(rig.locations.appDir, version, 'build.json')), {
    what: `version ${version} to be installed`,
  });

it('a newer build takes over under open sessions without a lost call; the old folder may be gone', async () => {
  counting('shared');
  const caller = await Caller.open(rig, 'old', { plugin: older });
  expect(textOf(await caller.client.call('c__count', { tag: 'before' }))).toBe('counted');
  expect(running()).toBe('0.8.0');
  await installed('0.8.0');
  rmSync(older, { recursive: true });
  const second = await Caller.open(rig, 'new', { plugin: newer });
  caller.start();
  await installed('0.9.0');
  // Calls without pause: it waits, and says so.
  await caller.stop();
  await runs('0.9.0');
  expect(textOf(await caller.client.call('c__count', { tag: 'after' }))).toBe('counted');
  expect(textOf(await second.client.call('c__count', { tag: 'after-too' }))).toBe('counted');
  expect(auditCalls([caller, second], countRuns(countFile()))).toEqual([]);
  expect(caller.outcomes.filter(({ isGood }) => !isGood)).toEqual([]);
  expect(rig.daemons()).toHaveLength(1);
});

it('it waits while a server with the state of a project runs, status says so, and a restart takes it at once', async () => {
  counting('project');
  const caller = await Caller.open(rig, 'old', { plugin: older });
  const server = textOf(await caller.client.call('c__pid'));
  await Caller.open(rig, 'new', { plugin: newer });
  await installed('0.9.0');
  const waiting = await rig.statusUntil(({ daemon }) => daemon.upgrade !== undefined, 'the upgrade to wait');
  expect(waiting.daemon.upgrade).toEqual({
    to: { version: '0.9.0', fingerprint: 'test' },
    waitsFor: 'It waits until c is idle: their state would be lost.',
  });
  expect((await rig.cli(['status'])).stdout).toMatch(/0\.9\.0.*waits/s);
  expect(textOf(await caller.client.call('c__pid'))).toBe(server);
  expect((await rig.cli(['restart'])).stdout).toContain('version 0.9.0');
  expect(textOf(await caller.client.call('c__pid'))).not.toBe(server);
});

it('does not go back and forth over many restarts of the daemon', async () => {
  counting('shared');
  const clients = await Promise.all([older, newer].map((plugin) => rig.open({ plugin, args: ['--mode', 'all'] })));
  await Promise.all([installed('0.8.0'), installed('0.9.0')]);
  await runs('0.9.0');
  const handOvers = () => rig.log().filter(({ event }) => event === 'upgrade.starts').length;
  const before = handOvers();
  expect(before).toBeLessThanOrEqual(1);
  const builds = new Set<string | undefined>();
  for (let n = 0; n < size(100, 25); n += 1) {
    killDaemons(rig);
    // Both wrappers are back each time, and long enough for a daemon that does not die of its start: a wrapper tries less
    // and less often to start one that does.
    await eventually(
      async () => {
        const { daemon, sessions } = await rig.status();
        const isBack = ({ since }: { since: string }) => Date.now() - Date.parse(since) > 300;
        return rig.daemons().join() === `${daemon.pid}` && sessions.length === clients.length && sessions.every(isBack);
      },
      { what: `restart ${n}`, intervalMs: 10 },
    );
    builds.add(running());
  }
  expect([...builds]).toEqual(['0.9.0']);
  expect(handOvers()).toBe(before);
});

it('a newer build that does not start leaves the older one in service', async () => {
  counting('shared');
  const caller = await Caller.open(rig, 'old', { plugin: older });
  await Caller.open(rig, 'new', { plugin: newer });
  await installed('0.9.0');
  await runs('0.9.0');
  const broken = join(rig.locations.appDir, '0.9.0', 'dist', 'daemon.cjs');
  writeFileSync(broken, 'throw new Error("built on a bad day");\n');
  writeFileSync(join(newer, 'dist', 'daemon.cjs'), readFileSync(broken));
  killDaemons(rig);
  await runs('0.8.0');
  await eventually(async () => isGood(await caller.client.call('c__count', { tag: `x${Math.random()}` })), {
    what: 'a good call',
  });
});

it('another protocol major has a socket, a lock and a daemon of its own', async () => {
  counting('shared');
  // Version 2 of the link: the same programs under the other names.
  for (const file of ['dist/wrapper.cjs', 'dist/daemon-program.cjs']) {
    const path = join(newer, file);
    const text = readFileSync(path, 'utf8');
    const changed = text.replace(/protocolMajor = 1;/g, 'protocolMajor = 2;');
    expect(changed).not.toBe(text);
    writeFileSync(path, changed);
  }
  const first = await Caller.open(rig, 'one', { plugin: older });
  const second = await Caller.open(rig, 'two', { plugin: newer, isElsewhere: true });
  for (const { client } of [first, second]) {
    expect(textOf(await client.call('c__count', { tag: `${Math.random()}` }))).toBe('counted');
  }
  expect(rig.daemons()).toHaveLength(2);
  killDaemons(rig);
  await eventually(() => rig.daemons().length === 2, { what: 'both daemons again' });
  for (const { client } of [first, second]) {
    await eventually(async () => isGood(await client.call('c__count', { tag: `${Math.random()}` })), {
      what: 'a good call',
    });
  }
});
