// initialize and the four lists: what is waited for and how long, what is told of changes, and to whom.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWorld, type Host, type SessionSetup, settled, type WorldSetup } from '../../support/call-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { type ServerSetup, tool } from '../../support/memory-server.ts';

const lists = { tools: [tool('go')], prompts: [{ name: 'p' }] };
const one: WorldSetup['servers'] = { s: { lists } };

function open(servers = one, own: SessionSetup = {}, config: Record<string, unknown> = {}) {
  const world = createWorld({ servers, config });
  const host = world.session('h', own);
  const ask = async (method = 'tools/list', params?: unknown, id: unknown = 1, by: Host = host) => {
    by.say({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });
    await settled();
    return by.answerTo(id);
  };
  return { world, host, ask, server: world.server(Object.keys(servers)[0] ?? '') };
}

/** Real timers stand still; what waits for its turn alone goes on. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
}

function names(answer: { result?: Record<string, unknown> } | undefined): unknown[] | undefined {
  const found = answer?.result?.['tools'];
  return Array.isArray(found) ? found.map((item: Record<string, unknown>) => item['name']) : undefined;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the first list', () => {
  it('starts the servers that nobody knows, waits for them, and is told to the wrapper before it goes out', async () => {
    const { world, host, ask, server } = open();
    server.holdStarts();
    expect(await ask()).toBeUndefined();
    server.letStart();
    await settled();
    expect(names(host.answerTo(1))).toEqual(['s__go']);
    expect(host.sent.map(({ json }) => json.method ?? json.id)).toEqual(['aitkit/served', 1]);
    expect(host.sent[0]?.json.params).toEqual({ list: 'tools', etag: host.session.served.tools });
    expect(world.served).toEqual(['h']);
  });

  it('comes at once where all is known, without a start', async () => {
    const { world, host, ask, server } = open();
    await world.ready(host, 's');
    server.die();
    await settled();
    expect(names(await ask())).toEqual(['s__go']);
    expect(server.starts).toBe(1);
  });

  it.each([
    ['claude-code', 1_300],
    ['another', 15_000],
  ])('for %s waits %d ms from the session’s beginning, then goes out without who is missing', async (client, ms) => {
    const { world, host, ask, server } = open({ s: { lists }, slow: { lists } }, { client });
    await world.ready(host, 's');
    world.server('slow').holdStarts();
    await world.clock.pass(300);
    await ask();
    await pass(ms - 301);
    expect(host.answerTo(1)).toBeUndefined();
    await pass(1);
    expect(names(host.answerTo(1))).toEqual(['s__go']);
    expect(server.starts).toBe(1);
  });

  it('of a session that is open for long waits for nobody, except for servers that have just come', async () => {
    const { world, host, ask } = open();
    world.server('s').holdStarts();
    await world.clock.pass(60_000);
    expect(names(await ask())).toEqual([]);
    world.router.learnNew(['s']);
    await world.clock.pass(300);
    await ask('tools/list', undefined, 2);
    await pass(999);
    expect(host.answerTo(2)).toBeUndefined();
    await pass(1);
    expect(names(host.answerTo(2))).toEqual([]);
  });

  it('does not wait longer for a server that cannot start, nor for another list of one that has said its', async () => {
    const { ask, server } = open();
    server.refuseStart('SERVER_NOT_INSTALLED', 'no such program');
    expect(names(await ask())).toEqual([]);
    const second = open({ s: { lists: { ...lists, resources: [] } } });
    second.server.silentLists.add('resources');
    expect(names(await second.ask())).toBeUndefined();
    await pass(300);
    expect(names(second.host.answerTo(1))).toEqual(['s__go']);
  });

  it('of a session that ended meanwhile goes nowhere', async () => {
    const { world, host, ask, server } = open();
    server.holdStarts();
    await ask();
    host.end();
    server.letStart();
    await settled();
    expect([host.sent, world.served]).toEqual([[], []]);
  });

  it('takes no cursor, but what programs write that have none', async () => {
    const { world, host, ask } = open();
    await world.ready(host, 's');
    expect((await ask('tools/list', { cursor: 'x' }))?.error).toMatchObject({ code: -32602 });
    expect(host.session.served.tools).toBeUndefined();
    expect(names(await ask('tools/list', { cursor: null }, 2))).toEqual(['s__go']);
    expect(names(await ask('tools/list', { cursor: '' }, 3))).toEqual(['s__go']);
  });
});

describe('what a session is offered', () => {
  it('in a mode of our own tools waits for no server', async () => {
    vi.useRealTimers();
    const { host, ask, server } = open(one, {}, { tools: { mode: 'gateway' } });
    server.holdStarts();
    await ask();
    const found = await eventually(() => names(host.answerTo(1)), {
      timeoutMs: 20_000,
      what: 'the list',
      intervalMs: 1,
    });
    expect(found).toContain('gateway_search');
    expect(server.starts).toBe(0);
  });

  it('is what it is served in its own mode, and nothing of another’s', async () => {
    const { world, host, ask } = open(one, { identity: { mode: 'all' } }, { tools: { mode: 'gateway' } });
    await world.ready(host, 's');
    expect(names(await ask())).toEqual(['s__go']);
  });
});

describe('an announcement', () => {
  const changed = { jsonrpc: '2.0', method: 'notifications/tools/list_changed' };

  async function served(servers = one) {
    const opened = open(servers);
    await opened.world.ready(opened.host, 's');
    await opened.ask();
    await pass(1_000);
    opened.host.sent.splice(0);
    const told = () => opened.host.sent.flatMap(({ json }) => (json.method?.endsWith('changed') ? [json.method] : []));
    /** The server has other tools now and says so. */
    const change = async (...tools: string[]) => {
      opened.server.setup = { lists: { ...lists, tools: tools.map((name) => tool(name)) } };
      opened.server.say(changed);
      await pass(10_000);
    };
    return { ...opened, told, change };
  }

  it('comes once until the session asks again, and again after that', async () => {
    const { ask, told, change } = await served();
    await change('go', 'new');
    await change('go', 'newer');
    expect(told()).toEqual(['notifications/tools/list_changed']);
    expect(names(await ask('tools/list', undefined, 2))).toEqual(['s__go', 's__newer']);
    await change('go');
    expect(told()).toHaveLength(2);
  });

  it('does not come for a list that is as it was served', async () => {
    const { told, change } = await served();
    await change('go');
    expect(told()).toEqual([]);
  });

  it('does not come for lists that were never served, nor before the session is initialized', async () => {
    const { world, host, told, change } = await served();
    host.session.isInitialized = false;
    const other = world.session('other');
    await change('x');
    expect([told(), other.sent]).toEqual([[], []]);
    host.say({ jsonrpc: '2.0', method: 'notifications/initialized' });
    expect(told()).toEqual(['notifications/tools/list_changed']);
  });

  it('is one for the two lists that share it', async () => {
    const resources = { resources: [], resourceTemplates: [] };
    const { world, host, ask, server } = open({ s: { lists: resources } });
    await world.ready(host, 's');
    await ask('resources/list', undefined, 1);
    await ask('resources/templates/list', undefined, 2);
    server.setup = {
      lists: { resources: [{ uri: 'x:1', name: 'x' }], resourceTemplates: [{ uriTemplate: 'x:{id}', name: 'x' }] },
    };
    server.say({ jsonrpc: '2.0', method: 'notifications/resources/list_changed' });
    await pass(10_000);
    expect(host.told('notifications/resources/list_changed')).toHaveLength(1);
    expect(host.told('notifications/tools/list_changed')).toEqual([]);
  });

  it('tells of a server that came late', async () => {
    const { host, ask, server } = open(one, { client: 'claude-code' });
    server.holdStarts();
    await ask();
    await pass(1_300);
    expect(names(host.answerTo(1))).toEqual([]);
    server.letStart();
    await pass(1_000);
    expect(host.told('notifications/tools/list_changed')).toHaveLength(1);
    expect(names(await ask('tools/list', undefined, 2))).toEqual(['s__go']);
  });
});

