// One request on its way to a server and back: what is replaced, who waits, what becomes of it when it is cancelled.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Answer } from '../../../src/upstream/channel-request.ts';
import { request, settled } from '../../support/call-rig.ts';
import { openForward } from '../../support/forward-rig.ts';

const textOf = (answer: { result?: Record<string, unknown> } | undefined) => JSON.stringify(answer?.result ?? {});
const cancelled = 'notifications/cancelled';

afterEach(() => {
  vi.useRealTimers();
});

describe('the bytes of a call', () => {
  const ids = ['1', '-7', '0', '1e3', '12345678901234567890123', '"x"', String.raw`"\u0041\n"`, '""', '"3"'];

  it.each(ids)('id %s comes back as it was written, and the rest passes unchanged in both directions', async (id) => {
    const { host, server, call, start } = await openForward();
    await start();
    const rest = String.raw`"method":"tools/call", "params" :{"name":"t","arguments":{"n":1.50,"big":12345678901234567890,"id":7,"é":"\u00e9"}}}`;
    call(`{"jsonrpc":"2.0", "id" : ${id} ,${rest}`);
    const asked = server.take();
    expect(asked.text).toBe(`{"jsonrpc":"2.0", "id" : ${asked.id} ,${rest}`);
    const result = `"result" : {"content":[], "big":98765432109876543210,"f":1.0,"id":1}}`;
    server.say(`{"id":${asked.id}, "jsonrpc" : "2.0",${result}`);
    expect(host.sent.map(({ text }) => text)).toEqual([`{"id":${id}, "jsonrpc" : "2.0",${result}`]);
  });

  it.each(ids)('progress token %s is ours on the way there and its own on the way back', async (token) => {
    const { host, server, call, start } = await openForward();
    await start();
    call(
      `{"jsonrpc":"2.0","id":5,"method":"prompts/get","params":{"_meta":{"progressToken" : ${token},"x":1.0},"name":"t"}}`,
    );
    const asked = server.take();
    expect(asked.text).toContain(`{"progressToken" : ${asked.id},"x":1.0}`);
    const progress = (text: string) =>
      `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":0.50,"progressToken":${text}}}`;
    server.say(progress(String(asked.id)));
    server.say(progress('999'));
    expect(host.sent.map(({ text, related }) => [text, related])).toEqual([[progress(token), '5']]);
    server.answer(asked, {});
    server.say(progress(String(asked.id)));
    expect(host.told('notifications/progress')).toHaveLength(1);
  });

  it('an error of the server comes back as it wrote it, and other edits are made', async () => {
    const { host, server, forwarder, entry, start } = await openForward();
    await start();
    const asked = request('{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"s__p"}}');
    const at = asked.line.indexOf('"s__p"');
    forwarder.forward({
      ...{ session: host.session, request: asked, entry },
      edits: [{ at: { start: at, end: at + 6 }, with: '"p"' }],
      onAnswer: ({ line }) => [{ at: { start: line.indexOf('X'), end: line.indexOf('X') + 1 }, with: 'YY' }],
    });
    const sent = server.take();
    expect(sent.params).toEqual({ name: 'p' });
    server.say(`{"jsonrpc":"2.0","id":${sent.id},"error":{"code":-1.0,"message":"X"}}`);
    expect(host.sent[0]?.text).toBe('{"jsonrpc":"2.0","id":1,"error":{"code":-1.0,"message":"YY"}}');
  });
});

