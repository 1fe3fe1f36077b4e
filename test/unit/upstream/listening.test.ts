import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { Channel } from '../../../src/upstream/channel.ts';

const key = 'io.modelcontextprotocol/subscriptionId';
const method = 'notifications/resources/updated';

function open() {
  const sent: {
    id: number;
    method: string;
    params: { requestId?: number; notifications?: Record<string, unknown> };
  }[] = [];
  const heard: string[] = [];
  const channel: Channel = new Channel(
    {
      send: (line) => {
        sent.push(JSON.parse(line.toString()));
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
      pause: () => {},
      resume: () => {},
    },
    {
      onServerRequest() {},
      onNotification: ({ line }) =>
        heard.push(JSON.parse(line.toString()).params?.uri ?? JSON.parse(line.toString()).method),
      onInvalid() {},
    },
  );
  const receive = (message: unknown) =>
    channel.receive(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...Object(message) })));
  return {
    ...{ channel, heard, listening: channel.listening },
    listens: () => sent.filter((message) => message.method === 'subscriptions/listen'),
    cancelled: () =>
      sent.filter((message) => message.method === 'notifications/cancelled').map((one) => one.params.requestId),
    acknowledge: (id: number, uris: string[]) =>
      receive({
        method: 'notifications/subscriptions/acknowledged',
        params: { _meta: { [key]: id }, notifications: { resourceSubscriptions: uris } },
      }),
    tell: (id: number, uri: string) => receive({ method, params: { _meta: { [key]: id }, uri } }),
    end: (id: number, outcome: object = { result: {} }) => receive({ id, ...outcome }),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('listening to a server without sessions', () => {
  it('asks for all that is wanted in one request, and says what is told of', async () => {
    const { listening, listens, acknowledge } = open();
    listening.wantLists(['tools']);
    acknowledge(1, []);
    const told = listening.wantUris(new Set(['a', 'b']));
    expect(listens()[1]?.params.notifications).toEqual({ toolsListChanged: true, resourceSubscriptions: ['a', 'b'] });
    acknowledge(2, ['a']);
    expect(await told).toEqual(new Set(['a']));
  });

  it('begins the new one before it ends the old one, and hears every change once', () => {
    const { listening, acknowledge, cancelled, tell, heard } = open();
    void listening.wantUris(new Set(['a']));
    acknowledge(1, ['a']);
    void listening.wantUris(new Set(['a', 'b']));
    tell(1, 'before');
    expect(cancelled()).toEqual([]);
    tell(2, 'too early');
    acknowledge(2, ['a', 'b']);
    expect(cancelled()).toEqual([1]);
    tell(1, 'too late');
    tell(2, 'after');
    expect(heard).toEqual(['before', 'after']);
  });

  it('answers all who want something while one request replaces another', async () => {
    const { listening, acknowledge, cancelled } = open();
    const [one, two] = [listening.wantUris(new Set(['a'])), listening.wantUris(new Set(['a', 'b']))];
    expect(cancelled()).toEqual([1]);
    acknowledge(2, ['a', 'b']);
    expect([...(await one)]).toContain('a');
    expect([...(await two)]).toContain('b');
  });

  it('ends the last one when nothing is wanted', async () => {
    const { listening, acknowledge, cancelled, listens } = open();
    void listening.wantUris(new Set(['a']));
    acknowledge(1, ['a']);
    expect(await listening.wantUris(new Set())).toEqual(new Set());
    expect(cancelled()).toEqual([1]);
    expect(listens()).toHaveLength(1);
  });

  it('asks again after it was ended, later each time, and tells that anything may have changed', async () => {
    const { listening, acknowledge, listens, end, heard } = open();
    listening.wantLists(['tools']);
    acknowledge(1, []);
    void listening.wantUris(new Set(['a']));
    acknowledge(2, ['a']);
    end(2);
    expect(listens()).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_300);
    expect(listens()).toHaveLength(3);
    end(3, { error: { code: -32603, message: 'not yet' } });
    await vi.advanceTimersByTimeAsync(1_400);
    expect(listens()).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(heard).toEqual([]);
    acknowledge(4, ['a']);
    expect(heard).toEqual(['notifications/tools/list_changed', 'a']);
  });

  it('gives up where the server does not know it', async () => {
    const { listening, listens, end } = open();
    const told = listening.wantUris(new Set(['a']));
    end(1, { error: { code: -32601, message: 'no' } });
    await expect(told).rejects.toBeInstanceOf(AppError);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(listens()).toHaveLength(1);
  });

  it('does not wait for ever for an acknowledgement', async () => {
    const { listening, cancelled } = open();
    const told = listening.wantUris(new Set(['a']));
    const refused = expect(told).rejects.toThrow('did not acknowledge');
    await vi.advanceTimersByTimeAsync(15_000);
    await refused;
    expect(cancelled()).toEqual([1]);
  });

  it('asks nothing any more when the connection is gone', async () => {
    const { listening, channel, listens } = open();
    const told = listening.wantUris(new Set(['a']));
    channel.lose(new AppError({ code: 'SERVER_CRASHED', message: 'gone' }));
    await expect(told).rejects.toBeInstanceOf(AppError);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(listens()).toHaveLength(1);
  });
});
