// Whose is what a server says by itself: the way to that session and back, and what goes to nobody.
import { describe, expect, it } from 'vitest';
import { createWorld, type Host, type SessionSetup, settled } from '../../support/call-rig.ts';
import { type ServerSetup, tool } from '../../support/memory-server.ts';

const all = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

async function open(setup: ServerSetup & { entry?: Record<string, unknown> } = {}, own: SessionSetup = {}) {
  const world = createWorld({ servers: { s: { lists: { tools: [tool('t')] }, ...setup } } });
  const [a, b] = [world.session('a', { capabilities: all, ...own }), world.session('b', { capabilities: all, ...own })];
  const server = world.server('s');
  for (const host of [a, b]) await world.ready(host, 's');
  const call = (host: Host, id: unknown = 1) => {
    host.say({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 's__t' } });
    return server.take('tools/call');
  };
  /** What the server is answered, as it was written. */
  const answerOf = (id: unknown) =>
    server.lines.find((line) => line.includes(`"id":${JSON.stringify(id)}`) && !line.includes('"method"'));
  return { world, a, b, server, call, answerOf };
}

const form = { jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'which?' } };
const other = { jsonrpc: '2.0', method: 'notifications/x', params: { n: 1 } };
const log = (level: string) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data: 'd' } });

describe('a question', () => {
  it('goes to the only session with a call, as a request of ours, and the answer back as it was written', async () => {
    const { a, b, server, call, answerOf } = await open();
    call(b, 'own');
    server.say('{"jsonrpc":"2.0", "id" : "q","method":"elicitation/create","params":{"message":"x","n":1.50}}');
    expect(b.sent).toMatchObject([{ related: '"own"' }]);
    expect(b.sent[0]?.text).toBe(
      '{"jsonrpc":"2.0", "id" : "d-b-1","method":"elicitation/create","params":{"message":"x","n":1.50}}',
    );
    b.say('{"jsonrpc":"2.0","id":"d-b-1","result":{"action":"accept","content":{"big":12345678901234567890}}}');
    await settled();
    expect(answerOf('q')).toBe(
      '{"jsonrpc":"2.0","id":"q","result":{"action":"accept","content":{"big":12345678901234567890}}}',
    );
    expect(a.sent).toEqual([]);
    b.say('{"jsonrpc":"2.0","id":"d-b-1","result":{}}');
    await settled();
    expect(server.lines.filter((line) => line.includes('"q"'))).toHaveLength(1);
  });

  it('between several sessions with calls is refused and kept as evidence', async () => {
    const { world, a, b, server, call, answerOf } = await open();
    for (const host of [a, b]) call(host);
    server.say(form);
    expect([a.sent, b.sent]).toEqual([[], []]);
    expect(answerOf('q')).toContain('Refused: elicitation/create while several sessions had calls under way');
    expect(world.hazards).toEqual(['elicitation/create while several sessions had calls under way']);
  });

  it('of nobody is declined in a way that its server can go on with', async () => {
    const { server, answerOf } = await open();
    server.say(form);
    server.say({ ...form, id: 'r', method: 'sampling/createMessage' });
    expect(answerOf('q')).toContain('"result":{"action":"cancel"}');
    expect(answerOf('r')).toMatch(/"code":-32601.*no session has a call under way/);
  });

  it('without a call goes to the only session that ever used the copy', async () => {
    const world = createWorld({ servers: { s: { lists: { tools: [] } } } });
    const host = world.session('a', { capabilities: all });
    await world.ready(host, 's');
    world.server('s').say(form);
    expect(host.told('elicitation/create')).toHaveLength(1);
    await world.reload({ servers: { s: { lists: { tools: [] }, entry: { projects: ['/p'] } } } });
    world.server('s').say({ ...form, id: 'r' });
    expect(host.told('elicitation/create')).toHaveLength(1);
  });

  it('over a session’s own MCP session is that session’s, whoever else has calls', async () => {
    const { world, a, b, server, call } = await open({ isPerSession: true });
    call(a);
    call(b);
    server.say(form, { owner: 'b' });
    expect([a.sent.length, b.sent[0]?.json.id]).toEqual([0, 'd-b-1']);
    expect(world.hazards).toEqual([]);
  });

  it('on the stream of a call belongs to that call', async () => {
    const { a, server, call } = await open({ isPerSession: true });
    const [first, second] = [call(a, 1), call(a, 2)];
    server.say(form, { owner: 'a', stream: String(second.id) });
    server.say({ ...form, id: 'r' }, { owner: 'a', stream: String(first.id) });
    server.say({ ...form, id: 's' }, { owner: 'a' });
    expect(a.sent.map(({ related }) => related)).toEqual(['2', '1', undefined]);
  });

  it('on the stream of a call is of that call’s session, on a connection of all too', async () => {
    const { world, a, b, server, call } = await open();
    const [, second] = [call(a), call(b)];
    server.say(form, { stream: String(second.id) });
    server.say(other, { stream: String(second.id) });
    expect([a.sent.length, b.sent.length, world.hazards]).toEqual([0, 2, []]);
  });

  it('for which the program has no ability is declined, and its call knows the lack', async () => {
    const { a, server, call, answerOf } = await open({}, { capabilities: {} });
    call(a);
    const lacks: string[] = [];
    const request = a.session.requests.get('1');
    if (request) request.noteLack = (what) => lacks.push(what);
    server.say(form);
    server.say({ ...form, id: 'r', method: 'sampling/createMessage' });
    expect(answerOf('q')).toContain('"action":"cancel"');
    expect(answerOf('r')).toContain('does not offer sampling');
    expect([a.sent, lacks]).toEqual([[], ['elicitation', 'sampling']]);
  });

  it('by a mode that the program did not declare is declined; without modes it means forms', async () => {
    const { a, server, call, answerOf } = await open({}, { capabilities: { elicitation: {}, sampling: {} } });
    call(a);
    server.say({ ...form, params: { mode: 'url' } });
    server.say({ ...form, id: 'r', method: 'sampling/createMessage', params: { tools: [] } });
    expect(answerOf('q')).toContain('"action":"cancel"');
    expect(answerOf('r')).toContain('sampling with tools');
    server.say({ ...form, id: 's', params: { mode: 'form' } });
    expect(a.told('elicitation/create')).toHaveLength(1);
  });

  it('of whether we are there is answered at once; with a method that nobody knows goes to the program, which knows best', async () => {
    const { a, server, call, answerOf } = await open({}, { capabilities: {} });
    call(a);
    server.say('{"jsonrpc":"2.0","id":7,"method":"ping"}');
    expect(answerOf(7)).toBe('{"jsonrpc":"2.0","id":7,"result":{}}');
    server.say({ ...form, method: 'x/new' });
    expect(a.told('x/new')).toHaveLength(1);
  });
});

