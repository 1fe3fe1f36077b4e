// A server asks by its answer, the host is asked by a request, and the call goes on with what it said.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { statelessVersion } from '../../../src/mcp/versions.ts';
import { createWorld, request, type SessionSetup, settled } from '../../support/call-rig.ts';

const form = { method: 'elicitation/create', params: { message: 'which?', requestedSchema: {} } };
const sampling = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 5 } };
const roots = { method: 'roots/list' };
const page = { method: 'elicitation/create', params: { mode: 'url', url: 'https://x.example', message: 'open' } };
const all = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

async function open({ entry = {}, ...own }: SessionSetup & { entry?: Record<string, unknown> } = {}) {
  const world = createWorld({ servers: { s: { version: statelessVersion, entry } } });
  const host = world.session('a', { capabilities: all, ...own });
  const server = world.server('s');
  await world.ready(host, 's');
  const forwarder = world.forwarder();
  const call = (by = host) =>
    forwarder.forward({
      ...{ session: by.session, entry: world.entry('s'), edits: [] },
      request: request('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"n":1.50}}}'),
    });
  /** The server answers the oldest call with these questions. */
  const ask = async (inputRequests: Record<string, unknown> | undefined, state?: string) => {
    const questions = inputRequests === undefined ? {} : { inputRequests };
    server.answer(server.take('tools/call'), {
      resultType: 'input_required',
      ...questions,
      ...(state === undefined ? {} : { requestState: state }),
    });
    await settled();
  };
  const reply = async (number: number, text: string) => {
    host.say(`{"jsonrpc":"2.0","id":"d-a-${number}",${text}}`);
    await settled();
  };
  const refusal = () => JSON.stringify(host.answerTo(1)?.result ?? {});
  return { world, host, server, call, ask, reply, refusal };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a round', () => {
  it('asks the host with an id of ours on the call’s own stream, and sends the answer as it was written', async () => {
    const { host, server, call, ask, reply } = await open();
    call();
    await ask({ 'my "q"': form }, 'st\u00e9');
    expect(host.sent).toMatchObject([{ json: { id: 'd-a-1', ...form }, related: '1' }]);
    expect(server.asked).toEqual([]);
    await reply(1, '"result":{"action":"accept","content":{"n":1.50,"big":12345678901234567890}}');
    const again = server.take();
    expect(again.text).toContain(
      String.raw`"inputResponses":{"my \"q\"":{"action":"accept","content":{"n":1.50,"big":12345678901234567890}}},"requestState":"sté"`,
    );
    expect(again.text).toContain('"arguments":{"n":1.50}');
    server.answer(again, { resultType: 'complete', ok: true });
    expect(host.answerTo(1)?.result).toEqual({ ok: true });
    expect(host.session.requests.size).toBe(0);
  });

  it('waits for all of several answers, in whatever order they come', async () => {
    const { host, server, call, ask, reply } = await open();
    call();
    await ask({ a: form, b: sampling, c: roots });
    expect(host.sent.map(({ json }) => [json.id, json.method])).toEqual([
      ['d-a-1', 'elicitation/create'],
      ['d-a-2', 'sampling/createMessage'],
      ['d-a-3', 'roots/list'],
    ]);
    await reply(3, '"result":{"roots":[]}');
    await reply(1, '"result":{"action":"decline"}');
    expect(server.asked).toEqual([]);
    await reply(2, '"result":{"model":"m"}');
    expect(server.take().params).toMatchObject({
      inputResponses: { a: { action: 'decline' }, b: { model: 'm' }, c: { roots: [] } },
    });
  });

  it('after another one sends the newer answers and the newer state alone', async () => {
    const { server, call, ask, reply } = await open();
    call();
    await ask({ a: form }, 'one');
    await reply(1, '"result":{"action":"accept"}');
    await ask({ b: form });
    await reply(2, '"result":{"action":"cancel"}');
    const { params } = server.take();
    expect([params['inputResponses'], params['requestState']]).toEqual([{ b: { action: 'cancel' } }, undefined]);
  });

  it('gives a page to open an id, which programs with sessions expect', async () => {
    const { host, call, ask } = await open();
    call();
    await ask({ a: page });
    expect(host.sent[0]?.json.params).toEqual({ ...page.params, elicitationId: 'd-a-1' });
  });

  it('without a question is a pause that grows, then the same call with the state', async () => {
    const { host, server, call, ask } = await open();
    call();
    for (const [ms, state] of [
      [200, 'one'],
      [400, 'two'],
    ] as const) {
      await ask(undefined, state);
      await vi.advanceTimersByTimeAsync(ms - 1);
      await settled();
      expect(server.asked).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      await settled();
      expect(server.asked).toMatchObject([{ params: { requestState: state } }]);
      expect(server.asked[0]?.params).not.toHaveProperty('inputResponses');
    }
    expect(host.sent).toEqual([]);
  });
});

