// One list of a server: its pages, or why it cannot be had.
import { expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { createListFetcher } from '../../../src/catalog/fetch-listing.ts';
import { Channel } from '../../../src/upstream/channel.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

type Asked = { id: number; params: { cursor?: string } };
/** The member of the answer to each question; undefined: none. */
type Answer = (asked: Asked, count: number) => Record<string, unknown> | undefined;

function world(answer: Answer) {
  const clock = new FakeClock();
  const sent: Record<string, unknown>[] = [];
  let count = 0;
  const channel: Channel = new Channel(
    {
      send: (line) => {
        const message: Asked & Record<string, unknown> = JSON.parse(line.toString());
        sent.push(message);
        if (message.id === undefined) return Promise.resolve();
        count += 1;
        const member = answer(message, count);
        const whole = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...member });
        if (member) queueMicrotask(() => channel.receive(Buffer.from(whole)));
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
      pause: () => {},
      resume: () => {},
    },
    { onServerRequest: () => {}, onNotification: () => {}, onInvalid: () => {} },
  );
  const cursors = () => sent.filter(({ id }) => id !== undefined).map(({ params }) => Object(params).cursor);
  return { clock, channel, sent, cursors, fetch: createListFetcher(channel, clock) };
}
const tool = (name: string) => ({ name, inputSchema: { type: 'object' } });
const page = (names: readonly string[], nextCursor?: unknown) => ({
  result: { tools: names.map(tool), ...(nextCursor === undefined ? {} : { nextCursor }) },
});
async function namesOf({ fetch }: ReturnType<typeof world>) {
  return (await fetch('tools')).items.map(({ name }) => name);
}

it('reads each page once, and each name once, whatever the cursors do', async () => {
  const cases: [Answer, names: string[], cursors: (string | undefined)[]][] = [
    [() => page(['a', 'b']), ['a', 'b'], [undefined]],
    [() => page(['a', 'b', 'c'], '8'), ['a', 'b', 'c'], [undefined, '8']],
    [({ params }) => (params.cursor ? page(['b', 'c']) : page(['a', 'b'], 'n')), ['a', 'b', 'c'], [undefined, 'n']],
    [
      ({ params }) => page([`${params.cursor ?? 'start'}`], { x: 'y', y: 'x' }[params.cursor ?? ''] ?? 'x'),
      ['start', 'x', 'y'],
      [undefined, 'x', 'y'],
    ],
    [() => page(['a'], null), ['a'], [undefined]],
    [() => page(['a'], false), ['a'], [undefined]],
    // An empty cursor is one; where it is refused, it meant that nothing follows.
    [({ params }) => (params.cursor === undefined ? page(['a'], '') : page(['b'])), ['a', 'b'], [undefined, '']],
    [
      ({ params }) =>
        params.cursor === undefined ? page(['a'], '') : { error: { code: -32602, message: 'bad cursor' } },
      ['a'],
      [undefined, ''],
    ],
    [() => ({ ...page(['a']), error: null }), ['a'], [undefined]],
  ];
  for (const [answer, names, cursors] of cases) {
    const one = world(answer);
    expect(await namesOf(one)).toEqual(names);
    expect(one.cursors()).toEqual(cursors);
    expect(one.clock.waiting).toBe(0);
  }
});

it.each([7, 0, true, {}, { after: 'x' }, ['x']])('names a next page that nobody can ask for: %j', async (cursor) => {
  const one = world(() => page(['a'], cursor));
  const error: unknown = await one.fetch('tools').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'ListError', message: expect.stringContaining(JSON.stringify(cursor)) });
  expect(Object(error).cut.items).toHaveLength(1);
  expect(one.cursors()).toEqual([undefined]);
});

it('gives no part of a list that breaks off, and says at which page', async () => {
  const one = world((_, count) => (count < 3 ? page([`${count}`], `${count}`) : { error: { code: 7, message: 'no' } }));
  await expect(one.fetch('tools')).rejects.toMatchObject({
    name: 'ListError',
    code: 7,
    answer: '{"code":7,"message":"no"}',
    message: 'it answered tools/list, page 3, with error 7: no',
  });
});

it.each([
  [{ result: {} }, 'without a list: nothing'],
  [{ result: { tools: null } }, 'without a list: "tools": null'],
  [{ result: { tools: 'x'.repeat(1_000) } }, 'without a list: "tools": "xxxx'],
  [{ result: [] }, 'without a list: nothing'],
  [{ result: null, error: { code: -32603, message: 'away' } }, 'with error -32603: away'],
  [{ error: { message: 'no code' } }, 'no code'],
  [{ error: 'text' }, 'without a list'],
])('takes %j for no list', async (answer, reason) => {
  const one = world(() => answer);
  const error: unknown = await one.fetch('tools').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'ListError', message: expect.stringContaining(reason) });
  expect(String(error).length).toBeLessThan(200);
});

it('stops at a bound where pages do not end, with what came until then', async () => {
  const one = world((_, count) => page([`${count}`], `${count}`));
  const error: unknown = await one.fetch('tools').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'ListError', message: expect.stringContaining('did not end after 256 pages') });
  expect(Object(error).cut.items).toHaveLength(256);
  const large = world((_, count) => page([`${count}`.padEnd(9_000_000, 'x')], `${count}`));
  await expect(large.fetch('tools')).rejects.toMatchObject({
    message: expect.stringContaining('after 4 pages'),
  });
});

it('gives up on a page after a minute, and tells the server so', async () => {
  const one = world((_, count) => (count === 1 ? page(['a'], 'n') : undefined));
  const fetching = one.fetch('tools').catch((thrown: unknown) => thrown);
  await one.clock.pass(59_999);
  expect(one.sent.map(({ method }) => method)).toEqual(['tools/list', 'tools/list']);
  await one.clock.pass(1);
  expect(await fetching).toMatchObject({ message: 'it did not answer tools/list for 60 s' });
  expect(one.sent.at(-1)).toMatchObject({ method: 'notifications/cancelled', params: { requestId: 2 } });
  expect(one.channel.inFlight).toBe(0);
  // One that always needs longer is heard in the end.
  for (const seconds of [120, 240, 300, 300]) {
    const silent = one.fetch('tools').catch((thrown: unknown) => thrown);
    await one.clock.pass(seconds * 1_000);
    expect(await silent).toMatchObject({ message: `it did not answer tools/list for ${seconds} s` });
  }
});

it('asks once more on a connection that broke, not where the server refused or is gone', async () => {
  const failing = async (error: AppError, isLost = false) => {
    const one = world(() => undefined);
    const fetching = one.fetch('tools').catch((thrown: unknown) => thrown);
    await settle();
    if (isLost) one.channel.lose(error);
    else one.channel.failRequest('1', error);
    await settle();
    const count = one.sent.length;
    one.channel.lose(error);
    expect(await fetching).toBe(error);
    return count;
  };
  const broken = new AppError({ code: 'SERVER_FAILED', message: 'broke off' });
  expect(await failing(broken)).toBe(2);
  expect(await failing(broken, true)).toBe(1);
  expect(await failing(new AppError({ code: 'SERVER_FAILED', message: 'HTTP 503', data: { status: 503 } }))).toBe(1);
  expect(await failing(new AppError({ code: 'MESSAGE_TOO_LARGE', message: 'too large' }))).toBe(1);
});
