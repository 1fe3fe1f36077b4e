// What a host asks: what is answered here, what goes to which server, and what is answered to what is wrong.
import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { createWorld, type SessionSetup, settled, type WorldSetup } from '../../support/call-rig.ts';
import { tool } from '../../support/memory-server.ts';

const lists = {
  tools: [tool('go')],
  prompts: [{ name: 'p' }],
  resources: [{ uri: 'file:///x', name: 'x' }],
  resourceTemplates: [{ uriTemplate: 'note://{id}', name: 'n' }],
};
const two: WorldSetup['servers'] = { a: { lists }, b: { lists: { tools: [tool('go')] } } };

async function open(own: SessionSetup = {}, servers = two, known = Object.keys(servers)) {
  const world = createWorld({ servers });
  const first = world.session('first');
  for (const name of known) await world.ready(first, name);
  for (const name of Object.keys(servers)) world.server(name).lines.splice(0);
  const host = world.session('h', own);
  const ask = async (method: string, params?: unknown, id: unknown = 1) => {
    host.say({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });
    await settled();
    return host.answerTo(id);
  };
  return { world, host, ask, a: world.server('a'), b: servers['b'] ? world.server('b') : world.server('a') };
}

describe('answered here', () => {
  it('initialize: with the version asked for if we speak it, and what the program says of itself is kept', async () => {
    const { host, ask } = await open();
    const clientInfo = { name: 'n', version: '1', title: 'N' };
    const answer = await ask('initialize', {
      protocolVersion: '2025-03-26',
      clientInfo,
      capabilities: { sampling: {} },
    });
    expect(answer?.result).toMatchObject({ protocolVersion: '2025-03-26', serverInfo: { name: 'mcp-proxy' } });
    expect(host.session.protocolVersion).toBe('2025-03-26');
    expect(host.session.client).toEqual({ name: 'n', capabilities: { sampling: {} }, info: clientInfo });
    await ask('initialize', { protocolVersion: '1999-01-01', clientInfo: { name: 'n' }, capabilities: [] }, 2);
    expect(host.answerTo(2)?.result?.['protocolVersion']).toBe('2025-11-25');
    expect(host.session.client).toEqual({ name: 'n', capabilities: {} });
    await ask('initialize', undefined, 3);
    expect(host.session.client?.name).toBe('unknown');
  });

  it('what is missing, and the introduction: with the reason where the configuration cannot be read', async () => {
    // With resources of one server alone, it is asked for whatever nobody lists.
    const { world, ask } = await open({}, { a: { lists: { tools: [tool('go')] } } });
    const trouble = 'config.json:1:45: a comma is missing before this. Correct the file.';
    const why = `Servers may be missing, because the configuration cannot be read: ${trouble}`;
    const instructions = async (id: number) => {
      const params = { protocolVersion: '2025-06-18', clientInfo: { name: 'n', version: '1' }, capabilities: {} };
      return String((await ask('initialize', params, id))?.result?.['instructions']);
    };
    expect(await instructions(1)).not.toContain('cannot be read');
    world.hooks.configTrouble = () => trouble;
    expect(await instructions(2)).toContain(why);
    const missing = [
      { method: 'tools/call', params: { name: 'c__go' }, message: `Unknown tool: c__go. ${why}` },
      { method: 'prompts/get', params: { name: 'c__p' }, message: `Unknown prompt: c__p. ${why}` },
      { method: 'resources/read', params: { uri: 'c://x' }, message: `Resource not found: c://x. ${why}` },
    ];
    for (const [i, { method, params, message }] of missing.entries()) {
      expect((await ask(method, params, 10 + i))?.error?.message).toBe(message);
    }
  });

  it('ping: under its own id', async () => {
    const { host, ask } = await open();
    await ask('ping');
    host.say('{"jsonrpc":"2.0","id":1e0,"method":"ping"}');
    expect(host.sent.map(({ text }) => text)).toEqual([
      '{"jsonrpc":"2.0","id":1,"result":{}}',
      '{"jsonrpc":"2.0","id":1e0,"result":{}}',
    ]);
  });

  it('every list: of all servers under names of theirs', async () => {
    const { ask } = await open();
    const names = async (method: string, member: string, key: string) => {
      const found = (await ask(method, undefined, method))?.result?.[member];
      return Array.isArray(found) ? found.map((one: Record<string, unknown>) => one[key]) : found;
    };
    expect(await names('tools/list', 'tools', 'name')).toEqual(['a__go', 'b__go']);
    expect(await names('prompts/list', 'prompts', 'name')).toEqual(['a__p']);
    expect(await names('resources/list', 'resources', 'uri')).toEqual(['file:///x']);
    expect(await names('resources/templates/list', 'resourceTemplates', 'uriTemplate')).toEqual(['note://{id}']);
  });

  it('a log level: the copies that log are asked for the most verbose one that any session wants', async () => {
    const capabilities = { tools: {}, logging: {} };
    const { world, host, ask, a, b } = await open({}, { a: { lists, capabilities }, b: { lists } });
    const other = world.session('other');
    other.session.logLevel = 'error';
    expect(await ask('logging/setLevel', { level: 'info' })).toBeUndefined();
    expect(host.session.logLevel).toBe('info');
    const heard = a.take('logging/setLevel');
    expect(heard.params).toEqual({ level: 'info' });
    // Whoever goes on after the answer may rely on the level.
    a.answer(heard, {});
    await settled();
    expect(host.answerTo(1)?.result).toEqual({});
    await ask('logging/setLevel', { level: 'emergency' }, 2);
    const again = a.take('logging/setLevel');
    expect(again.params).toEqual({ level: 'error' });
    a.refuse(again, { code: -32603, message: 'no' });
    await settled();
    expect(host.answerTo(2)?.result).toEqual({});
    expect(b.asked).toEqual([]);
    for (const [id, params] of [{ level: 'loud' }, { level: 5 }, undefined].entries()) {
      expect((await ask('logging/setLevel', params, `wrong ${id}`))?.error?.code).toBe(-32602);
    }
    expect([host.session.logLevel, a.asked]).toEqual(['emergency', []]);
  });

  it('a log level, although a server never says that it heard of it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { host, ask } = await open({}, { a: { lists, capabilities: { tools: {}, logging: {} } } });
      expect(await ask('logging/setLevel', { level: 'info' })).toBeUndefined();
      vi.advanceTimersByTime(1_000);
      await settled();
      expect(host.answerTo(1)?.result).toEqual({});
    } finally {
      vi.useRealTimers();
    }
  });

  it('a copy that starts later is asked for the level that counts then', async () => {
    const capabilities = { tools: {}, logging: {} };
    const { host, world, ask, a } = await open({}, { a: { lists, capabilities } }, []);
    await ask('logging/setLevel', { level: 'info' });
    await world.ready(host, 'a');
    expect(a.take('logging/setLevel').params).toEqual({ level: 'info' });
  });
});

