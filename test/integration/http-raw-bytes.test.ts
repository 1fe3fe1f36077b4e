// Every kind of answer over HTTP as bytes, read strictly, from the built daemon on the Node that runs this file. Breaks when
// an answer leaves in another order than it was written, is cut, or is followed by what nobody asked for.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textOf as resultText } from '../support/mcp-client.ts';
import { type Message, messagesOf, type RawConnection, type RawRequest } from '../support/raw-connection.ts';
import { answerIn, call, RawRig, say } from '../support/raw-rig.ts';
import { acceptHeaders, legacyHeaders, modernSpeaker, type Speaker } from '../support/raw-speakers.ts';
import { StrictHttpReader } from '../support/strict-http.ts';

/** Around the size up to which an event is one write, and one that no buffer of a socket holds. */
const sizes = [0, 1, 65_300, 65_536, 65_700, 3 * 1024 * 1024];
const anyText = 'a line\r\nanother — ∀ 𝄞 \u2028\u0085';

let raw: RawRig;
beforeAll(async () => {
  raw = new RawRig();
  await raw.start();
});
afterAll(() => raw.dispose());

const takesStream = (accept: string) => accept.includes('text/event-stream');

/** What both families have in common; `id` counts up, so that no two answers can be taken for each other. */
async function exchange(connection: RawConnection, { request }: Speaker, accept: string): Promise<void> {
  let id = 0;
  const ask = async (method: string, params: Message, progressToken?: string) => {
    id += 1;
    const response = await connection.ask(request(id, method, params, progressToken));
    return { response, answer: answerIn(response, id) };
  };
  expect(JSON.stringify((await ask('tools/list', {})).answer)).toContain('"name":"echo"');
  for (const size of sizes) {
    const { answer } = await ask('tools/call', say('x'.repeat(size)));
    expect(resultText(answer)).toBe('x'.repeat(size));
  }
  expect(resultText((await ask('tools/call', say(anyText))).answer)).toBe(anyText);
  const slow = await ask('tools/call', call('slow', { steps: 4 }), 'token');
  const progress = messagesOf(slow.response).filter(({ method }) => method === 'notifications/progress');
  expect(progress.map(({ params }) => params)).toMatchObject(
    takesStream(accept) ? [1, 2, 3, 4].map((step) => ({ progressToken: 'token', progress: step })) : [],
  );
  expect(resultText(slow.answer)).toBe('done');
  expect((await ask('tools/call', call('fail', { code: -32042 }))).answer).toMatchObject({ error: { code: -32042 } });
  expect((await ask('tools/call', call('fail', { code: -32042, bytes: 100_000 }))).answer).toHaveProperty('error');
  expect((await ask('tools/call', call('no_such_tool'))).answer).toHaveProperty('error');
  expect((await ask('no/such', {})).answer).toMatchObject({ error: { code: -32601 } });
  const greeting = await ask('prompts/get', { name: 'greet', arguments: { who: 'you' } });
  expect(JSON.stringify(greeting.answer)).toContain('Hello you');
}

it('the reader refuses what is no HTTP', () => {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  const read = (...bytes: string[]) => {
    const reader = new StrictHttpReader();
    reader.expected = 1;
    for (const one of bytes) reader.push(Buffer.from(one));
    reader.end();
    return Buffer.concat(reader.responses[0]?.parts ?? []).toString();
  };
  expect(read(head, '2\r\nab\r', '\n0\r\n\r\n')).toBe('ab');
  expect(() => read(head, '0\r\n\r\n2\r\nab\r\n')).toThrow('nobody asked for');
  expect(() => read(head, '2\r\nabc\r\n0\r\n\r\n')).toThrow('no line break');
  expect(() => read(head, '2\r\nab\r\n')).toThrow('ended in chunk-size');
  expect(() => read('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab')).toThrow('ended in body');
});

it('speaks through the daemon of the same Node, over stdio too', async () => {
  expect(raw.rig.log().find(({ event }) => event === 'daemon.ready')).toMatchObject({ node: process.version });
  expect(await raw.session.toolNames()).toContain('echo__echo');
  expect(resultText(await raw.session.call('echo__echo', { text: anyText }))).toBe(anyText);
  for (const size of sizes) {
    expect(resultText(await raw.session.call('echo__big', { bytes: size }))).toBe('x'.repeat(size));
  }
});

