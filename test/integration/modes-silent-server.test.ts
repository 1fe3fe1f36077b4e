// Gateway and dynamic mode beside servers that never answer or cannot start: nobody else's call waits for them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { invoke, jsonOf, start } from '../support/gateway-calls.ts';
import { type McpClient, namesIn, resultOf, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

const searchAll = (session: McpClient, query = 'return the arguments it is given') =>
  session.call('gateway_search', { query });
async function took(act: () => Promise<unknown>): Promise<number> {
  const since = Date.now();
  await act();
  return Date.now() - since;
}
/** The wait for lists, which is a timer: what waited has not taken less. */
const soonMs = 10_000;

it('a server that never speaks costs the first search one wait, and other calls nothing', async () => {
  const good = fixture('echo.mjs');
  rig.writeConfig({ good });
  // Makes its list known; the other server comes after that.
  const before = await rig.open({ args: ['--mode', 'gateway'] });
  expect(textOf(await invoke(before, 'good__echo', { text: 'x' }))).toBe('x');
  rig.writeConfig({ good, mute: fixture('silent.mjs', {}, { startTimeoutMs: 60_000 }) });
  const session = await rig.open({ args: ['--mode', 'gateway'] });
  const reloaded = ({ servers }: { servers: { name: string }[] }) => servers.length === 2;
  await rig.statusUntil(reloaded, 'the reload');
  expect(await took(() => invoke(session, 'good__echo', { text: 'x' }))).toBeLessThan(soonMs);
  expect(await took(() => session.call('gateway_describe', { ids: ['good__echo'] }))).toBeLessThan(soonMs);
  expect(await took(() => invoke(session, 'good__nothing'))).toBeLessThan(soonMs);
  let job = '';
  const starting = async () => {
    job = await start(session, 'good__slow', { forever: true });
  };
  expect(await took(starting)).toBeLessThan(soonMs);
  expect(await took(() => session.call('gateway_invoke_status', { jobId: job }))).toBeLessThan(soonMs);
  expect(await took(() => session.call('gateway_get_result', { ref: 'none' }))).toBeLessThan(soonMs);
  const named = { query: 'echo', servers: ['good'] };
  expect(await took(() => session.call('gateway_search', named))).toBeLessThan(soonMs);

  const first = jsonOf(await searchAll(session));
  expect(first).toMatchObject({ tools: expect.arrayContaining([expect.objectContaining({ id: 'good__echo' })]) });
  expect(first['note']).toContain('mute (still starting');
  expect(await took(() => searchAll(session))).toBeLessThan(soonMs);
  // It was waited for by another session already.
  const dynamic = await rig.open({ args: ['--mode', 'dynamic'] });
  const retrieve = () => dynamic.call('retrieve_tools', { query: 'return the arguments it is given' });
  expect(await took(retrieve)).toBeLessThan(soonMs);
  const found = jsonOf(await retrieve());
  expect(namesIn({ result: found }, 'tools')).toContain('good__echo');
  expect(found['note']).toContain('mute (still starting');
});

it('a server that cannot start is tried once, and again by a call that names it', async () => {
  rig.writeConfig({ good: fixture('echo.mjs'), gone: { command: 'no-such-program-of-anyone', sharing: 'shared' } });
  const session = await rig.open({ args: ['--mode', 'gateway'] });
  const failed = () => rig.log().filter(({ event }) => event === 'server.start-failed').length;
  const answer = jsonOf(await searchAll(session));
  expect(answer['note']).toContain('no-such-program-of-anyone');
  const once = failed();
  for (let i = 0; i < 3; i += 1) {
    await searchAll(session);
    await invoke(session, 'good__echo', { text: 'x' });
    await session.call('gateway_describe', { ids: ['good__echo', 'nothing'] });
    await session.call('gateway_invoke_status', {});
  }
  expect(failed()).toBe(once);
  const named = await invoke(session, 'gone__tool');
  expect(resultOf(named)).toMatchObject({
    isError: true,
    _meta: { 'aitkit/error': { code: 'SERVER_NOT_INSTALLED' } },
  });
  expect(failed()).toBe(once + 1);
});

it('a call waits for the server that it names while that one starts', async () => {
  const startFile = join(rig.home, 'begin');
  rig.writeConfig({ slow: fixture('slow-start.mjs', { START_FILE: startFile }) });
  const session = await rig.open({ args: ['--mode', 'gateway'] });
  const called = invoke(session, 'slow::echo', { text: 'there' });
  await rig.statusUntil(({ servers }) => servers[0]?.instances[0]?.pid !== undefined, 'the start to begin');
  // Whatever answers by itself would have answered by then.
  await session.request('ping');
  writeFileSync(startFile, '');
  expect(textOf(await called)).toBe('there');
});