describe('sent to its server', () => {
  it.each([
    ['tools/call', { name: 'a__go' }, { name: 'go' }],
    ['prompts/get', { name: 'a__p' }, { name: 'p' }],
    ['resources/read', { uri: 'file:///x' }, { uri: 'file:///x' }],
    ['resources/read', { uri: 'note://5' }, { uri: 'note://5' }],
    ['completion/complete', { ref: { name: 'a__p' } }, { ref: { name: 'p' } }],
    ['resources/subscribe', { uri: 'file:///x' }, { uri: 'file:///x' }],
  ])('%s', async (method, params, theirs) => {
    const { host, ask, a, b } = await open();
    expect(await ask(method, params)).toBeUndefined();
    expect([b.asked, host.session.requests.get('1')?.method]).toEqual([[], method]);
    const asked = a.take();
    expect([asked.method, asked.params]).toEqual([method, theirs]);
    a.answer(asked, { n: 1 });
    await settled();
    expect([host.answerTo(1)?.result, host.session.requests.size]).toEqual([{ n: 1 }, 0]);
    expect(host.session.calls).toBe(method === 'tools/call' ? 1 : 0);
  });

  it('of one server alone whatever is asked, except what only we could answer', async () => {
    const { ask, a } = await open({ identity: { server: 'a' } });
    await ask('x/unknown', { n: 1 });
    expect(a.take()).toMatchObject({ method: 'x/unknown', params: { n: 1 } });
    expect((await ask('server/discover', {}, 2))?.error?.code).toBe(-32601);
  });

  it('of one server alone what it did not declare is its own to refuse', async () => {
    const { host, ask, b } = await open({ identity: { server: 'b' } });
    b.silentLists.add('prompts');
    await ask('prompts/list');
    b.refuse(b.take('prompts/list'), { code: -32601, message: 'its own words' });
    expect(host.answerTo(1)?.error).toEqual({ code: -32601, message: 'its own words' });
  });
});

