// One request on its way to a server and back: what is replaced, who waits, what becomes of it when somebody goes.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import type { ForwardDeps } from '../../../src/calls/forward.ts';
import { modernVersion } from '../../../src/mcp/eras.ts';
import type { Answer } from '../../../src/upstream/channel-request.ts';
import { stopCauses } from '../../../src/upstream/instance-errors.ts';
import { createWorld, request, type SessionSetup, settled } from '../../support/call-rig.ts';
import type { ServerSetup } from '../../support/memory-server.ts';

type Setup = ServerSetup & { entry?: Record<string, unknown> };

async function open(setup: Setup = {}, deps: Partial<ForwardDeps> = {}, own: SessionSetup = {}) {
  const world = createWorld({ servers: { s: setup } });
  const [server, host, other] = [world.server('s'), world.session('a', own), world.session('b', own)];
  const forwarder = world.forwarder(deps);
  const entry = world.entry('s');
  const call = (
    message: Record<string, unknown> | string,
    by = host,
    more: { onOutcome?: (of: Answer) => void } = {},
  ) =>
    forwarder.forward({ session: by.session, request: request(message), entry: world.entry('s'), edits: [], ...more });
  /** A plain call with that id. */
  const plain = (id: unknown, by = host) => call({ id, method: 'tools/call', params: { name: 't' } }, by);
  const start = async () => {
    const { instance } = await world.ready(host, 's');
    await world.ready(other, 's');
    return instance;
  };
  return { world, server, host, other, forwarder, entry, call, plain, start };
}

const textOf = (answer: { result?: Record<string, unknown> } | undefined) => JSON.stringify(answer?.result ?? {});
const cancelled = 'notifications/cancelled';

afterEach(() => {
  vi.useRealTimers();
});

describe('the bytes of a call', () => {
  const ids = ['1', '-7', '0', '1e3', '12345678901234567890123', '"x"', String.raw`"\u0041\n"`, '""', '"3"'];

  it.each(ids)('id %s comes back as it was written, and the rest passes unchanged in both directions', async (id) => {
    const { host, server, call, start } = await open();
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
    const { host, server, call, start } = await open();
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
    const { host, server, forwarder, entry, start } = await open();
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
    const { server, plain, start } = await open();
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
    const { host, server, call, plain } = await open();
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
    const { host, server, plain, start, forwarder, world } = await open(
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
    const { server, call, plain, start } = await open();
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
    const shared = await open({ entry });
    await shared.start();
    shared.plain(1);
    shared.plain(2, shared.other);
    expect(shared.server.asked).toHaveLength(1);
    const own = await open({ entry, isPerSession: true });
    await own.start();
    own.plain(1);
    own.plain(2);
    own.plain(3, own.other);
    expect(own.server.asked.map(({ owner }) => owner)).toEqual(['a', 'a', 'b']);
  });

  it('notes who used the copy and when, for its idle stop', async () => {
    const { world, server, plain, start } = await open();
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
    const { host, server, plain } = await open();
    server.holdStarts();
    plain(1);
    host.session.requests.get('1')?.cancel('enough');
    server.letStart();
    await settled();
    expect([server.asked, host.sent, host.session.requests.size]).toEqual([[], [], 0]);
  });

  it('while it waits in the queue: its place is free, and what follows runs', async () => {
    const { host, server, plain, start } = await open({}, { maxConcurrent: () => 1, maxQueued: () => 1 });
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
    const { host, server, plain, start } = await open({}, { maxConcurrent: () => 1 });
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
    const { host, server, plain, start } = await open();
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
    const { host, other, server, plain, start } = await open();
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
    const { host, server, plain, start } = await open({ entry: { timeoutMs: 2_000 } }, { maxConcurrent: () => 1 });
    await start();
    plain(1);
    plain(2);
    vi.advanceTimersByTime(1_999);
    expect(host.sent).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(textOf(host.answerTo(1))).toMatch(
      /did not answer within its time limit of 2000 ms.*"mayHaveRun":true.*"check-first"/,
    );
    expect(server.notifications().at(-1)).toMatchObject({ method: cancelled, params: { reason: 'time limit' } });
    server.answer(server.take(), { late: true });
    server.answer(server.take(), { n: 2 });
    expect(host.sent.map(({ json }) => json.id)).toEqual([1, 2]);
  });

  it('is over with the answer, and there is none without one in the entry', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const limited = await open({ entry: { timeoutMs: 2_000 } });
    await limited.start();
    limited.plain(1);
    limited.server.answer(limited.server.take(), {});
    const free = await open();
    await free.start();
    free.plain(1);
    vi.advanceTimersByTime(3_600_000);
    expect([limited.host.sent.length, free.host.sent.length]).toEqual([1, 0]);
  });
});

