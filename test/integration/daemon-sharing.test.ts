import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

it('ten sessions share five servers, get their own answers, and leave nothing behind', async () => {
  const names = ['alpha', 'beta', 'gamma', 'delta', 'epsilon'];
  rig.writeConfig(Object.fromEntries(names.map((name) => [name, fixture('echo.mjs', { ECHO_NAME: name })])));
  const projects = Array.from({ length: 10 }, (_, i) => rig.project(`project-${i % 4}`));
  const sessions = await Promise.all(projects.map((project) => rig.open({ project })));

  const pids = await Promise.all(
    sessions.map(async (session) => {
      const tools = await session.toolNames();
      expect(tools).toContain('alpha__pid');
      expect(tools).toContain('epsilon__pid');
      return Promise.all(names.map(async (name) => textOf(await session.call(`${name}__pid`))));
    }),
  );
  expect(new Set(pids.map((row) => row.join())).size).toBe(1);
  expect(new Set(pids[0]).size).toBe(5);
  expect(
    rig
      .servers()
      .map(({ pid }) => String(pid))
      .sort(),
  ).toEqual([...(pids[0] ?? [])].sort());
  expect(rig.daemons()).toHaveLength(1);
  expect(rig.records()).toHaveLength(10);

  // The same ids in every session, answered in an order that is not the one they were asked in.
  const turns = Array.from({ length: 10 }, (_, turn) => join(rig.home, `turn-${turn}`));
  const answered = Promise.all(
    sessions.map(async (session, i) => {
      for (let id = 0; id < 20; id += 1) {
        const args = { until: turns[(i * 7 + id * 13) % 10], text: `session ${i} call ${id}` };
        session.send({
          jsonrpc: '2.0',
          id,
          method: 'tools/call',
          params: { name: `${names[id % 5]}__slow`, arguments: args },
        });
      }
      for (let id = 0; id < 20; id += 1) expect(textOf(await session.answer(id))).toBe(`session ${i} call ${id}`);
    }),
  );
  const run = (count: number) =>
    rig.statusUntil(
      ({ servers }) =>
        servers.flatMap(({ instances }) => instances).reduce((sum, one) => sum + one.inFlight, 0) === count,
      `${count} calls to run`,
    );
  await run(200);
  for (const [i, turn] of turns.entries()) {
    writeFileSync(turn, '');
    await run(180 - 20 * i);
  }
  await answered;
  for (const session of sessions) {
    expect(session.messages.filter((message) => typeof message['id'] === 'number')).toHaveLength(20);
    expect(session.garbage).toEqual([]);
  }

  await rig.closeSessions();
  await rig.nothingLeft();
  expect(existsSync(rig.locations.dataDir)).toBe(true);
  expect(existsSync(rig.configPath)).toBe(true);
});
