// Who a server is, found on one connection: a transport that answers as a server of either family would.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { Channel } from '../../../src/upstream/channel.ts';
import { introduce } from '../../../src/upstream/handshake.ts';
import type { Transport } from '../../../src/upstream/transports/transport.ts';

type Outcome = { result: unknown } | { error: { code: number; message: string } } | AppError | undefined;
const legacy: Outcome = { result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'old' } } };
const modern: Outcome = {
  result: { supportedVersions: ['2026-07-28'], capabilities: { tools: {} }, instructions: 'i' },
};
const unknown: Outcome = { error: { code: -32601, message: 'Method not found' } };
const refusal = (status: number) =>
  new AppError({ code: 'SERVER_FAILED', message: `HTTP ${status}`, data: { status } });

/** `answers` by method; absent: silence. */
function connect(answers: Record<string, Outcome>) {
  const sent: { id?: number; method: string; params?: Record<string, unknown> }[] = [];
  const versions: string[] = [];
  const transport: Transport = {
    send: (line) => {
      const message = JSON.parse(line.toString());
      sent.push(message);
      const answer = answers[message.method];
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
  const meet = (knownVersion?: string) => introduce(channel, { server: 's', capabilities: {}, knownVersion });
  return { channel, meet, versions, methods: () => sent.map(({ method }) => method), sent };
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
    expect(channel.isStateless).toBe(false);
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
    expect(channel.isStateless).toBe(true);
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
    expect(channel.isStateless).toBe(false);
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
    expect(channel.isStateless).toBe(true);
  });

  it('is not changed by an answer that comes after it is known', async () => {
    const { meet, channel, sent } = connect({ initialize: legacy });
    const meeting = meet('2026-07-28');
    await vi.advanceTimersByTimeAsync(5_000);
    await meeting;
    channel.receive(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: sent[0]?.id, ...modern })));
    await vi.advanceTimersByTimeAsync(0);
    expect(channel.isStateless).toBe(false);
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
});
