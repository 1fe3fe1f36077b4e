// Answers over HTTP as bytes, read strictly, where several are on their way at once or one is read in parts: ahead of each
// other on a connection, late, resumed, taken over, cut by the end of the daemon.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textOf as resultText } from '../support/mcp-client.ts';
import { messagesOf } from '../support/raw-connection.ts';
import { answerIn, call, RawRig, say } from '../support/raw-rig.ts';
import { legacyHeaders, modernSpeaker } from '../support/raw-speakers.ts';
import { eventsOf } from '../support/strict-http.ts';

let raw: RawRig;
beforeAll(async () => {
  raw = new RawRig();
  await raw.start();
});
afterAll(() => raw.dispose());

describe('several at once', () => {
  it('answers what is sent ahead on one connection in its order, whatever its size and kind', async () => {
    const legacy = await raw.begin(raw.open(), '2025-11-25');
    const modern = modernSpeaker(raw.options());
    const one = fc.record({
      isModern: fc.boolean(),
      kind: fc.constantFrom('call' as const, 'progress' as const, 'list' as const, 'error' as const),
      size: fc.oneof(fc.nat(200), fc.nat({ max: 140_000 })),
    });
    let id = 100;
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 8 }), async (asked) => {
        const connection = raw.open();
        const sent = asked.map(({ isModern, kind, size }) => {
          id += 1;
          const { request } = isModern ? modern : legacy;
          const params = {
            call: say('y'.repeat(size)),
            progress: call('slow', { steps: 3, text: 'z'.repeat(size) }),
            list: {},
            error: call('fail', { code: -32042, bytes: size }),
          }[kind];
          return {
            id,
            kind,
            size,
            request: request(id, kind === 'list' ? 'tools/list' : 'tools/call', params, `p${id}`),
          };
        });
        const responses = await connection.askAll(...sent.map(({ request }) => request));
        responses.forEach((response, i) => {
          const { id: expected = 0, kind, size = 0 } = sent[i] ?? {};
          const answer = answerIn(response, expected);
          if (kind === 'call') expect(resultText(answer)).toBe('y'.repeat(size));
          if (kind === 'progress') expect(resultText(answer)).toBe('z'.repeat(size));
          if (kind === 'error') expect(answer).toMatchObject({ error: { code: -32042, message: 'x'.repeat(size) } });
        });
        await connection.close();
      }),
      { numRuns: 20 },
    );
  });

  it('answers many connections, each its own', async () => {
    const legacy = await raw.begin(raw.open(), '2025-11-25');
    const speakers = [legacy, modernSpeaker(raw.options())];
    await Promise.all(
      Array.from({ length: 24 }, async (_, i) => {
        const connection = raw.open();
        for (let round = 0; round < 4; round += 1) {
          const id = 1_000 + i * 10 + round;
          const text = `${id} `.repeat(1 + ((i * 4 + round) % 7) * 6_000);
          const response = await connection.ask((speakers[i % 2] ?? legacy).request(id, 'tools/call', say(text)));
          expect(resultText(answerIn(response, id))).toBe(text);
        }
        await connection.close();
      }),
    );
  });

  it('keeps an answer whole for a program that reads late', async () => {
    const speaker = await raw.begin(raw.open(), '2025-11-25');
    const [late, other] = [raw.open(), raw.open()];
    const text = '0123456789abcdef'.repeat(512 * 1024);
    late.pause();
    const reading = late.askAll(speaker.request(1, 'tools/call', say(text)), speaker.request(2, 'ping'));
    for (const id of [3, 4]) {
      const { request } = modernSpeaker(raw.options());
      expect(resultText(answerIn(await other.ask(request(id, 'tools/call', say(text))), id))).toBe(text);
    }
    late.resume();
    const [large, ping] = await reading;
    if (!large || !ping) throw new Error('no answers');
    expect(resultText(answerIn(large, 1))).toBe(text);
    expect(answerIn(ping, 2)).toMatchObject({ result: {} });
    await Promise.all([late.close(), other.close()]);
  });
});

