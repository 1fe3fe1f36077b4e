// A call whose server goes, does not start, refuses it for its headers, or asks something first.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { statelessVersion } from '../../../src/mcp/versions.ts';
import { stopCauses } from '../../../src/upstream/instance-errors.ts';
import { settled } from '../../support/call-rig.ts';
import { openForward } from '../../support/forward-rig.ts';

const textOf = (answer: { result?: Record<string, unknown> } | undefined) => JSON.stringify(answer?.result ?? {});

afterEach(() => {
  vi.useRealTimers();
});

describe('a server that goes', () => {
  it('in the middle of a call: it may have run, and is not sent again', async () => {
    const { host, server, plain, start } = await openForward();
    await start();
    plain(1);
    server.take();
    server.die();
    await settled();
    expect(textOf(host.answerTo(1))).toMatch(/SERVER_CRASHED.*"mayHaveRun":true/);
    expect([server.starts, server.asked]).toEqual([1, []]);
  });

  it('before a call was sent: it goes to the next copy, once', async () => {
    const { host, server, plain, start } = await openForward({}, { maxConcurrent: () => 1 });
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
    const { host, server, plain, start } = await openForward({}, { maxConcurrent: () => 1 });
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
    const { server, plain, start } = await openForward({}, { maxConcurrent: () => 1 });
    const instance = await start();
    plain(1);
    plain(2);
    server.take();
    await instance.stop(stopCauses.restarted);
    await settled();
    expect([server.starts, server.asked.length]).toEqual([2, 1]);
  });

  it('is not waited for by a call that was cancelled meanwhile', async () => {
    const { host, server, plain, start } = await openForward({}, { maxConcurrent: () => 1 });
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
    const { host, server, plain, start } = await openForward({ isPerSession: true });
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
    const { host, server, plain, start } = await openForward({ isPerSession: true });
    await start();
    plain(1);
    const data = { isSessionLost: true, mayHaveRun: true };
    server.failRequest(server.take(), new AppError({ code: 'SERVER_FAILED', message: 'forgot', data }));
    await settled();
    expect([server.asked, textOf(host.answerTo(1)).includes('forgot')]).toEqual([[], true]);
  });

  it('does not start: the call has not run, whatever was thrown', async () => {
    const failing = await openForward();
    failing.server.startError = new AppError({ code: 'SERVER_NOT_INSTALLED', message: 'No such program.' });
    failing.plain(1);
    const broken = await openForward({}, { acquire: () => Promise.reject(new Error('a defect')) });
    broken.plain(1);
    await settled();
    expect(textOf(failing.host.answerTo(1))).toMatch(/SERVER_NOT_INSTALLED.*"mayHaveRun":false.*"after-fix"/);
    expect(textOf(broken.host.answerTo(1))).toMatch(/could not be reached: a defect.*"mayHaveRun":false/);
  });

  it('and a request that is no call is answered with an error', async () => {
    const { host, server, call } = await openForward();
    server.startError = new AppError({ code: 'SERVER_NOT_INSTALLED', message: 'No such program.' });
    call({ id: 1, method: 'prompts/get', params: { name: 'p' } });
    await settled();
    expect(host.answerTo(1)?.error).toMatchObject({ code: -32001, data: { code: 'SERVER_NOT_INSTALLED' } });
  });
});

describe('over HTTP', () => {
  it('a server that lets its stream go lets ours go', async () => {
    const { host, server, plain, start } = await openForward({ isPerSession: true });
    await start();
    plain('x');
    server.pauseStream(server.take());
    expect(host.paused).toEqual(['"x"']);
  });

  const mismatch = { code: -32020, message: 'headers' };

  it('headers of a definition that changed are made anew, once', async () => {
    const relearned: string[] = [];
    let known = 'old';
    const { host, server, plain, start } = await openForward(
      { version: statelessVersion, takesHeaders: true, isPerSession: true },
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
    const setup = { version: statelessVersion, takesHeaders: true, isPerSession: true };
    let headers: Record<string, string> | undefined = { a: 'b' };
    const relearn = () => {
      headers = undefined;
      return Promise.resolve();
    };
    const none = await openForward(setup, { headersFor: () => headers, relearn });
    await none.start();
    none.plain(1);
    none.server.refuse(none.server.take(), mismatch);
    await settled();
    expect([none.server.asked, none.host.answerTo(1)?.error?.code]).toEqual([[], -32020]);
    const gone = await openForward(setup, { headersFor: () => ({ a: 'b' }) });
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
    const { host, server, plain, start } = await openForward(
      { version: statelessVersion },
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
    const { host, server, plain, start } = await openForward({ version: statelessVersion });
    await start();
    plain(1);
    server.answer(server.take(), { resultType: 'input_required' });
    await settled();
    expect(textOf(host.answerTo(1))).toContain('INPUT_REFUSED');
    expect(host.session.requests.size).toBe(0);
  });
});
