// Calls that became tasks: whose each is, and what a session learns of them.
import { describe, expect, it } from 'vitest';
import { createWorld, type Host, settled, type WorldSetup } from '../../support/call-rig.ts';
import { tool } from '../../support/memory-server.ts';

const lists = { tools: [tool('t')] };
const two: WorldSetup['servers'] = { a: { lists }, b: { lists } };

async function open(servers = two) {
  const world = createWorld({ servers });
  const [host, other] = [world.session('h'), world.session('o')];
  for (const one of [host, other]) for (const name of Object.keys(servers)) await world.ready(one, name);
  let id = 0;
  const ask = async (method: string, params: unknown, by: Host = host) => {
    id += 1;
    by.say({ jsonrpc: '2.0', id, method, params });
    await settled();
    return id;
  };
  /** A call of that session that its server makes a task. */
  const begin = async (name: string, taskId: string, by: Host = host) => {
    await ask('tools/call', { name: by.session.identity.server ? 't' : `${name}__t`, task: {} }, by);
    const server = world.server(name);
    server.answer(server.take('tools/call'), { task: { taskId, status: 'working' } });
  };
  return { world, host, other, ask, begin, a: world.server('a'), b: world.server('b') };
}

const noTask = 'This session has no task of that id.';
const task = (taskId: string) => ({ taskId, status: 'working' });

describe('a request about a task', () => {
  it('goes to its server, of its own session', async () => {
    const { host, ask, begin, a, b } = await open();
    await begin('b', 'T');
    const id = await ask('tasks/get', { taskId: 'T' });
    expect(a.asked).toEqual([]);
    b.answer(b.take('tasks/get'), task('T'));
    expect(host.answerTo(id)?.result).toEqual(task('T'));
  });

  it('of another session is answered as if it were none, and so is one that never was', async () => {
    const { host, other, ask, begin, a, b } = await open();
    await begin('a', 'T');
    for (const [method, params, by] of [
      ['tasks/cancel', { taskId: 'T' }, other],
      ['tasks/result', { taskId: 'U' }, host],
      ['tasks/get', {}, host],
    ] as const) {
      const id = await ask(method, params, by);
      expect(by.answerTo(id)?.error?.message).toBe(noTask);
    }
    expect([a.asked, b.asked]).toEqual([[], []]);
  });

  it('that two servers gave the same id is nobody’s', async () => {
    const { host, ask, begin } = await open();
    await begin('a', 'T');
    await begin('b', 'T');
    const id = await ask('tasks/cancel', { taskId: 'T' });
    expect(host.answerTo(id)?.error?.message).toContain('Two servers gave the same id');
  });

  it('a call that did not ask to become one, or was answered at once, is none', async () => {
    const { host, ask, a } = await open();
    await ask('tools/call', { name: 'a__t' });
    a.answer(a.take('tools/call'), { task: task('T') });
    await ask('tools/call', { name: 'a__t', task: {} });
    a.answer(a.take('tools/call'), { content: [] });
    const id = await ask('tasks/get', { taskId: 'T' });
    expect(host.answerTo(id)?.error?.message).toBe(noTask);
  });
});

describe('the list of tasks', () => {
  it('is of all servers that have some, all pages, without those of others, as they were written', async () => {
    const { host, other, ask, begin, a, b } = await open();
    await begin('a', 'A1');
    await begin('a', 'A2');
    await begin('a', 'X', other);
    await begin('b', 'B1');
    const id = await ask('tasks/list', {});
    const page = a.take('tasks/list');
    expect(page.params).toEqual({});
    a.say(
      `{"jsonrpc":"2.0","id":${page.id},"result":{"tasks":[{"taskId":"A1","n":1.50},{"taskId":"X"}],"nextCursor":"c"}}`,
    );
    await settled();
    const next = a.take('tasks/list');
    expect(next.params).toEqual({ cursor: 'c' });
    a.answer(next, { tasks: [task('A2'), task('unknown'), {}] });
    b.answer(b.take('tasks/list'), { tasks: [task('B1')] });
    await settled();
    expect(host.sent.at(-1)?.text).toBe(
      `{"jsonrpc":"2.0","id":${id},"result":{"tasks":[{"taskId":"A1","n":1.50},${[task('A2'), task('B1')].map((one) => JSON.stringify(one)).join(',')}]}}`,
    );
  });

  it('of a server that has no such list is asked for one by one; what ended meanwhile is not in it', async () => {
    const { host, ask, begin, a } = await open();
    await begin('a', 'A1');
    await begin('a', 'A2');
    const id = await ask('tasks/list', {});
    a.refuse(a.take('tasks/list'), { code: -32601, message: 'no' });
    await settled();
    expect(a.asked.map(({ method, params }) => [method, params['taskId']])).toEqual([
      ['tasks/get', 'A1'],
      ['tasks/get', 'A2'],
    ]);
    a.answer(a.take(), task('A1'));
    a.refuse(a.take(), { code: -32602, message: 'ended' });
    await settled();
    expect(host.answerTo(id)?.result).toEqual({ tasks: [task('A1')] });
  });

  it('goes out without a server that cannot be asked, or was taken away', async () => {
    const { world, host, ask, begin, a, b } = await open();
    await begin('a', 'A1');
    await begin('b', 'B1');
    a.die();
    a.refuseStart('SERVER_NOT_INSTALLED', 'no such program');
    const id = await ask('tasks/list', {});
    b.answer(b.take('tasks/list'), { tasks: [task('B1')] });
    await settled();
    expect(host.answerTo(id)?.result).toEqual({ tasks: [task('B1')] });
    await world.reload({ servers: { a: { lists } } });
    const last = await ask('tasks/list', {});
    expect(host.answerTo(last)?.result).toEqual({ tasks: [] });
  });

  it('is empty without a question to anybody, and takes no cursor', async () => {
    const { host, ask, a } = await open();
    const [empty, wrong] = [await ask('tasks/list', {}), await ask('tasks/list', { cursor: 'c' })];
    expect([host.answerTo(empty)?.result, host.answerTo(wrong)?.error?.code]).toEqual([{ tasks: [] }, -32602]);
    expect(a.asked).toEqual([]);
  });

  it('of one server alone is its own, without what is others’', async () => {
    const { world, ask, begin, a } = await open();
    const alone = world.session('alone', { identity: { server: 'a' } });
    await begin('a', 'X');
    await begin('a', 'A1', alone);
    const id = await ask('tasks/list', { cursor: 'c' }, alone);
    const asked = a.take('tasks/list');
    expect(asked.params).toEqual({ cursor: 'c' });
    a.say(
      `{"jsonrpc":"2.0","id":${asked.id},"result":{"tasks":[{"taskId":"X"},{"taskId":"A1","n":1.50}],"nextCursor":"d"}}`,
    );
    expect(alone.sent.at(-1)?.text).toBe(
      `{"jsonrpc":"2.0","id":${id},"result":{"tasks":[{"taskId":"A1","n":1.50}],"nextCursor":"d"}}`,
    );
    const nobody = world.session('nobody', { identity: { server: 'nobody' } });
    const wrong = await ask('tasks/list', {}, nobody);
    expect(nobody.answerTo(wrong)?.error?.message).toBe(noTask);
  });

  it('of a copy is forgotten by no restart of its session’s connection: the scope has it', async () => {
    const { world, host, ask, begin, a } = await open();
    await begin('a', 'T');
    const { lifeId } = host.session.identity;
    host.end();
    const back = world.session('back', { identity: { lifeId } });
    await ask('tasks/get', { taskId: 'T' }, back);
    expect(a.take('tasks/get').params).toEqual({ taskId: 'T' });
  });
});