describe('a question for roots', () => {
  const roots = { jsonrpc: '2.0', id: 'q', method: 'roots/list' };
  const identity = { folder: '/p', projectRoot: '/p' };
  const folder = '"result":{"roots":[{"uri":"file:///p","name":"p"}]}';

  it('of a project’s copy is answered with its folder, without a session', async () => {
    const { a, server, answerOf } = await open({ entry: { sharing: 'project' } }, { identity });
    server.say(roots);
    expect([answerOf('q')?.includes(folder), a.sent]).toEqual([true, []]);
  });

  it('of a copy that folders of a project share is answered with none, whoever has calls', async () => {
    const own = { identity: { folder: '/p/web', projectRoot: '/p' } };
    const { world, a, b, server, call, answerOf } = await open({ entry: { sharing: 'project', cwd: 'project' } }, own);
    for (const [id, hosts] of [
      ['q', []],
      ['r', [a]],
      ['s', [a, b]],
    ] as const) {
      for (const host of hosts) call(host, `${id}-${hosts.length}`);
      server.say({ ...roots, id });
      expect(answerOf(id), id).toContain('"result":{"roots":[]}');
    }
    expect([a.told('roots/list'), b.told('roots/list'), world.hazards]).toEqual([[], [], []]);
  });

  it('of a session’s copy is the program’s, or the folder of one that has none', async () => {
    for (const isKnown of [true, false]) {
      const capabilities = isKnown ? all : {};
      const { a, server, call, answerOf } = await open({ entry: { sharing: 'session' } }, { identity, capabilities });
      call(a);
      server.say(roots);
      expect(a.told('roots/list')).toHaveLength(isKnown ? 1 : 0);
      expect(answerOf('q')?.includes(folder)).toBe(isKnown ? undefined : true);
    }
  });
});

describe('a question that is open', () => {
  it('is withdrawn by its server: the program is told by our id, and its late answer goes nowhere', async () => {
    const { a, server, call, answerOf } = await open();
    call(a);
    server.say(form);
    const withdrawn = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'q', reason: 'r' } };
    server.say(withdrawn);
    server.say(withdrawn);
    server.say({ ...withdrawn, params: {} });
    expect(a.told('notifications/cancelled').map(({ params }) => params)).toEqual([
      { requestId: 'd-a-1', reason: 'r' },
    ]);
    a.say('{"jsonrpc":"2.0","id":"d-a-1","result":{}}');
    await settled();
    expect(answerOf('q')).toBeUndefined();
  });

  it('is withdrawn when its server ends; one that was answered is not', async () => {
    const { a, server, call } = await open();
    call(a);
    server.say(form);
    server.say({ ...form, id: 'r' });
    a.say('{"jsonrpc":"2.0","id":"d-a-1","result":{}}');
    await settled();
    server.die();
    expect(a.told('notifications/cancelled').map(({ params }) => params)).toEqual([
      { requestId: 'd-a-2', reason: 'the server ended' },
    ]);
  });

  it('is declined when its session ends', async () => {
    const { a, server, call, answerOf } = await open();
    call(a);
    server.say(form);
    a.end();
    await settled();
    expect(answerOf('q')).toContain('"action":"cancel"');
  });
});