describe('a server that goes', () => {
  it('in the middle of a call: it may have run, and is not sent again', async () => {
    const { host, server, plain, start } = await open();
    await start();
    plain(1);
    server.take();
    server.die();
    await settled();
    expect(textOf(host.answerTo(1))).toMatch(/SERVER_CRASHED.*"mayHaveRun":true/);
    expect([server.starts, server.asked]).toEqual([1, []]);
  });

  it('before a call was sent: it goes to the next copy, once', async () => {
    const { host, server, plain, start } = await open({}, { maxConcurrent: () => 1 });
    await start();
    plain(1);
    plain(2);
    server.take();
    server.die();
    await settled();
    expect(server.starts).toBe(2);
    server.answer(server.take(), { n: 2 });
    expect(host.answerTo(2)?.result).toEqual({ n: 2 });
    expect(textOf(host.answerTo(1))).toContain('SERVER_CRASHED');
  });

  it('by a person’s stop, with calls that wait: they have not run and are not started again by themselves', async () => {
    const { host, server, plain, start } = await open({}, { maxConcurrent: () => 1 });
    const instance = await start();
    plain(1);
    plain(2);
    await instance.stop(stopCauses.stoppedByPerson);
    await settled();
    expect(server.starts).toBe(1);
    expect(textOf(host.answerTo(1))).toMatch(/SERVER_STOPPED.*"mayHaveRun":true/);
    expect(textOf(host.answerTo(2))).toMatch(/SERVER_STOPPED.*"mayHaveRun":false.*"retry":"safe"/);
  });

  it('and comes back by a restart: what waited runs there', async () => {
    const { server, plain, start } = await open({}, { maxConcurrent: () => 1 });
    const instance = await start();
    plain(1);
    plain(2);
    server.take();
    await instance.stop(stopCauses.restarted);
    await settled();
    expect([server.starts, server.asked.length]).toEqual([2, 1]);
  });

  it('is not waited for by a call that was cancelled meanwhile', async () => {
    const { host, server, plain, start } = await open({}, { maxConcurrent: () => 1 });
    await start();
    plain(1);
    plain(2);
    server.take();
    server.die();
    host.session.requests.get('2')?.cancel(undefined);
    await settled();
    expect([server.asked, host.sent.map(({ json }) => json.id)]).toEqual([[], [1]]);
  });

  it('forgot the MCP session: the call is sent once more, and no third time', async () => {
    const { host, server, plain, start } = await open({ isPerSession: true });
    await start();
    const forgot = new AppError({
      ...{ code: 'SERVER_FAILED', message: 'forgot' },
      data: { isSessionLost: true, mayHaveRun: false },
    });
    plain(1);
    server.failRequest(server.take(), forgot);
    await settled();
    expect(host.sent).toEqual([]);
    server.failRequest(server.take(), forgot);
    await settled();
    expect(server.asked).toEqual([]);
    expect(textOf(host.answerTo(1))).toContain('forgot');
  });

  it('forgot it when the call may have run: it is not sent again', async () => {
    const { host, server, plain, start } = await open({ isPerSession: true });
    await start();
    plain(1);
    const data = { isSessionLost: true, mayHaveRun: true };
    server.failRequest(server.take(), new AppError({ code: 'SERVER_FAILED', message: 'forgot', data }));
    await settled();
    expect([server.asked, textOf(host.answerTo(1)).includes('forgot')]).toEqual([[], true]);
  });

  it('does not start: the call has not run, whatever was thrown', async () => {
    const failing = await open();
    failing.server.startError = new AppError({ code: 'SERVER_NOT_INSTALLED', message: 'No such program.' });
    failing.plain(1);
    const broken = await open({}, { acquire: () => Promise.reject(new Error('a defect')) });
    broken.plain(1);
    await settled();
    expect(textOf(failing.host.answerTo(1))).toMatch(/SERVER_NOT_INSTALLED.*"mayHaveRun":false.*"after-fix"/);
    expect(textOf(broken.host.answerTo(1))).toMatch(/could not be reached: a defect.*"mayHaveRun":false/);
  });

  it('and a request that is no call is answered with an error', async () => {
    const { host, server, call } = await open();
    server.startError = new AppError({ code: 'SERVER_NOT_INSTALLED', message: 'No such program.' });
    call({ id: 1, method: 'prompts/get', params: { name: 'p' } });
    await settled();
    expect(host.answerTo(1)?.error).toMatchObject({ code: -32001, data: { code: 'SERVER_NOT_INSTALLED' } });
  });
});

