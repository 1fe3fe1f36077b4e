// One server alone behind its own entry (`--server`), while nobody knows anything of it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { errorOf, namesIn, resultOf, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

it('answers initialize before it gives up on a server that never speaks, and its calls say why', async () => {
  rig.writeConfig({ mute: fixture('silent.mjs', {}, { startTimeoutMs: 12_000 }) });
  const session = await rig.connected({ args: ['--server', 'mute'] });
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'host', version: '1' } };
  const introduced = resultOf(await session.request('initialize', params));
  // Hosts give up after five seconds; a unit test knows how long ours waits.
  expect((await rig.status()).servers[0]?.state).toBe('starting');
  expect(introduced).toMatchObject({ serverInfo: { name: 'mute' }, capabilities: { tools: {}, resources: {} } });
  session.notify('notifications/initialized');
  expect(resultOf(await session.request('ping'))).toEqual({});
  const answer = await session.call('any');
  expect(resultOf(answer)).toMatchObject({
    isError: true,
    _meta: { 'aitkit/error': { code: 'SERVER_START_TIMEOUT' } },
  });
  expect(textOf(answer)).toContain('mute');
  expect(namesIn(await session.request('tools/list'), 'tools')).toEqual([]);
});

it('shows what a slow server offers once it is there', async () => {
  const startFile = join(rig.home, 'begin');
  rig.writeConfig({ slow: fixture('slow-start.mjs', { START_FILE: startFile }) });
  const session = await rig.connected({ args: ['--server', 'slow'] });
  const first = await session.initialize();
  expect(resultOf(first)['serverInfo']).toEqual({ name: 'slow', version: '0' });
  writeFileSync(startFile, '');
  expect(textOf(await session.call('echo', { text: 'waited' }))).toBe('waited');
  expect(await session.toolNames()).toContain('count');
  // What is known is told at once, in the server's own words.
  const next = await rig.open({ args: ['--server', 'slow'] });
  const [introduction] = next.messages;
  expect(resultOf(introduction ?? {})['serverInfo']).toEqual({ name: 'echo', version: '1.2.3' });
});

it('says at once why a server cannot be had', async () => {
  rig.writeConfig({ gone: { command: 'no-such-program-of-anyone', sharing: 'shared' } });
  const session = await rig.connected({ args: ['--server', 'gone'] });
  expect(errorOf(await session.initialize()).message).toContain('no-such-program-of-anyone');
  const other = rig.session({ args: ['--server', 'never-configured'] });
  expect(errorOf(await other.initialize()).message).toContain('never-configured');
});
