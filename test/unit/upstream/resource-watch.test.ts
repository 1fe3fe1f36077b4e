// One wish of a session, in the words of the server's era.
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { sessionsEra } from '../../../src/mcp/eras/sessions-era.ts';
import { statelessEra } from '../../../src/mcp/eras/stateless-era.ts';
import { Channel } from '../../../src/upstream/channel.ts';
import { watchOf } from '../../../src/upstream/resource-watch.ts';

type Sent = { id: number; method: string; params: { uri?: string; notifications?: Record<string, unknown> } };

function open(era: typeof sessionsEra) {
  const sent: Sent[] = [];
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
    { onServerRequest() {}, onNotification() {}, onInvalid() {} },
  );
  channel.speak(era, { clientInfo: { name: 'p' }, capabilities: {} });
  const receive = (message: object) => channel.receive(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message })));
  return {
    channel,
    sent,
    receive,
    wanted: () =>
      sent.flatMap(({ method, params }) => (method === 'subscriptions/listen' ? [params.notifications] : [])),
    acknowledge: (id: number, uris: string[]) =>
      receive({
        method: 'notifications/subscriptions/acknowledged',
        params: {
          _meta: { 'io.modelcontextprotocol/subscriptionId': id },
          notifications: { resourceSubscriptions: uris },
        },
      }),
  };
}

const lost = new AppError({ code: 'SERVER_CRASHED', message: 'gone', data: { mayHaveRun: true } });

describe('a server that is asked for each resource', () => {
  it('answers itself, for better or worse', async () => {
    const { channel, sent, receive } = open(sessionsEra);
    const watch = watchOf(channel);
    const added = watch.add('a:1', () => ['a:1']);
    const dropped = watch.drop('a:2', () => ['a:1']);
    expect(sent.map(({ method, params }) => [method, params.uri])).toEqual([
      ['resources/subscribe', 'a:1'],
      ['resources/unsubscribe', 'a:2'],
    ]);
    receive({ id: 1, result: { x: 1 } });
    receive({ id: 2, error: { code: -32601, message: 'no' } });
    expect(await added).toEqual({ result: '{"x":1}' });
    expect(await dropped).toEqual({ error: '{"code":-32601,"message":"no"}' });
  });

  it('is asked for each of them after its start', () => {
    const { channel, sent } = open(sessionsEra);
    watchOf(channel).restore(() => ['a:1', 'a:2']);
    expect(sent.map(({ method, params }) => [method, params.uri])).toEqual([
      ['resources/subscribe', 'a:1'],
      ['resources/subscribe', 'a:2'],
    ]);
  });
});

describe('a server that is listened to', () => {
  it('is told of all of them each time', async () => {
    const { channel, wanted, acknowledge } = open(statelessEra);
    const watch = watchOf(channel);
    const added = watch.add('a:2', () => ['a:1', 'a:2']);
    acknowledge(1, ['a:1', 'a:2']);
    expect(await added).toEqual({ result: '{}' });
    expect(await watch.drop('a:2', () => ['a:1'])).toEqual({ result: '{}' });
    watch.restore(() => ['a:3']);
    expect(wanted()).toEqual([
      { resourceSubscriptions: ['a:1', 'a:2'] },
      { resourceSubscriptions: ['a:1'] },
      { resourceSubscriptions: ['a:3'] },
    ]);
  });

  it.each([
    ['does not name it', ({ acknowledge }: ReturnType<typeof open>) => acknowledge(1, ['a:1'])],
    ['does not tell at all', ({ receive }: ReturnType<typeof open>) => receive({ id: 1, error: { code: -32601 } })],
  ])('and %s: the others go on without it', async (_what, answer) => {
    const opened = open(statelessEra);
    const added = watchOf(opened.channel).add('a:2', () => ['a:1', 'a:2']);
    answer(opened);
    const message = 'The server does not tell of changes of a:2.';
    expect(await added).toEqual({ error: JSON.stringify({ code: -32602, message, data: { uri: 'a:2' } }) });
    expect(opened.wanted().at(-1)).toEqual({ resourceSubscriptions: ['a:1'] });
    opened.channel.lose(lost);
  });
});

describe('a server that is lost while it is asked', () => {
  it('is told as lost where it was asked for that resource alone', async () => {
    const { channel } = open(sessionsEra);
    const added = watchOf(channel).add('a:1', () => ['a:1']);
    channel.lose(lost);
    await expect(added).rejects.toBe(lost);
  });

  it('tells of nothing where it was listened to', async () => {
    const { channel } = open(statelessEra);
    const added = watchOf(channel).add('a:1', () => ['a:1']);
    channel.lose(lost);
    expect(await added).toMatchObject({ error: expect.stringContaining('does not tell of changes of a:1') });
  });
});
