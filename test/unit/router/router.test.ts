// What a host tells: what is taken here, and what is passed on to what is the session's own.
import { describe, expect, it } from 'vitest';
import { statelessVersion } from '../../../src/mcp/versions.ts';
import { createWorld, settled, type WorldSetup } from '../../support/call-rig.ts';
import { tool } from '../../support/memory-server.ts';

const lists = { tools: [tool('go')] };

async function open(servers: WorldSetup['servers'] = { a: { lists } }) {
  const world = createWorld({ servers });
  const host = world.session('h');
  for (const name of Object.keys(servers)) await world.ready(host, name);
  for (const name of Object.keys(servers)) world.server(name).lines.splice(0);
  const ask = async (method: string, params: unknown, id: unknown) => {
    host.say({ jsonrpc: '2.0', id, method, params });
    await settled();
  };
  return { world, host, ask, a: world.server('a') };
}

describe('a notification', () => {
  it('that it is initialized is taken', async () => {
    const { host } = await open();
    host.session.isInitialized = false;
    host.say({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect([host.session.isInitialized, host.sent]).toEqual([true, []]);
  });

  it('that a call is cancelled ends it, with its reason; of another id nothing happens', async () => {
    const { host, ask, a } = await open();
    await ask('tools/call', { name: 'a__go' }, 'A');
    host.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'B' } });
    host.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: {} });
    expect(a.notifications()).toEqual([]);
    host.say(
      String.raw`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\u0041","reason":"r"}}`,
    );
    expect(a.notifications()).toMatchObject([{ method: 'notifications/cancelled', params: { reason: 'r' } }]);
    expect(host.session.requests.size).toBe(0);
  });

  it('of anything else goes to what is the session’s own, as it was written, and to nobody’s shared copy', async () => {
    const { world, host } = await open({
      a: { lists },
      own: { lists, entry: { sharing: 'session' } },
      web: { lists, isPerSession: true },
      modern: { lists, isPerSession: true, version: statelessVersion },
    });
    const names = ['a', 'own', 'web', 'modern'];
    for (const name of names) await world.ready(host, name);
    for (const name of names) world.server(name).lines.splice(0);
    host.say('{"jsonrpc":"2.0", "method":"notifications/roots/list_changed","params":{"n":1.50}}');
    host.say({ jsonrpc: '2.0', method: 'aitkit/served', params: {} });
    expect(names.map((name) => world.server(name).lines)).toEqual([
      [],
      ['{"jsonrpc":"2.0", "method":"notifications/roots/list_changed","params":{"n":1.50}}'],
      ['{"jsonrpc":"2.0", "method":"notifications/roots/list_changed","params":{"n":1.50}}'],
      [],
    ]);
  });

  it('an answer to nothing that was asked is dropped', async () => {
    const { host, a } = await open();
    host.say('{"jsonrpc":"2.0","id":"d-h-9","result":{}}');
    expect([host.sent, a.lines]).toEqual([[], []]);
  });
});
