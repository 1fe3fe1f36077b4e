// Who is told of changes of a resource, and what its server is asked for that.
import { describe, expect, it } from 'vitest';
import { statelessVersion } from '../../../src/mcp/versions.ts';
import { createWorld, type Host, settled, type WorldSetup } from '../../support/call-rig.ts';
import type { ServerSetup } from '../../support/memory-server.ts';

const lists = { resources: [{ uri: 'file:///x', name: 'x' }] };
const resources = { subscribe: true };

async function open(setup: ServerSetup = {}) {
  const servers: WorldSetup['servers'] = { s: { lists, capabilities: { resources }, ...setup } };
  const world = createWorld({ servers });
  const [a, b] = [world.session('a'), world.session('b')];
  const server = world.server('s');
  for (const host of [a, b]) await world.ready(host, 's');
  let id = 0;
  /** Sends it and lets it get as far as it can; returns its id. */
  const ask = async (host: Host, method: 'subscribe' | 'unsubscribe', uri = 'file:///x') => {
    id += 1;
    host.say({ jsonrpc: '2.0', id, method: `resources/${method}`, params: { uri } });
    await settled();
    return id;
  };
  const subscribed = async (host: Host, uri = 'file:///x') => {
    const own = await ask(host, 'subscribe', uri);
    for (const one of server.asked.splice(0)) server.answer(one, {});
    await settled();
    return host.answerTo(own);
  };
  const update = (uri = 'file:///x', owner?: string) =>
    server.say({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } }, { owner });
  const heard = (...hosts: Host[]) => hosts.map((host) => host.told('notifications/resources/updated').length);
  const asked = () => server.asked.map(({ method, params }) => `${method} ${String(params['uri'])}`);
  return { world, servers, a, b, server, ask, subscribed, update, heard, asked };
}

describe('a server with sessions', () => {
  it('is asked once for a URI, and tells who subscribed, nobody else', async () => {
    const { a, b, ask, server, asked, update, heard, world } = await open();
    const first = await ask(a, 'subscribe');
    const second = await ask(b, 'subscribe');
    expect(asked()).toEqual(['resources/subscribe file:///x']);
    expect([a.sent, b.sent]).toEqual([[], []]);
    const question = server.take();
    server.say(`{"jsonrpc":"2.0","id":${question.id},"result":{"n":1.50}}`);
    await settled();
    expect(a.sent.map(({ text }) => text)).toEqual([`{"jsonrpc":"2.0","id":${first},"result":{"n":1.50}}`]);
    expect(b.answerTo(second)?.result).toEqual({ n: 1.5 });
    const bystander = world.session('c');
    update();
    update('file:///other');
    server.say({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: {} });
    expect(heard(a, b, bystander)).toEqual([1, 1, 0]);
  });

  it('is asked to stop by the last one, and not again by who is none any more', async () => {
    const { a, b, ask, server, asked, subscribed, update, heard } = await open();
    await subscribed(a);
    await subscribed(b);
    const first = await ask(a, 'unsubscribe');
    expect([a.answerTo(first)?.result, asked()]).toEqual([{}, []]);
    update();
    expect(heard(a, b)).toEqual([0, 1]);
    await ask(a, 'unsubscribe');
    expect(asked()).toEqual([]);
    const last = await ask(b, 'unsubscribe');
    expect(asked()).toEqual(['resources/unsubscribe file:///x']);
    server.refuse(server.take(), { code: -1, message: 'no' });
    await settled();
    expect(b.answerTo(last)?.error).toEqual({ code: -1, message: 'no' });
    await ask(a, 'subscribe');
    expect(asked()).toEqual(['resources/subscribe file:///x']);
  });

  it('that refuses says so to all who asked, and is asked again by the next', async () => {
    const { a, b, ask, server, asked, update, heard } = await open();
    const [first, second] = [await ask(a, 'subscribe'), await ask(b, 'subscribe')];
    server.refuse(server.take(), { code: -5, message: 'no' });
    await settled();
    expect([a.answerTo(first)?.error?.code, b.answerTo(second)?.error?.code]).toEqual([-5, -5]);
    update();
    expect(heard(a, b)).toEqual([0, 0]);
    await ask(a, 'subscribe');
    expect(asked()).toHaveLength(1);
  });

  it('that is lost in the middle says so, and nothing is kept', async () => {
    const { world, a, ask, server, asked } = await open();
    const first = await ask(a, 'subscribe');
    server.die();
    await settled();
    expect(a.answerTo(first)?.error?.data?.['code']).toBe('SERVER_CRASHED');
    server.asked.splice(0);
    await world.ready(a, 's');
    expect(asked()).toEqual([]);
  });

  it('is asked anew after its restart for what is still wanted', async () => {
    const { world, a, b, server, subscribed, ask, asked, update, heard } = await open();
    await subscribed(a);
    await subscribed(b, 'file:///b');
    await ask(b, 'unsubscribe', 'file:///b');
    server.asked.splice(0);
    server.die();
    await settled();
    await world.ready(b, 's');
    expect(asked()).toEqual(['resources/subscribe file:///x']);
    update();
    expect(heard(a, b)).toEqual([1, 0]);
  });

  it('is asked to stop for a session that ended, where nobody else wants it', async () => {
    const { a, b, asked, subscribed, update, heard } = await open();
    await subscribed(a);
    await subscribed(b);
    await subscribed(a, 'file:///own');
    a.end();
    expect(asked()).toEqual(['resources/unsubscribe file:///own']);
    update();
    expect(heard(a, b)).toEqual([0, 1]);
    b.end();
    expect(asked()).toEqual(['resources/unsubscribe file:///own', 'resources/unsubscribe file:///x']);
  });

  it('that was taken from a session by a reload tells it nothing more', async () => {
    const { world, servers, a, subscribed, update, heard } = await open();
    await subscribed(a);
    await world.reload({ servers: { s: { ...servers['s'], entry: { projects: ['/p'] } } } });
    update();
    expect(heard(a)).toEqual([0]);
  });

  it('with an MCP session for each of ours is asked on each, and tells that one alone', async () => {
    const { a, b, ask, server, subscribed, update, heard } = await open({ isPerSession: true });
    await subscribed(a);
    await ask(b, 'subscribe');
    expect(server.asked.map(({ owner }) => owner)).toEqual(['b']);
    server.answer(server.take(), {});
    update('file:///x', 'a');
    expect(heard(a, b)).toEqual([1, 0]);
    server.die('b');
    await settled();
    update('file:///x', 'a');
    expect(heard(a, b)).toEqual([2, 0]);
  });

  it('with an MCP session for each of ours is not asked on others’ to stop', async () => {
    const { a, b, server, subscribed, update, heard } = await open({ isPerSession: true });
    await subscribed(a);
    await subscribed(b);
    a.end();
    expect(server.asked).toEqual([]);
    update('file:///x', 'b');
    expect(heard(b)).toEqual([1]);
  });

  it('that cannot be started is an error of the request', async () => {
    const { a, ask, server } = await open();
    server.die();
    server.refuseStart('SERVER_NOT_INSTALLED', 'no such program');
    const id = await ask(a, 'subscribe');
    expect(a.answerTo(id)?.error?.data?.['code']).toBe('SERVER_NOT_INSTALLED');
    expect(a.session.requests.size).toBe(0);
  });
});