describe('streams', () => {
  it('hands the rest of a broken stream on, its ids without a gap, and ends it', async () => {
    const connection = raw.open();
    const speaker = await raw.begin(connection, '2025-11-25');
    const broken = raw.open();
    const until = join(raw.rig.home, 'broken');
    const [response] = await broken.begin(
      speaker.request(1, 'tools/call', call('slow', { steps: 6, held: 3, until, text: 'x'.repeat(70_000) }), 'p'),
    );
    if (!response) throw new Error('no answer');
    // More may have come already: that these are what the program had time to read is all that counts.
    const lastId = await broken.until(() => eventsOf(response)[2]?.id, 'three events');
    broken.kill();
    writeFileSync(until, '');
    const rest = await connection.ask(speaker.other('GET', undefined, { 'last-event-id': lastId }));
    const [stream, number] = lastId.split('.');
    const events = eventsOf(rest);
    expect(events[0]?.id).toBe(`${stream}.${Number(number) + 1}`);
    expect(events.at(-1)?.id).toBe(`${stream}.7`);
    expect(resultText(answerIn(rest, 1))).toBe('x'.repeat(70_000));
    // Its end was read: once more it has nothing new, and ends as well.
    const again = await connection.ask(speaker.other('GET', undefined, { 'last-event-id': `${stream}.7` }));
    expect(eventsOf(again)).toEqual([]);
    expect(answerIn(await connection.ask(speaker.request(2, 'ping')), 2)).toMatchObject({ result: {} });
    await connection.close();
  });

  it('ends the stream that another takes over, and the last one with its session', async () => {
    const connection = raw.open();
    const speaker = await raw.begin(connection, '2025-11-25');
    expect((await connection.ask(speaker.request(1, 'tools/list'))).status).toBe(200);
    const [first, second] = [raw.open(), raw.open()];
    const [early] = await first.begin(speaker.other('GET'));
    if (!early) throw new Error('no stream');
    await connection.ask(speaker.request(2, 'tools/call', call('add_tool', { name: 'raw_added' })));
    const change = await first.until(() => messagesOf(early)[0], 'a change');
    expect(change).toMatchObject({ method: 'notifications/tools/list_changed' });
    const lastId = eventsOf(early).at(-1)?.id ?? '';
    const [late] = await second.begin(speaker.other('GET', undefined, { 'last-event-id': lastId }));
    if (!late) throw new Error('no stream');
    await first.until(() => early.isComplete || undefined, 'the end of the first stream');
    // What was seen is what the next change is told of.
    expect((await connection.ask(speaker.request(3, 'tools/list'))).status).toBe(200);
    await connection.ask(speaker.request(4, 'tools/call', call('remove_tool', { name: 'raw_added' })));
    await second.until(() => messagesOf(late).length > 0 || undefined, 'the other change');
    expect((await connection.ask(speaker.other('DELETE'))).status).toBe(200);
    await second.until(() => late.isComplete || undefined, 'the end of the second stream');
    const after = [...eventsOf(early), ...eventsOf(late)];
    expect(after.filter(({ data }) => data !== '')).toHaveLength(2);
    expect((await second.ask(speaker.request(5, 'ping'))).status).toBe(404);
    await Promise.all([connection.close(), first.close(), second.close()]);
  });

  it('tells a listener of the newer family what it asked for', async () => {
    const { request } = modernSpeaker(raw.options());
    const [listening, connection] = [raw.open(), raw.open()];
    const filter = { notifications: { resourceSubscriptions: ['test://clock'] } };
    const [stream] = await listening.begin(request(1, 'subscriptions/listen', filter));
    if (!stream) throw new Error('no stream');
    const heard = (count: number) =>
      listening.until(() => (messagesOf(stream).length >= count ? messagesOf(stream) : undefined), `${count} messages`);
    await heard(1);
    await connection.ask(request(2, 'tools/call', call('touch')));
    expect((await heard(2))[1]).toMatchObject({ method: 'notifications/resources/updated' });
    listening.kill();
    await connection.close();
  });

  it('shows its own events to who watches', async () => {
    const [watching, connection] = [raw.open(), raw.open()];
    const [stream] = await watching.begin({ method: 'GET', path: '/events', headers: legacyHeaders(raw.options()) });
    if (!stream) throw new Error('no stream');
    await raw.begin(connection, '2025-11-25');
    await watching.until(() => eventsOf(stream).length > 0 || undefined, 'an event');
    watching.kill();
    await connection.close();
  });
});

// Last: it ends the daemon.
it('ends streams and waiting requests whole when the daemon ends', async () => {
  const [main, asking, listening] = [raw.open(), raw.open(), raw.open()];
  const speaker = await raw.begin(asking, '2025-11-25');
  const { request } = modernSpeaker(raw.options());
  const [stream] = await main.begin(speaker.other('GET'));
  const [listener] = await listening.begin(
    request(1, 'subscriptions/listen', { notifications: { toolsListChanged: true } }),
  );
  if (!stream || !listener) throw new Error('no stream');
  await listening.until(() => messagesOf(listener).length > 0 || undefined, 'the acknowledgement');
  await raw.rig.closeSessions();
  for (const pid of raw.rig.daemons()) process.kill(pid, 'SIGTERM');
  await main.until(() => stream.isComplete || undefined, 'the end of the stream');
  await listening.until(() => listener.isComplete || undefined, 'the end of the listener');
  expect(answerIn(listener, 1)).toMatchObject({ result: { resultType: 'complete' } });
});
