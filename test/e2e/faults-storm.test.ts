// Twenty sessions call without pause while their daemon is killed again and again. Breaks when a call is lost, answered
// twice, run twice, or said not to have run when it has; when a host sees its server go; when something stays behind.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import {
  auditCalls,
  Caller,
  copyPlugin,
  countRuns,
  killDaemons,
  type Outcome,
  percentile,
  removePlugin,
} from '../support/fault-rig.ts';
import { size } from '../support/full-size.ts';
import { textOf } from '../support/mcp-client.ts';

const sessions = 20;
/** Good answers from one kill to the next: some kills hit a recovery that has only begun, most a daemon at full work. */
const mostBetween = 50 * sessions;
const stormMs = Number(process.env['MCP_PROXY_STORM_MS'] ?? size(60_000, 20_000));

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

it('answers every call exactly once while the daemon is killed again and again', async () => {
  const countFile = join(rig.home, 'counted');
  rig.writeConfig({ c: fixture('echo.mjs', { COUNT_FILE: countFile }) });
  const callers = await Promise.all(
    Array.from({ length: sessions }, (_, i) =>
      Caller.open(rig, `s${i}`, { plugin, project: rig.project(`p${i % 4}`) }),
    ),
  );
  for (const caller of callers) caller.start();
  const good = () => callers.reduce((sum, { goodCalls }) => sum + goodCalls, 0);
  const kills: number[] = [];
  for (const until = Date.now() + stormMs; Date.now() < until; ) {
    const wanted = good() + 1 + Math.floor(Math.random() * mostBetween);
    await eventually(() => good() >= wanted, { what: 'the good calls before a kill', intervalMs: 5 });
    if (killDaemons(rig) > 0) kills.push(Date.now());
    if (kills.length % 3 === 0) deleteFiles(rig);
  }
  await Promise.all(callers.map((caller) => caller.stop()));

  const outcomes = callers.flatMap((caller) => caller.outcomes);
  const lost = outcomes.filter(({ isGood }) => !isGood);
  const report = recovery(rig.log(), kills, outcomes);
  console.log(
    `${outcomes.length} calls, ${kills.length} kills, ${lost.length} answered with the loss; ` +
      `to the next hello p50 ${report.hello.p50} ms, max ${report.hello.max} ms; ` +
      `to the next good call p50 ${report.call.p50} ms, max ${report.call.max} ms ` +
      `(the server's own start: p50 ${report.start.p50} ms)`,
  );
  expect(auditCalls(callers, countRuns(countFile))).toEqual([]);
  expect(kills.length).toBeGreaterThan(stormMs / 2_500);
  expect(outcomes.filter(({ isGood }) => isGood).length).toBeGreaterThan(kills.length * sessions);
  expect(report.hello.max).toBeLessThanOrEqual(3_000);

  // After the storm everybody is served again; a daemon that is there cleans up behind those before it.
  for (const { client } of callers) expect(textOf(await client.call('c__count', { tag: 'after' }))).toBe('counted');
  await rig.closeSessions();
  await rig.nothingLeft();
});

/** What people and cleaning programs do. */
function deleteFiles({ locations }: DaemonRig): void {
  rmSync(locations.pidPath, { force: true });
  try {
    for (const name of readdirSync(locations.recordsDir)) rmSync(join(locations.recordsDir, name), { force: true });
  } catch {
    // the folder is not there
  }
}

type Spread = { p50: number; max: number };

/** For each kill: the first hello and the first good call after it, of all sessions. */
function recovery(
  events: ReturnType<DaemonRig['log']>,
  kills: readonly number[],
  outcomes: readonly Outcome[],
): { hello: Spread; call: Spread; start: Spread } {
  const hellos = events.filter(({ event }) => event === 'session.opened').map(({ time }) => Date.parse(String(time)));
  const calls = outcomes.filter(({ isGood }) => isGood);
  const starts = events.filter(({ event }) => event === 'server.ready').map(({ ms }) => Number(ms));
  const first = (times: (kill: number) => readonly number[]) =>
    kills.flatMap((kill) => {
      const next = times(kill).reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
      return Number.isFinite(next) ? [next - kill] : [];
    });
  return {
    hello: spread(first((kill) => hellos.filter((time) => time > kill))),
    // Sent after the kill: an answer that was on its way is no recovery.
    call: spread(first((kill) => calls.filter(({ doneAt, ms }) => doneAt - ms > kill).map(({ doneAt }) => doneAt))),
    start: spread(starts),
  };
}

function spread(values: readonly number[]): Spread {
  return { p50: Math.round(percentile(values, 0.5)), max: Math.round(Math.max(...values)) };
}