describe('whoever takes the outcome in place of the host', () => {
  it('gets the answer, the host nothing', async () => {
    const { host, server, call, start } = await open();
    await start();
    const outcomes: Answer[] = [];
    call({ id: 1, method: 'tools/call', params: {} }, host, { onOutcome: (outcome) => outcomes.push(outcome) });
    server.answer(server.take(), { n: 1 });
    expect(outcomes).toMatchObject([{ envelope: { kind: 'response' } }]);
    expect(host.sent).toEqual([]);
    expect(host.session.results.count).toBe(1);
  });

  it('gets the failure', async () => {
    const { host, server, call, start } = await open();
    await start();
    const outcomes: Answer[] = [];
    call({ id: 1, method: 'tools/call', params: {} }, host, { onOutcome: (outcome) => outcomes.push(outcome) });
    server.die();
    await settled();
    expect(outcomes).toMatchObject([{ error: { code: 'SERVER_CRASHED' } }]);
    expect(host.sent).toEqual([]);
  });
});

describe('over HTTP', () => {
  it('a server that lets its stream go lets ours go', async () => {
    const { host, server, plain, start } = await open({ isPerSession: true });
    await start();
    plain('x');
    server.pauseStream(server.take());
    expect(host.paused).toEqual(['"x"']);
  });

  const mismatch = { code: -32020, message: 'headers' };

  it('headers of a definition that changed are made anew, once', async () => {
    const relearned: string[] = [];
    let known = 'old';
    const { host, server, plain, start } = await open(
      { version: modernVersion, takesHeaders: true, isPerSession: true },
      {
        headersFor: () => ({ 'mcp-param-x': known }),
        relearn: ({ owner }) => {
          relearned.push(String(owner));
          known = 'new';
          return Promise.resolve();
        },
      },
    );
    await start();
    plain(1);
    const first = server.take();
    server.refuse(first, mismatch);
    await settled();
    const second = server.take();
    expect([first.headers, second.headers, relearned]).toEqual([
      { 'mcp-param-x': 'old' },
      { 'mcp-param-x': 'new' },
      ['a'],
    ]);
    server.refuse(second, mismatch);
    await settled();
    expect(server.asked).toEqual([]);
    expect(host.answerTo(1)?.error?.code).toBe(-32020);
  });

  it('where the new definition has none, or the call was cancelled meanwhile, it is not sent again', async () => {
    const setup = { version: modernVersion, takesHeaders: true, isPerSession: true };
    let headers: Record<string, string> | undefined = { a: 'b' };
    const relearn = () => {
      headers = undefined;
      return Promise.resolve();
    };
    const none = await open(setup, { headersFor: () => headers, relearn });
    await none.start();
    none.plain(1);
    none.server.refuse(none.server.take(), mismatch);
    await settled();
    expect([none.server.asked, none.host.answerTo(1)?.error?.code]).toEqual([[], -32020]);
    const gone = await open(setup, { headersFor: () => ({ a: 'b' }) });
    await gone.start();
    gone.plain(1);
    gone.server.refuse(gone.server.take(), mismatch);
    gone.host.session.requests.get('1')?.cancel(undefined);
    await settled();
    expect([gone.server.asked, gone.host.sent]).toEqual([[], []]);
  });
});

describe('a server that asks first', () => {
  const question = { resultType: 'input_required', inputRequests: {}, requestState: 'st' };

  it('is asked again with its state, and the host sees the last answer alone', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const answered: string[] = [];
    const { host, server, plain, start } = await open(
      { version: modernVersion },
      { onAnswered: (_forward, _instance, { line }) => answered.push(line.toString()) },
    );
    await start();
    plain(1);
    server.answer(server.take(), question);
    await settled();
    expect(server.asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    await settled();
    const again = server.take();
    expect(again.params).toMatchObject({ name: 't', requestState: 'st' });
    server.answer(again, { resultType: 'complete', content: [] });
    expect(host.sent.map(({ json }) => json)).toEqual([{ jsonrpc: '2.0', id: 1, result: { content: [] } }]);
    expect(answered).toHaveLength(1);
  });

  it('in a way that nobody can answer ends the call', async () => {
    const { host, server, plain, start } = await open({ version: modernVersion });
    await start();
    plain(1);
    server.answer(server.take(), { resultType: 'input_required' });
    await settled();
    expect(textOf(host.answerTo(1))).toContain('INPUT_REFUSED');
    expect(host.session.requests.size).toBe(0);
  });
});