describe('what the host cannot or will not answer', () => {
  it('a form that it does not know is cancelled, and the call goes on', async () => {
    const { host, server, call, ask } = await open({ capabilities: {} });
    call();
    await ask({ a: form, b: page });
    expect(host.sent).toEqual([]);
    expect(server.take().params['inputResponses']).toEqual({ a: { action: 'cancel' }, b: { action: 'cancel' } });
  });

  it.each([
    ['sampling', sampling, {}],
    ['sampling with tools', { ...sampling, params: { ...sampling.params, tools: [] } }, { sampling: {} }],
    ['roots', roots, { elicitation: {} }],
  ])('%s that it does not offer ends the call, which may have run', async (what, question, capabilities) => {
    const { host, server, call, ask, refusal } = await open({ capabilities });
    call();
    await ask({ a: question });
    expect(refusal()).toContain(`does not offer ${what}`);
    expect(refusal()).toMatch(/INPUT_REFUSED.*"mayHaveRun":true/);
    expect([server.asked, host.sent.length]).toEqual([[], 1]);
  });

  it('an error for one question withdraws the others', async () => {
    const { host, server, call, ask, reply, refusal } = await open();
    call();
    await ask({ a: sampling, b: form });
    await reply(1, '"error":{"code":-1,"message":"user said no"}');
    expect(refusal()).toContain('answered sampling/createMessage with an error: user said no');
    expect(host.told('notifications/cancelled').map(({ params }) => params?.['requestId'])).toEqual(['d-a-2']);
    await reply(2, '"result":{"action":"accept"}');
    expect(server.asked).toEqual([]);
    expect(host.sent.filter(({ json }) => json.id === 1)).toHaveLength(1);
  });

  it.each([
    ['something else', { a: { method: 'tools/list' } }, 'asks for tools/list'],
    ['nothing', { a: {} }, 'asks for nothing'],
    ['neither question nor state', undefined, 'neither inputRequests nor requestState'],
  ])('a server that asks for %s', async (_, questions, why) => {
    const { server, call, ask, refusal } = await open();
    call();
    await ask(questions);
    expect(refusal()).toContain(why);
    expect(server.asked).toEqual([]);
  });

  it('ten rounds are the most', async () => {
    const { server, call, ask, refusal } = await open({ capabilities: {} });
    call();
    for (let round = 1; round <= 10; round += 1) await ask({ a: form });
    expect(server.asked).toHaveLength(1);
    await ask({ a: form });
    expect(refusal()).toContain('more than 10 times');
    expect(server.asked).toEqual([]);
  });
});

describe('in the middle of a round', () => {
  it('a call that the host cancels withdraws what it was asked, and nothing goes to the server', async () => {
    const { host, server, call, ask, reply } = await open();
    call();
    await ask({ a: form, b: sampling });
    await reply(1, '"result":{"action":"accept"}');
    host.session.requests.get('1')?.cancel('enough');
    await settled();
    expect(host.told('notifications/cancelled').map(({ params }) => params)).toEqual([
      { requestId: 'd-a-2', reason: 'enough' },
    ]);
    await reply(2, '"result":{}');
    expect([server.asked, host.answerTo(1)]).toEqual([[], undefined]);
  });

  it('a call that is cancelled while it pauses waits no longer and is not sent again', async () => {
    const { host, server, call, ask } = await open();
    call();
    const timers = vi.getTimerCount();
    await ask(undefined, 'st');
    host.session.requests.get('1')?.cancel(undefined);
    expect(vi.getTimerCount()).toBe(timers);
    await vi.advanceTimersByTimeAsync(1_000);
    await settled();
    expect([server.asked, host.sent]).toEqual([[], []]);
  });

  it('a session that ends is told nothing more, and its call is over', async () => {
    const { host, server, call, ask } = await open();
    call();
    await ask({ a: form });
    host.end();
    await settled();
    expect([server.asked, host.sent.length, host.session.requests.size]).toEqual([[], 1, 0]);
  });

  it('a server that ends is started anew for the answers', async () => {
    const { server, call, ask, reply } = await open();
    call();
    await ask({ a: form });
    server.die();
    await reply(1, '"result":{"action":"accept"}');
    expect(server.starts).toBe(2);
    expect(server.take('tools/call').params['inputResponses']).toEqual({ a: { action: 'accept' } });
  });
});

describe('who is asked', () => {
  it('for a job the session that began it, whichever connection that has now', async () => {
    const { world, host, call, ask, reply, server } = await open();
    const job = world.session('scope-a');
    world.roster.remove(job.session);
    call(job);
    await settled();
    await ask({ a: form });
    expect(job.sent).toEqual([]);
    expect(host.sent).toMatchObject([{ json: form, related: undefined }]);
    await reply(1, '"result":{"action":"accept"}');
    server.answer(server.take(), {});
    expect(job.answerTo(1)?.result).toEqual({});
  });

  it('nobody, when it has no connection', async () => {
    const { world, host, call, ask } = await open();
    const job = world.session('scope-a');
    world.roster.remove(job.session);
    world.roster.remove(host.session);
    call(job);
    await settled();
    await ask({ a: form });
    expect(JSON.stringify(job.answerTo(1))).toContain('the session ended');
  });

  it('nobody for the folder that a copy was started in', async () => {
    const identity = { folder: '/p/my app', projectRoot: '/p/my app' };
    for (const sharing of ['project', 'session']) {
      const { host, server, call, ask } = await open({ entry: { sharing }, identity, capabilities: {} });
      call();
      await ask({ a: roots });
      expect(host.sent).toEqual([]);
      expect(server.take().params['inputResponses']).toEqual({
        a: { roots: [{ uri: 'file:///p/my%20app', name: 'my app' }] },
      });
    }
  });
});