describe('a URI under another name', () => {
  it('is the server’s own toward it, and as the session wrote it toward that', async () => {
    const world = createWorld({ servers: { one: { lists }, two: { lists } } });
    const host = world.session('a');
    for (const name of ['one', 'two']) await world.ready(host, name);
    host.say({ jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: 'two+file:///x' } });
    await settled();
    const server = world.server('two');
    expect(server.asked).toMatchObject([{ params: { uri: 'file:///x' } }]);
    server.answer(server.take(), {});
    server.say('{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"n":1.50,"uri":"file:///x"}}');
    expect(host.sent.at(-1)?.text).toBe(
      '{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"n":1.50,"uri":"two+file:///x"}}',
    );
  });
});

describe('a server without sessions', () => {
  const setup = { version: statelessVersion };
  const wanted = (lines: readonly string[]) =>
    lines
      .filter((line) => line.includes('subscriptions/listen'))
      .map((line) => JSON.parse(line).params.notifications.resourceSubscriptions ?? []);

  it('is listened to for all that is wanted, and its mark goes no further', async () => {
    const { a, b, server, ask, subscribed } = await open(setup);
    expect((await subscribed(a))?.result).toEqual({});
    expect((await subscribed(b, 'file:///b'))?.result).toEqual({});
    expect(wanted(server.lines).at(-1)).toEqual(['file:///x', 'file:///b']);
    const listen = server.lines.findLast((line) => line.includes('subscriptions/listen')) ?? '{}';
    const mark = { 'io.modelcontextprotocol/subscriptionId': JSON.parse(listen).id };
    const params = { uri: 'file:///x', _meta: mark };
    server.say({ jsonrpc: '2.0', method: 'notifications/resources/updated', params });
    expect(a.told('notifications/resources/updated').map((one) => one.params)).toEqual([{ uri: 'file:///x' }]);
    expect(b.told('notifications/resources/updated')).toEqual([]);
    await ask(a, 'unsubscribe');
    expect(wanted(server.lines).at(-1)).toEqual(['file:///b']);
    b.end();
    expect(wanted(server.lines)).toHaveLength(3 + wanted(server.lines).filter((one) => one.length === 0).length);
    expect(server.notifications().at(-1)).toMatchObject({ method: 'notifications/cancelled' });
  });

  it('that does not tell of a URI is an error, and what it told of before goes on', async () => {
    const { a, b, server, subscribed } = await open(setup);
    await subscribed(a);
    server.untold.add('file:///b');
    const refused = await subscribed(b, 'file:///b');
    expect(refused?.error).toMatchObject({ code: -32602, data: { uri: 'file:///b' } });
    expect(wanted(server.lines).at(-1)).toEqual(['file:///x']);
  });

  it('is listened to anew after its restart', async () => {
    const { world, a, server, subscribed } = await open(setup);
    await subscribed(a);
    server.die();
    await settled();
    const before = wanted(server.lines).length;
    await world.ready(a, 's');
    expect(wanted(server.lines).slice(before)).toContainEqual(['file:///x']);
  });
});
