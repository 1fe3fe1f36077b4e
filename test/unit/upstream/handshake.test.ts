// Who a server is, found on one connection: a transport that answers as a server of either family would.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { Channel } from '../../../src/upstream/channel.ts';
import { introduce, versionToAskIn } from '../../../src/upstream/handshake.ts';
import type { SendOptions, Transport } from '../../../src/upstream/transports/transport.ts';

type Outcome = { result: unknown } | { error: { code: number; message: string } } | AppError | undefined;
const legacy: Outcome = { result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'old' } } };
const modern: Outcome = {
  result: { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, instructions: 'i' },
};
const unknown: Outcome = { error: { code: -32601, message: 'Method not found' } };
const refusal = (status: number) =>
  new AppError({ code: 'SERVER_FAILED', message: `HTTP ${status}`, data: { status } });

const broken = (mayHaveRun = true) =>
  new AppError({ code: 'SERVER_FAILED', message: 'the connection broke', data: { mayHaveRun } });
const needsLogin = new AppError({
  code: 'SERVER_NEEDS_LOGIN',
  message: 'log in',
  data: { loginUrl: 'http://login.test', mayHaveRun: false },
});

/** `answers` by method, one after another where it is a list; absent: silence. */
function connect(answers: Record<string, Outcome | Outcome[]>, limitMs = 60_000) {
  const sent: { id?: number; method: string; params?: Record<string, unknown>; options?: SendOptions }[] = [];
  const versions: string[] = [];
  const cancelled: string[] = [];
  const transport: Transport = {
    cancel: (id) => void cancelled.push(id),
    send: (line, _id, options) => {
      const message = JSON.parse(line.toString());
      sent.push({ ...message, ...(options ? { options } : {}) });
      const planned = answers[message.method];
      const answer = Array.isArray(planned) ? planned.shift() : planned;
      if (answer instanceof AppError) queueMicrotask(() => channel.failRequest(String(message.id), answer));
      else if (answer)
        queueMicrotask(() =>
          channel.receive(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer }))),
        );
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
    setProtocolVersion: (version) => versions.push(version),
    pause: () => {},
    resume: () => {},
  };
  const channel: Channel = new Channel(transport, { onServerRequest() {}, onNotification() {}, onInvalid() {} });
  const meet = (knownVersion?: string) => introduce(channel, { server: 's', capabilities: {}, knownVersion, limitMs });
  return { channel, meet, versions, cancelled, methods: () => sent.map(({ method }) => method), sent };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the introduction of a server', () => {
  it('is a handshake with one that was never seen', async () => {
    const { meet, methods, versions, channel } = connect({ initialize: legacy });
    expect((await meet()).protocolVersion).toBe('2025-06-18');
    expect(methods()).toEqual(['initialize', 'notifications/initialized']);
    expect(versions).toEqual(['2025-06-18']);
    expect(channel.era.name).toBe('sessions');
  });

  it.each([
    unknown,
    { error: { code: -32020, message: 'headers' } },
    { error: { code: -1, message: 'own' } },
    refusal(400),
  ])('is its own where it refuses a handshake, in whatever way', async (initialize) => {
    const { meet, methods, versions, channel } = connect({ initialize, 'server/discover': modern });
    expect(await meet()).toMatchObject({ protocolVersion: '2026-07-28', instructions: 'i' });
    expect(methods()).toEqual(['initialize', 'server/discover', 'subscriptions/listen']);
    expect(versions).toEqual(['2026-07-28']);
    expect(channel.era.name).toBe('stateless');
  });

  it('is asked the newer way first where that is known', async () => {
    const { meet, methods } = connect({ initialize: legacy, 'server/discover': modern });
    expect((await meet('2026-07-28')).protocolVersion).toBe('2026-07-28');
    expect(methods()).toEqual(['server/discover', 'subscriptions/listen']);
  });

  it.each([
    unknown,
    refusal(404),
  ])('is a handshake with one that knew the newer way and does not any more', async (answer) => {
    const { meet, methods, channel, sent } = connect({ initialize: legacy, 'server/discover': answer });
    expect((await meet('2026-07-28')).protocolVersion).toBe('2025-06-18');
    expect(methods()).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
    expect(sent[1]?.params).not.toHaveProperty('_meta');
    expect(channel.era.name).toBe('sessions');
  });

  it('is a handshake with one that keeps silent about the newer way', async () => {
    const { meet, methods } = connect({ initialize: legacy });
    const meeting = meet('2026-07-28');
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await meeting).protocolVersion).toBe('2025-06-18');
    expect(methods()).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
  });

  it('takes the late answer of one that starts slowly, and does not ask it twice', async () => {
    const { meet, methods, channel, sent } = connect({ initialize: unknown });
    const meeting = meet('2026-07-28');
    await vi.advanceTimersByTimeAsync(5_000);
    channel.receive(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: sent[0]?.id, ...modern })));
    expect((await meeting).protocolVersion).toBe('2026-07-28');
    expect(methods().filter((method) => method === 'server/discover')).toHaveLength(1);
    expect(channel.era.name).toBe('stateless');
  });

  it('is not changed by an answer that comes after it is known', async () => {
    const { meet, channel, sent } = connect({ initialize: legacy });
    const meeting = meet('2026-07-28');
    await vi.advanceTimersByTimeAsync(5_000);
    await meeting;
    channel.receive(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: sent[0]?.id, ...modern })));
    await vi.advanceTimersByTimeAsync(0);
    expect(channel.era.name).toBe('sessions');
  });

  it('fails with the words of a server that refuses both', async () => {
    const { meet } = connect({
      initialize: { error: { code: -32000, message: 'no licence' } },
      'server/discover': unknown,
    });
    await expect(meet()).rejects.toThrow('no licence');
    const web = connect({ initialize: refusal(404), 'server/discover': refusal(404) });
    await expect(web.meet()).rejects.toThrow('HTTP 404');
    const login = new AppError({ code: 'SERVER_NEEDS_LOGIN', message: 'log in', data: { status: 401 } });
    const closed = connect({ initialize: login, 'server/discover': modern });
    await expect(closed.meet()).rejects.toThrow('log in');
    expect(closed.methods()).toEqual(['initialize']);
  });

  // What gateways, proxies and broken networks make of a question that they do not know.
  const inTheWay: [string, Outcome, 'stays' | 'passes'][] = [
    ...[400, 404, 405, 406, 410, 415, 422, 500, 501, 301, 302].map((status): [string, Outcome, 'stays'] => [
      `HTTP ${status}`,
      refusal(status),
      'stays',
    ]),
    ['HTTP 401', new AppError({ code: 'SERVER_NEEDS_LOGIN', message: '401', data: { status: 401 } }), 'stays'],
    ['HTTP 403', refusal(403), 'stays'],
    ['a page with HTTP 200', refusal(200), 'stays'],
    ['an error of the protocol', unknown, 'stays'],
    ['a result that is another', { result: { tools: [] } }, 'stays'],
    ['an empty result', { result: {} }, 'stays'],
    ['what is no message', new AppError({ code: 'SERVER_START_FAILED', message: 'no valid message' }), 'stays'],
    ['a message over the limit', new AppError({ code: 'MESSAGE_TOO_LARGE', message: 'too large' }), 'stays'],
    ...[407, 408, 425, 429, 502, 503, 504, 520].map((status): [string, Outcome, 'passes'] => [
      `HTTP ${status}`,
      refusal(status),
      'passes',
    ]),
    ['a connection that broke', broken(), 'passes'],
    ['a connection that was refused', broken(false), 'passes'],
  ];

  it.each(inTheWay)('is a handshake where the newer question met %s', async (_what, answer, isRemembered) => {
    const { meet, methods, sent } = connect({ initialize: legacy, 'server/discover': answer });
    const introduction = await meet('2026-07-28');
    expect(introduction.protocolVersion).toBe('2025-06-18');
    expect(methods()).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
    expect(sent.map(({ options }) => options?.isProbe === true)).toEqual([true, false, false]);
    // What may have been an accident is found out again.
    expect(versionToAskIn(introduction)).toBe(isRemembered === 'stays' ? '2025-06-18' : undefined);
  });

  it.each(inTheWay)('fails for what initialize met, where the newer question met %s', async (_what, answer) => {
    for (const failure of [
      new AppError({ code: 'SERVER_NEEDS_LOGIN', message: 'initialize: 401', data: { status: 401 } }),
      new AppError({ code: 'SERVER_FAILED', message: 'initialize: 429', data: { status: 429 } }),
      new AppError({ code: 'SERVER_FAILED', message: 'initialize: 503', data: { status: 503 } }),
      new AppError({ code: 'SERVER_FAILED', message: 'initialize: broken', data: { mayHaveRun: true } }),
    ]) {
      const { meet, methods } = connect({ initialize: failure, 'server/discover': answer });
      await expect(meet('2026-07-28')).rejects.toBe(failure);
      expect(methods()).toEqual(['server/discover', 'initialize']);
    }
    for (const status of [200, 400, 403, 404, 405, 406, 415, 500]) {
      const failure = new AppError({ code: 'SERVER_FAILED', message: `initialize: ${status}`, data: { status } });
      const { meet } = connect({ initialize: failure, 'server/discover': answer });
      await expect(meet('2026-07-28')).rejects.toBe(failure);
    }
  });

  it.each([
    ['a refused login', new AppError({ code: 'SERVER_NEEDS_LOGIN', message: '401', data: { status: 401 } })],
    ['a gateway that was away', refusal(503)],
    ['a connection that broke', broken()],
  ])('is its own where only that works, and %s was in the way at first', async (_what, first) => {
    const { meet, methods, sent } = connect({ initialize: refusal(400), 'server/discover': [first, modern] });
    expect((await meet('2026-07-28')).protocolVersion).toBe('2026-07-28');
    expect(methods().slice(0, 3)).toEqual(['server/discover', 'initialize', 'server/discover']);
    // Only the first one must not ask a person to log in.
    expect([sent[0], sent[2]].map((one) => one?.options?.isProbe)).toEqual([true, false]);
  });

  it('is its own behind a gateway that lets only the newer methods through', async () => {
    const { meet } = connect({ initialize: refusal(403), 'server/discover': modern });
    expect((await meet('2025-11-25')).protocolVersion).toBe('2026-07-28');
  });

  it('says that a login is needed where the older way is unknown and the newer one needs it', async () => {
    const refused = new AppError({ code: 'SERVER_NEEDS_LOGIN', message: '401', data: { status: 401 } });
    const { meet } = connect({ initialize: refusal(400), 'server/discover': [refused, needsLogin] });
    await expect(meet('2026-07-28')).rejects.toBe(needsLogin);
  });

  it('takes a part of a short limit for the newer question, and gives up its answer', async () => {
    const { meet, cancelled, methods, channel } = connect({ initialize: legacy }, 2_000);
    const meeting = meet('2026-07-28');
    await vi.advanceTimersByTimeAsync(500);
    expect((await meeting).protocolVersion).toBe('2025-06-18');
    expect(cancelled).toEqual(['1']);
    expect(methods()).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
    expect(channel.inFlight).toBe(0);
  });

  it('does not wait for a silent question until the end of its time when initialize is refused', async () => {
    const failure = new AppError({ code: 'SERVER_FAILED', message: 'initialize: 403', data: { status: 403 } });
    const { meet } = connect({ initialize: failure });
    const meeting = meet('2026-07-28').catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await meeting).toBe(failure);
  });
});
