// A thousand sessions at once, sessions that come and go, hosts that stop reading or are killed.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { copyPlugin, countRuns, daemonPid, isGood, percentile, removePlugin } from '../support/fault-rig.ts';
import { footprint } from '../support/footprint.ts';
import { LinkSession } from '../support/link-session.ts';
import { textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let plugin: string;
beforeEach(() => {
  plugin = copyPlugin();
  rig = new DaemonRig();
  rig.writeConfig({ c: fixture('echo.mjs', { COUNT_FILE: join(rig.home, 'counted') }) });
});
afterEach(async () => {
  await rig.dispose();
  removePlugin(plugin);
});

it('serves a thousand sessions at once and loses no call', async () => {
  const keeper = await rig.open({ plugin, args: ['--mode', 'all'] });
  await keeper.call('c__count', { tag: 'first' });
  const pid = await daemonPid(rig);
  const { socketPath } = rig.locations;
  const before = footprint(pid);
  const sessions: LinkSession[] = [];
  for (let n = 0; n < 20; n += 1) {
    const project = rig.project(`p${n}`);
    sessions.push(...(await Promise.all(Array.from({ length: 50 }, () => LinkSession.open(socketPath, project)))));
  }
  const open = footprint(pid);
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const answers = await Promise.all(
      sessions.map(async (session, i) => {
        const begin = performance.now();
        const answer = await session.call('c__count', { tag: `r${round}-${i}` });
        times.push(performance.now() - begin);
        return answer;
      }),
    );
    expect(answers.filter((answer) => !isGood(answer))).toEqual([]);
  }
  // Before anybody asks for a report on a thousand sessions.
  const after = footprint(pid);
  const runs = countRuns(join(rig.home, 'counted'));
  expect(runs.size).toBe(3_001);
  expect([...runs.values()].every((count) => count === 1)).toBe(true);
  expect((await rig.status()).sessions).toHaveLength(1_001);
  const kib = (bytes: number) => (bytes / 1_024 / sessions.length).toFixed(1);
  console.log(
    `1,000 sessions: ${kib(open.ownBytes - before.ownBytes)} KiB each connected, ` +
      `${kib(after.ownBytes - before.ownBytes)} KiB each after 3 rounds of calls at once ` +
      `(p50 ${percentile(times, 0.5).toFixed(0)} ms, p99 ${percentile(times, 0.99).toFixed(0)} ms)`,
  );
  for (const session of sessions) session.close();
  await rig.statusUntil(({ sessions: left }) => left.length === 1, 'the thousand to be gone');
  await eventually(() => footprint(pid).fds <= before.fds + 2, { what: 'their descriptors to be closed' });
});

it('a host that stops reading holds up nobody, and only its own session is closed for it', async () => {
  rig.writeConfig(
    { c: fixture('echo.mjs', { COUNT_FILE: join(rig.home, 'counted') }) },
    { daemon: { idleExitMs: 300, maxMessageBytes: 1_048_576 } },
  );
  const keeper = await rig.open({ plugin, args: ['--mode', 'all'] });
  await keeper.call('c__count', { tag: 'first' });
  const slow = await LinkSession.open(rig.locations.socketPath, rig.project('slow'));
  slow.pause();
  const big = 'x'.repeat(200_000);
  for (let n = 0; n < 60; n += 1) slow.call('c__echo', { text: big }).catch(() => {});
  for (let n = 0; n < 50; n += 1) {
    expect(textOf(await keeper.call('c__echo', { text: `quick ${n}` }))).toContain(`quick ${n}`);
  }
  await rig.statusUntil(({ sessions }) => sessions.length === 1, 'the session that does not read to be closed');
  expect(
    rig.log().find(({ event, reason }) => event === 'session.closed' && /did not read/.test(String(reason))),
  ).toBeDefined();
  slow.close();
});

it('a host that is killed is gone from status and records within seconds', async () => {
  const keeper = await rig.open({ plugin, args: ['--mode', 'all'] });
  const victim = await rig.open({ plugin, args: ['--mode', 'all'] });
  await rig.statusUntil(({ sessions }) => sessions.length === 2, 'two sessions');
  await eventually(() => rig.records().length === 2, { what: 'two records' });
  victim.child.kill('SIGKILL');
  await rig.statusUntil(({ sessions }) => sessions.length === 1, 'the killed session to be gone');
  await eventually(() => rig.records().length === 1, { what: 'its record to be gone' });
  expect(textOf(await keeper.call('c__count', { tag: 'after' }))).toBe('counted');
});

it('sessions that come and go leave no descriptor, process or memory behind', async () => {
  const keeper = await rig.open({ plugin, args: ['--mode', 'all'] });
  await keeper.call('c__count', { tag: 'first' });
  const pid = await daemonPid(rig);
  const project = rig.project('p');
  const cycle = async (count: number) => {
    for (let n = 0; n < count; n += 25) {
      await Promise.all(
        Array.from({ length: 25 }, async () => {
          const session = await LinkSession.open(rig.locations.socketPath, project);
          await session.call('c__echo', { text: 'x' });
          session.close();
        }),
      );
    }
    await rig.statusUntil(({ sessions }) => sessions.length === 1, 'them to be gone');
  };
  // The heap finds its size first.
  await cycle(1_000);
  const before = footprint(pid);
  await cycle(1_000);
  // Status does not count a session any more a moment before its descriptor is closed.
  await eventually(() => footprint(pid).fds <= before.fds, { what: 'their descriptors to be closed' });
  const after = footprint(pid);
  console.log(`1,000 sessions opened and closed: ${JSON.stringify({ before, after })}`);
  expect(after.processes).toBe(before.processes);
  // The long run (npm run soak) holds it to 5 %; a thousand sessions are about two collections of the heap.
  expect(after.ownBytes).toBeLessThan(before.ownBytes * 1.5);
});