describe('a notification', () => {
  it('goes to the only session with a call, on that call’s stream, as it was written', async () => {
    const { a, b, server, call } = await open();
    call(a, 5);
    server.say('{"jsonrpc":"2.0", "method":"notifications/x","params":{"n":1.50}}');
    expect(a.sent).toMatchObject([
      { text: '{"jsonrpc":"2.0", "method":"notifications/x","params":{"n":1.50}}', related: '5' },
    ]);
    expect(b.sent).toEqual([]);
  });

  it('that could be of several goes to none and is evidence, except a line for the log', async () => {
    const { world, a, b, server, call } = await open();
    call(a);
    call(b);
    server.say(log('info'));
    expect(world.hazards).toEqual([]);
    server.say(other);
    server.say({ ...other, method: `notifications/${'x'.repeat(1_000)}` });
    expect([a.sent, b.sent]).toEqual([[], []]);
    expect(world.hazards).toMatchObject([
      'notifications/x could belong to several sessions',
      expect.stringContaining('…'),
    ]);
    expect(world.hazards[1]?.length).toBeLessThan(200);
  });

  it('of nobody is no evidence', async () => {
    const { world, a, b, server } = await open();
    server.say(other);
    expect([a.sent, b.sent, world.hazards]).toEqual([[], [], []]);
    expect(world.logged).toContain('server.notification-of-nobody');
  });

  it('for the log is passed by the level of its session', async () => {
    const { a, server, call } = await open();
    call(a);
    server.say(log('debug'));
    a.session.logLevel = 'warning';
    for (const level of ['info', 'warning', 'error']) server.say(log(level));
    expect(a.told('notifications/message').map(({ params }) => params?.['level'])).toEqual([
      'debug',
      'warning',
      'error',
    ]);
  });

  it('in a name of the link between wrapper and daemon goes nowhere', async () => {
    const { a, server, call } = await open();
    call(a);
    server.say({ jsonrpc: '2.0', method: 'aitkit/link/served', params: {} });
    expect(a.sent).toEqual([]);
  });

  it('of a task is of the session whose task it is, whoever else has calls', async () => {
    const { a, b, server, call } = await open();
    a.say({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 's__t', task: {} } });
    server.answer(server.take('tools/call'), { task: { taskId: 'T' } });
    call(b, 2);
    call(a, 3);
    server.changed('notifications/tasks/status', { taskId: 'T', status: 'working' });
    server.changed('notifications/x', { _meta: { 'io.modelcontextprotocol/related-task': { taskId: 'T' } } });
    expect([a.told('notifications/tasks/status').length, a.told('notifications/x').length]).toEqual([1, 1]);
    expect(b.sent).toEqual([]);
    server.say({ ...form, params: { _meta: { 'io.modelcontextprotocol/related-task': { taskId: 'T' } } } });
    expect(a.told('elicitation/create')).toHaveLength(1);
    a.end();
    server.changed('notifications/tasks/status', { taskId: 'T', status: 'working' });
    expect(b.sent).toEqual([]);
  });
});

describe('the end of a page that a person had to open', () => {
  const done = (elicitationId: unknown) => ({
    jsonrpc: '2.0',
    method: 'notifications/elicitation/complete',
    params: { elicitationId },
  });

  it('is told to the session that was asked, after its call, whoever else has calls', async () => {
    const { a, b, server, call } = await open();
    const own = call(a);
    server.say({ ...form, params: { mode: 'url', url: 'https://x.example', elicitationId: 'E', message: 'm' } });
    server.answer(own, {});
    call(b);
    server.say(done('E'));
    server.say(done('unknown'));
    server.say(done(undefined));
    expect(a.told('notifications/elicitation/complete').map(({ params }) => params)).toEqual([{ elicitationId: 'E' }]);
    expect(b.sent).toEqual([]);
  });

  it('is told to the session whose call was refused for it', async () => {
    const { a, b, server, call } = await open();
    server.refuse(call(a), { code: -32042, message: 'm', data: { elicitations: [{ elicitationId: 'E' }, {}] } });
    call(b);
    server.say(done('E'));
    expect([a.told('notifications/elicitation/complete').length, b.sent.length]).toEqual([1, 0]);
    a.end();
    server.say(done('E'));
    expect(b.sent).toEqual([]);
  });
});