describe('who waits for whom', () => {
  it('a ready copy is asked within the same turn; a start is waited for', async () => {
    const { server, plain, start } = await openForward();
    plain(1);
    expect(server.asked).toEqual([]);
    await settled();
    server.answer(server.take('tools/call'), {});
    await start();
    plain(2);
    expect(server.asked).toHaveLength(1);
  });

  it('while it starts a host that asked for progress hears that it does, in steps that grow', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { host, server, call, plain } = await openForward();
    server.holdStarts();
    plain(1);
    call('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t","_meta":{"progressToken":"\\u0074"}}}');
    await settled();
    vi.advanceTimersByTime(2_500);
    const told = host.sent.map(({ text, json }) => [
      text.includes('"progressToken":"\\u0074"'),
      json.params?.['progress'],
    ]);
    expect(told).toEqual([
      [true, 1e-6],
      [true, 2e-6],
    ]);
    server.letStart();
    await settled();
    vi.advanceTimersByTime(10_000);
    expect(host.sent).toHaveLength(2);
  });

  it('a full queue refuses the next call, which has not run, and goes on when there is room', async () => {
    const { host, server, plain, start, forwarder, world } = await openForward(
      {},
      { maxConcurrent: () => 1, maxQueued: () => 1 },
    );
    const instance = await start();
    for (const id of [1, 2, 3]) plain(id);
    expect(server.asked).toHaveLength(1);
    const [slot] = instance.slots();
    expect(slot && forwarder.queuedAt(slot)).toBe(1);
    expect(textOf(host.answerTo(3))).toMatch(/SERVER_OVERLOADED.*"mayHaveRun":false.*"retry":"safe"/);
    server.answer(server.take(), { n: 1 });
    server.answer(server.take(), { n: 2 });
    expect([1, 2].map((id) => host.answerTo(id)?.result)).toEqual([{ n: 1 }, { n: 2 }]);
    expect(host.session.requests.size).toBe(0);
    await world.close();
  });

  it('nothing more is written while a megabyte waits in the pipe', async () => {
    const { server, call, plain, start } = await openForward();
    await start();
    server.isFull = true;
    call({ id: 1, method: 'tools/call', params: { name: 'x'.repeat(1024 * 1024) } });
    plain(2);
    expect(server.asked.map(({ params }) => String(params['name']).length)).toEqual([1024 * 1024]);
    server.drain();
    await settled();
    expect(server.asked).toHaveLength(2);
  });

  it('"serialize" lets one call at a time to a shared copy, and each session’s own MCP session goes on beside it', async () => {
    const entry = { onAmbiguous: 'serialize' };
    const shared = await openForward({ entry });
    await shared.start();
    shared.plain(1);
    shared.plain(2, shared.other);
    expect(shared.server.asked).toHaveLength(1);
    const own = await openForward({ entry, isPerSession: true });
    await own.start();
    own.plain(1);
    own.plain(2);
    own.plain(3, own.other);
    expect(own.server.asked.map(({ owner }) => owner)).toEqual(['a', 'a', 'b']);
  });

  it('notes who used the copy and when, for its idle stop', async () => {
    const { world, server, plain, start } = await openForward();
    const instance = await start();
    await world.clock.pass(50);
    plain(1);
    expect([instance.calls, instance.lastUsedAt, instance.inFlight]).toEqual([1, 50, 1]);
    await world.clock.pass(50);
    server.answer(server.take(), {});
    expect([instance.lastUsedAt, instance.inFlight]).toEqual([100, 0]);
  });
});