describe('answered with what is wrong', () => {
  it.each([
    ['tools/call', { name: 'a__no' }, -32602, 'Unknown tool: a__no'],
    ['prompts/get', { name: 'a__no' }, -32602, 'Unknown prompt: a__no'],
    ['completion/complete', { ref: { name: 'a__no' } }, -32602, 'Unknown name: a__no'],
    ['tools/call', { arguments: {} }, -32602, 'the params name nothing'],
    ['x/unknown', {}, -32601, 'Method not found: x/unknown'],
    ['aitkit/hello', {}, -32601, 'Method not found: aitkit/hello'],
    ['tasks/get', { taskId: 'T' }, -32602, 'no task of that id'],
  ])('%s %j', async (method, params, code, message) => {
    const { host, ask } = await open();
    expect((await ask(method, params))?.error).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(host.session.requests.size).toBe(0);
  });

  it('a resource of nobody, with its URI', async () => {
    const { ask } = await open({}, { a: { lists }, c: { lists } });
    const answer = await ask('resources/read', { uri: 'x:1' });
    expect(answer?.error).toMatchObject({ code: -32002, data: { uri: 'x:1' } });
  });

  it('an id that is in use, whatever its spelling', async () => {
    const { host, ask, a } = await open();
    await ask('tools/call', { name: 'a__go' }, 'A');
    host.say(String.raw`{"jsonrpc":"2.0","id":"\u0041","method":"ping"}`);
    expect(host.sent[0]?.json).toMatchObject({ id: 'A', error: { code: -32600 } });
    a.answer(a.take(), {});
    expect(host.sent).toHaveLength(2);
  });

  it('what is no message', async () => {
    const { host } = await open();
    for (const line of ['{', '[]', '{"jsonrpc":"2.0","id":5,"method":7}']) host.say(line);
    expect(host.sent.map(({ json }) => [json.id, json.error?.code])).toEqual([
      [null, -32700],
      [null, -32600],
      [5, -32600],
    ]);
  });

  it('a defect of ours, which is that request’s alone', async () => {
    const { world, host, ask } = await open();
    world.hooks.beforeRequest = () => {
      throw new Error('a defect');
    };
    expect((await ask('ping'))?.error).toEqual({ code: -32603, message: 'ping failed inside mcp-proxy.' });
    expect([world.logged, host.session.requests.size]).toEqual([['request.failed'], 0]);
  });

  it('the config is looked at before a request, exactly for what comes straight from it', async () => {
    const { world, ask } = await open();
    const seen: boolean[] = [];
    world.hooks.beforeRequest = (isExact) => seen.push(isExact);
    for (const method of ['initialize', 'prompts/list', 'ping', 'tools/call']) await ask(method, {}, method);
    expect(seen).toEqual([true, true, false, false]);
  });
});

describe('of a server that has not spoken yet', () => {
  it('a call waits until it has, and goes there', async () => {
    const { host, ask, a } = await open({}, two, []);
    a.holdStarts();
    await ask('tools/call', { name: 'a__go' });
    expect(host.session.requests.has('1')).toBe(true);
    a.letStart();
    await settled();
    a.answer(a.take('tools/call'), { n: 1 });
    expect(host.answerTo(1)?.result).toEqual({ n: 1 });
    expect(host.session.requests.size).toBe(0);
  });

  it('nobody else is started for a name that cannot be theirs', async () => {
    const { ask, a, b } = await open({}, two, []);
    await ask('tools/call', { name: 'a__go' });
    expect([a.starts, b.starts]).toEqual([1, 0]);
    expect((await ask('tools/call', { name: 'zz__go' }, 2))?.error?.message).toContain('Unknown tool');
    expect(b.starts).toBe(0);
  });

  it('and turns out not to have it: the name is unknown', async () => {
    const { ask } = await open({}, two, []);
    expect((await ask('tools/call', { name: 'a__no' }))?.error?.message).toContain('Unknown tool: a__no');
  });

  it('and cannot start: the call is told why, and that it did not run', async () => {
    const { ask, a } = await open({}, two, []);
    a.startError = new AppError({ code: 'SERVER_NOT_INSTALLED', message: 'no such program' });
    const answer = await ask('tools/call', { name: 'a__go' });
    expect(JSON.stringify(answer?.result)).toMatch(/SERVER_NOT_INSTALLED.*"mayHaveRun":false/);
  });

  it('a resource goes to the first that has it; one that never starts holds nothing up', async () => {
    const { ask, a, b } = await open({}, { a: { lists: { tools: [] } }, b: { lists } }, []);
    a.holdStarts();
    await ask('resources/read', { uri: 'file:///x' });
    expect(b.take('resources/read').params).toEqual({ uri: 'file:///x' });
  });

  it('a list that one server refuses says nothing about a resource, which may be anybody’s', async () => {
    const { host, ask, a } = await open({}, { a: { lists: { resources: [] } }, b: { lists: { resources: [] } } }, []);
    a.silentLists.add('resources');
    await ask('resources/read', { uri: 'x:1' });
    a.refuse(a.take('resources/list'), { code: -32000, message: 'busy' });
    await settled();
    expect(host.answerTo(1)?.error).toMatchObject({ code: -32002, data: { uri: 'x:1' } });
  });

  it('a list of tools that it refuses is why its tool cannot be called', async () => {
    const { host, ask, a } = await open({}, two, []);
    a.silentLists.add('tools');
    await ask('tools/call', { name: 'a__go' });
    a.refuse(a.take('tools/list'), { code: -32000, message: 'busy' });
    await settled();
    expect(JSON.stringify(host.answerTo(1)?.result)).toMatch(/busy.*LIST_FAILED.*"mayHaveRun":false/);
  });

  it('a call that was cancelled meanwhile is neither sent nor answered', async () => {
    const { host, ask, a } = await open({}, two, []);
    a.holdStarts();
    await ask('tools/call', { name: 'a__go' });
    host.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
    a.letStart();
    await settled();
    expect([a.asked, host.sent, host.session.requests.size]).toEqual([[], [], 0]);
  });
});