describe('on one connection that is kept', () => {
  const versions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
  it.each(
    versions.flatMap((version) => acceptHeaders.map((accept) => ({ version, accept }))),
  )('answers every kind of request of $version for Accept: $accept', async ({ version, accept }) => {
    const connection = raw.open();
    const speaker = await raw.begin(connection, version, accept);
    await exchange(connection, speaker, accept);
    expect((await connection.ask(speaker.other('DELETE'))).status).toBe(200);
    expect((await connection.ask(speaker.request(99, 'ping'))).status).toBe(404);
    await connection.close();
  });

  it.each(acceptHeaders)('answers every kind of request of 2026-07-28 for Accept: %s', async (accept) => {
    const connection = raw.open();
    const speaker = modernSpeaker(raw.options(accept));
    const discovered = await connection.ask(speaker.request(0, 'server/discover'));
    expect(answerIn(discovered, 0)).toMatchObject({ result: { resultType: 'complete' } });
    await exchange(connection, speaker, accept);
    await connection.close();
  });

  it('answers a batch, as a stream and as JSON', async () => {
    const connection = raw.open();
    const batch = (...calls: [number, string, Message][]) =>
      calls.map(([id, method, params]) => ({ jsonrpc: '2.0', id, method, params }));
    const calls = batch([1, 'tools/call', say('one')], [2, 'ping', {}], [3, 'tools/call', say('x'.repeat(70_000))]);
    for (const accept of acceptHeaders) {
      const speaker = await raw.begin(connection, '2025-03-26', accept);
      const response = await connection.ask(speaker.other('POST', calls));
      expect(resultText(answerIn(response, 1))).toBe('one');
      expect(answerIn(response, 2)).toMatchObject({ result: {} });
      expect(resultText(answerIn(response, 3))).toBe('x'.repeat(70_000));
    }
    await connection.close();
  });

  it('refuses, and goes on', async () => {
    const connection = raw.open();
    const { path } = raw.options();
    const headers = legacyHeaders(raw.options());
    const statusOf = async (request: RawRequest) => (await connection.ask(request)).status;
    const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
    expect(await statusOf({ method: 'POST', path, headers, body: ping })).toBe(400);
    expect(await statusOf({ method: 'POST', path, headers, body: '{' })).toBe(400);
    expect(await statusOf({ method: 'POST', path, headers: { ...headers, authorization: 'x' }, body: ping })).toBe(401);
    expect(await statusOf({ method: 'POST', path, headers: { ...headers, origin: 'http://a' }, body: ping })).toBe(403);
    expect(await statusOf({ method: 'POST', path: '/mcp/none', headers, body: ping })).toBe(404);
    expect(await statusOf({ method: 'PUT', path, headers, body: ping })).toBe(405);
    expect(await statusOf({ method: 'POST', path, headers: { ...headers, accept: 'text/html' }, body: ping })).toBe(
      406,
    );
    expect(await statusOf({ method: 'GET', path: '/status', headers })).toBe(200);
    expect(await statusOf({ method: 'GET', path: '/nowhere', headers })).toBe(404);
    const body = JSON.stringify({ server: 'echo', tool: 'big', arguments: { bytes: 200_000 } });
    expect(await statusOf({ method: 'POST', path: '/call', headers, body })).toBe(200);
    await connection.close();
  });
});

describe('a connection for one request', () => {
  it.each<{ version: '1.0' | '1.1'; headers: Record<string, string> }>([
    { version: '1.1', headers: { connection: 'close' } },
    { version: '1.0', headers: {} },
    { version: '1.0', headers: { connection: 'keep-alive' } },
  ])('is answered and closed: HTTP/$version $headers', async ({ version, headers }) => {
    const speaker = await raw.begin(raw.open(), '2025-11-25');
    const alone = async (request: RawRequest) => {
      const connection = raw.open();
      const response = await connection.ask({ ...request, version, headers: { ...request.headers, ...headers } });
      if (version === '1.0') expect(response.headers['transfer-encoding']).toBeUndefined();
      await connection.close();
      return response;
    };
    for (const { request } of [speaker, modernSpeaker(raw.options())]) {
      for (const size of sizes) {
        expect(resultText(answerIn(await alone(request(1, 'tools/call', say('x'.repeat(size)))), 1))).toHaveLength(
          size,
        );
      }
      const slow = await alone(request(2, 'tools/call', call('slow', { steps: 2 }), 'p'));
      expect(messagesOf(slow)).toHaveLength(3);
      expect((await alone(request(3, 'tools/list'))).status).toBe(200);
    }
  });
});