describe('cancelled', () => {
  it('before its server is ready: it is never sent, nobody is answered', async () => {
    const { host, server, plain } = await openForward();
    server.holdStarts();
    plain(1);
    host.session.requests.get('1')?.cancel('enough');
    server.letStart();
    await settled();
    expect([server.asked, host.sent, host.session.requests.size]).toEqual([[], [], 0]);
  });

  it('while it waits in the queue: its place is free, and what follows runs', async () => {
    const { host, server, plain, start } = await openForward({}, { maxConcurrent: () => 1, maxQueued: () => 1 });
    await start();
    plain(1);
    plain(2);
    host.session.requests.get('2')?.cancel(undefined);
    plain(3);
    server.answer(server.take(), {});
    server.answer(server.take(), {});
    expect(server.asked).toEqual([]);
    expect(server.notifications().filter(({ method }) => method === cancelled)).toEqual([]);
    expect(host.sent.map(({ json }) => [json.id, json.result])).toEqual([
      [1, {}],
      [3, {}],
    ]);
  });

  it('in flight: the server is told by its own id and the reason, its late answer is dropped, the next one runs', async () => {
    const { host, server, plain, start } = await openForward({}, { maxConcurrent: () => 1 });
    await start();
    plain('x');
    plain(2);
    const asked = server.take();
    host.session.requests.get('"x"')?.cancel('enough');
    expect(server.notifications().at(-1)).toMatchObject({
      method: cancelled,
      params: { requestId: asked.id, reason: 'enough' },
    });
    server.answer(asked, {});
    server.answer(server.take(), {});
    expect(host.sent.map(({ json }) => json.id)).toEqual([2]);
  });

  it('after the answer: nothing is left to cancel, and a new request may have its id', async () => {
    const { host, server, plain, start } = await openForward();
    await start();
    plain(1);
    const first = host.session.requests.get('1');
    server.answer(server.take(), {});
    plain(1);
    const before = server.notifications().length;
    first?.cancel('late');
    expect(server.notifications()).toHaveLength(before);
    expect(host.session.requests.size).toBe(1);
  });

  it('with its session: the server is told to stop, the others’ calls go on', async () => {
    const { host, other, server, plain, start } = await openForward();
    await start();
    plain(1);
    plain(1, other);
    const [own, others] = [server.take(), server.take()];
    host.end();
    expect(server.notifications().at(-1)).toMatchObject({
      method: cancelled,
      params: { requestId: own.id, reason: 'the session ended' },
    });
    server.answer(own, {});
    server.answer(others, {});
    expect([host.sent, other.sent.length]).toEqual([[], 1]);
  });
});

describe('the time limit', () => {
  it('ends a call that may have run, tells the server, and frees its place', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { host, server, plain, start } = await openForward(
      { entry: { timeoutMs: 2_000 } },
      { maxConcurrent: () => 1 },
    );
    await start();
    plain(1);
    plain(2);
    vi.advanceTimersByTime(1_999);
    expect(host.sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(textOf(host.answerTo(1))).toMatch(
      /did not answer within its limit of 2000 ms.*"CALL_TIMEOUT","mayHaveRun":true,"retry":"check-first"/,
    );
    expect(server.notifications().at(-1)).toMatchObject({ method: cancelled, params: { reason: 'time limit' } });
    server.answer(server.take(), { late: true });
    server.answer(server.take(), { n: 2 });
    expect(host.sent.map(({ json }) => json.id)).toEqual([1, 2]);
  });

  it('is over with the answer, and there is none without one in the entry', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const limited = await openForward({ entry: { timeoutMs: 2_000 } });
    await limited.start();
    limited.plain(1);
    limited.server.answer(limited.server.take(), {});
    const free = await openForward();
    await free.start();
    free.plain(1);
    vi.advanceTimersByTime(3_600_000);
    expect([limited.host.sent.length, free.host.sent.length]).toEqual([1, 0]);
  });
});

describe('whoever takes the outcome in place of the host', () => {
  it('gets the answer, the host nothing', async () => {
    const { host, server, call, start } = await openForward();
    await start();
    const outcomes: Answer[] = [];
    call({ id: 1, method: 'tools/call', params: {} }, host, { onOutcome: (outcome) => outcomes.push(outcome) });
    server.answer(server.take(), { n: 1 });
    expect(outcomes).toMatchObject([{ envelope: { kind: 'response' } }]);
    expect(host.sent).toEqual([]);
    expect(host.session.results.count).toBe(1);
  });

  it('gets the failure', async () => {
    const { host, server, call, start } = await openForward();
    await start();
    const outcomes: Answer[] = [];
    call({ id: 1, method: 'tools/call', params: {} }, host, { onOutcome: (outcome) => outcomes.push(outcome) });
    server.die();
    await settled();
    expect(outcomes).toMatchObject([{ error: { code: 'SERVER_CRASHED' } }]);
    expect(host.sent).toEqual([]);
  });
});