describe('one server alone', () => {
  const identity = { server: 's' };
  const initialize = { protocolVersion: '2025-03-26', clientInfo: { name: 'n' }, capabilities: {} };

  it('introduces itself; only the version is the one agreed with this host', async () => {
    const setup: ServerSetup = { lists, instructions: 'its own words' };
    const { ask, server } = open({ s: setup }, { identity });
    const answer = await ask('initialize', initialize);
    expect(answer?.result).toEqual({
      protocolVersion: '2025-03-26',
      capabilities: { tools: {}, prompts: {} },
      instructions: 'its own words',
      serverInfo: { name: 'memory', version: '1' },
    });
    expect(names(await ask('tools/list', undefined, 2))).toEqual(['go']);
    expect(server.starts).toBe(1);
  });

  it.each([
    ['another', 4_000],
    ['claude-code', 20_000],
  ])('that starts slowly is waited for by %s %d ms, then it is said to be starting', async (name, ms) => {
    const { host, ask, server } = open(one, { identity });
    server.holdStarts();
    await ask('initialize', { ...initialize, clientInfo: { name } });
    await pass(ms - 1);
    expect(host.answerTo(1)).toBeUndefined();
    await pass(1);
    expect(host.answerTo(1)?.result).toMatchObject({
      capabilities: { tools: {}, prompts: {}, resources: {} },
      serverInfo: { name: 's' },
      instructions: expect.stringContaining('still starting'),
    });
  });

  it('that cannot start is an error; one that is not there as well', async () => {
    const { ask, server } = open(one, { identity });
    server.refuseStart('SERVER_NOT_INSTALLED', 'no such program');
    expect((await ask('initialize', initialize))?.error?.data?.['code']).toBe('SERVER_NOT_INSTALLED');
    const nobody = open(one, { identity: { server: 'nobody' } });
    expect((await nobody.ask('initialize', initialize))?.error?.data?.['code']).toBe('SERVER_UNKNOWN');
  });

  it('that refuses its only list refuses it in its own words; beside others the list goes out without it', async () => {
    const { world, host, ask, server } = open(one, { identity });
    server.silentLists.add('tools');
    await ask();
    const refusal = '{"code":-32000.0,"message":"busy","data":[1.50]}';
    server.say(`{"jsonrpc":"2.0","id":${server.take('tools/list').id},"error":${refusal}}`);
    await pass(300);
    expect(host.sent.at(-1)?.text).toBe(`{"jsonrpc":"2.0","id":1,"error":${refusal}}`);
    expect(world.served).toEqual([]);
    const joint = world.session('joint');
    await ask('tools/list', undefined, 2, joint);
    await pass(20_000);
    expect(names(joint.answerTo(2))).toEqual([]);
  });

  it('that answers with no list is an error of ours', async () => {
    const { host, ask, server } = open(one, { identity });
    server.silentLists.add('tools');
    await ask();
    server.answer(server.take('tools/list'), { tools: 5 });
    await pass(300);
    expect(host.answerTo(1)?.error?.data?.['code']).toBe('LIST_FAILED');
  });
});

describe('several servers', () => {
  it('introduce themselves under their names; nobody is waited for', async () => {
    const { world, host, ask } = open({
      a: { lists, instructions: 'words of a' },
      b: { lists, instructions: 'words of b' },
    });
    await world.ready(host, 'a');
    world.router.views.invalidate();
    const answer = await ask('initialize', { protocolVersion: '2025-06-18', clientInfo: { name: 'n' } });
    const instructions = String(answer?.result?.['instructions']);
    expect(instructions).toContain('## a\nwords of a');
    expect(instructions).not.toContain('words of b');
    expect(world.server('b').starts).toBe(0);
  });
});
