// Servers behind a CDN or a gateway that packs their answers, asked for or not: what a direct client reads is read.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as zlib from 'node:zlib';
import { afterEach, expect, test, vi } from 'vitest';
import type { AppError } from '../../src/base/errors.ts';
import { openHttp } from '../../src/upstream/transports/http/http.ts';
import { createHttpClient, type HttpClient } from '../../src/upstream/transports/http/http-client.ts';
import { openHttpOrSse } from '../../src/upstream/transports/http/http-or-sse.ts';
import { createNodeFetch } from '../../src/upstream/transports/http/node-fetch.ts';
import { openSse } from '../../src/upstream/transports/http/sse.ts';
import type { Transport } from '../../src/upstream/transports/transport.ts';
import { eventually } from '../support/eventually.ts';
import { type Gateway, hasZstd, type Rules, runGateway } from '../support/gateway.ts';
import { runFixture } from '../support/run-fixture.ts';
import { TransportRecorder } from '../support/transport-recorder.ts';

const codings = [
  'gzip',
  'x-gzip',
  'deflate',
  'deflate-raw',
  'br',
  'gzip, br',
  'br, gzip',
  ...(hasZstd ? ['zstd'] : []),
];
const limit = 64 * 1024;
const openers = { http: openHttp, either: openHttpOrSse, sse: openSse };
const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newClient(): HttpClient {
  const client = createHttpClient({ env: {} });
  cleanups.push(client.close);
  return client;
}

function connect(url: string, kind: keyof typeof openers = 'http', headers: Record<string, string> = {}) {
  const recorder = new TransportRecorder();
  const failures = new Map<string, AppError>();
  const transport: Transport = openers[kind](
    { url: new URL(url), headers, maxMessageBytes: limit },
    { ...recorder.events, onRequestFailed: (id, error) => failures.set(id, error) },
    { client: newClient(), firstRetryMs: 20 },
  );
  cleanups.push(() => transport.close('test is over'));
  const send = (id: number, method = 'tools/list') =>
    transport.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params: {} })), String(id));
  const failure = (id: number) => eventually(() => failures.get(String(id)), { what: `the failure of ${id}` });
  return { transport, recorder, failures, send, failure };
}

async function gatewayTo(env: Record<string, string>, rules: Rules): Promise<Gateway> {
  const fixture = await runFixture('http-echo.mjs', env);
  cleanups.push(fixture.stop);
  const gateway = await runGateway(fixture.origin, rules);
  cleanups.push(gateway.stop);
  return gateway;
}

/** Answers every request as told. */
async function serve(answer: (response: ServerResponse, method: string) => void): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.on('error', () => {});
    request.on('end', () => answer(response, request.method ?? ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  const address: AddressInfo | string | null = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/mcp`;
}

const sized = [undefined, 1].flatMap((pieceBytes) => codings.map((pack) => ({ pack, pieceBytes })));

test.each(sized)('reads answers and streams packed as $pack, in pieces of $pieceBytes', async ({
  pack,
  pieceBytes,
}) => {
  for (const reply of ['json', 'stream']) {
    const gateway = await gatewayTo({ HTTP_REPLY: reply }, { pack, ...(pieceBytes ? { pieceBytes } : {}) });
    const { transport, recorder } = connect(`${gateway.origin}/mcp`);
    await recorder.open(transport);
    expect(await recorder.call(transport, 'echo', { text: `grüße ${'x'.repeat(500)}` })).toBe(
      `grüße ${'x'.repeat(500)}`,
    );
    // What belongs to no request comes on a stream that stays open.
    await eventually(() => gateway.passed.some(({ method }) => method === 'GET'), { what: 'the GET stream' });
    await recorder.call(transport, 'add_tool', { name: 'new' });
    await recorder.notification('notifications/tools/list_changed');
    for (const { headers } of gateway.passed) expect(headers['accept-encoding']).toBe('identity');
    expect(recorder.garbage).toEqual([]);
  }
});

test.each(codings)('reads the older HTTP+SSE packed as %s, also where it has to be found first', async (pack) => {
  const gateway = await gatewayTo({}, { pack });
  for (const kind of ['sse', 'either'] as const) {
    const { transport, recorder } = connect(`${gateway.origin}/sse`, kind);
    await recorder.open(transport);
    expect(await recorder.call(transport, 'echo', { text: 'by stream' })).toBe('by stream');
  }
});

test('asks for what the entry wants, if it says so', async () => {
  const gateway = await gatewayTo({}, { pack: 'gzip' });
  const { transport, recorder } = connect(`${gateway.origin}/mcp`, 'http', { 'Accept-Encoding': 'gzip, br' });
  await recorder.open(transport);
  for (const { headers } of gateway.passed) expect(headers['accept-encoding']).toBe('gzip, br');
});

test('uses a connection again after a packed answer', async () => {
  const gateway = await gatewayTo({ HTTP_REPLY: 'json', HTTP_NO_GET: '1' }, { pack: 'gzip' });
  const { transport, recorder } = connect(`${gateway.origin}/mcp`);
  await recorder.open(transport);
  await eventually(() => gateway.passed.some(({ method }) => method === 'GET'), { what: 'the GET' });
  await recorder.call(transport, 'echo', { text: 'a' });
  const before = gateway.sockets();
  for (let i = 0; i < 5; i += 1) await recorder.call(transport, 'echo', { text: 'a' });
  expect(gateway.sockets()).toBe(before);
});

const pack: Record<string, (text: string | Buffer) => Buffer> = {
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
};
const whole = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: [] } });

test.each(Object.keys(pack))('reads what an error packed as %s says', async (coding) => {
  const pages = [
    { status: 400, type: 'application/json', text: JSON.stringify({ error: 'the tenant is unknown' }) },
    { status: 500, type: 'text/html', text: '<h1>the tenant is unknown</h1>' },
    {
      status: 403,
      type: 'application/json',
      text: JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -1, message: 'the tenant is unknown' } }),
    },
  ];
  for (const { status, type, text } of pages) {
    const url = await serve((response) => {
      response.writeHead(status, { 'content-type': type, 'content-encoding': coding });
      response.end(pack[coding]?.(text));
    });
    const { send, failure } = connect(url);
    await send(1);
    expect((await failure(1)).message).toContain('the tenant is unknown');
  }
  // An error of the protocol in an error response is the answer.
  const error = { jsonrpc: '2.0', id: 2, error: { code: -32602, message: 'no such tool' } };
  const url = await serve((response) => {
    response.writeHead(400, { 'content-type': 'application/json', 'content-encoding': coding });
    response.end(pack[coding]?.(JSON.stringify(error)));
  });
  const { send, recorder } = connect(url);
  await send(2);
  expect(await recorder.reply(2)).toEqual(error);
});

test.each(Object.keys(pack))('reads descriptions of a login packed as %s', async (coding) => {
  const url = await serve((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding });
    response.end(pack[coding]?.('\ufeff{"issuer":"https://login.test"}'));
  });
  const fetched = await createNodeFetch(newClient(), { ensureAllowed: () => {} })(url);
  expect(fetched.headers.get('content-encoding')).toBeNull();
  expect(await fetched.json()).toEqual({ issuer: 'https://login.test' });
});

test.each([202, 204])('takes an empty answer %s that says how it would be packed', async (status) => {
  const url = await serve((response) => response.writeHead(status, { 'content-encoding': 'gzip' }).end());
  const { transport } = connect(url);
  await transport.send(Buffer.from('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}}'));
});

test('reads JSON that begins with the mark of UTF-8, and text in a coding that is none', async () => {
  for (const [encoding, text] of [
    ['identity', `\ufeff${whole}`],
    ['utf-8', whole],
    ['', ` \n${whole}`],
  ] as const) {
    const url = await serve((response) => {
      response.writeHead(200, { 'content-type': 'Application/JSON; charset="utf-8"', 'content-encoding': encoding });
      response.end(text);
    });
    const { send, recorder } = connect(url);
    await send(1);
    expect(await recorder.reply(1)).toEqual(JSON.parse(whole));
  }
});

const undecodable: [string, string, Buffer, RegExp][] = [
  ['a coding that is unknown', 'x-new', Buffer.from([0x1f, 0x9d, 0x90]), /encoding "x-new", which cannot be decoded/],
  ['another coding than it says', 'br', zlib.gzipSync(whole), /encoded as br, and it cannot be decoded/],
  ['no coding although it says so', 'gzip', Buffer.from(whole), /encoded as gzip, and it cannot be decoded/],
  ['a sum that is wrong', 'gzip', broken(zlib.gzipSync(whole)), /encoded as gzip, and it cannot be decoded/],
  ['more layers than anybody has', Array(30).fill('gzip').join(), zlib.gzipSync(whole), /which cannot be decoded/],
];
function broken(bytes: Buffer): Buffer {
  bytes[bytes.length - 6] = (bytes.at(-6) ?? 0) ^ 1;
  return bytes;
}

test.each(undecodable)('says what is wrong with an answer in %s', async (_what, encoding, bytes, says) => {
  for (const type of ['application/json', 'text/event-stream']) {
    // The stream stays open: nobody must wait for its end.
    const url = await serve((response) => {
      response.writeHead(200, { 'content-type': type, 'content-encoding': encoding });
      response.write(bytes);
    });
    const { send, failure } = connect(url);
    await send(1);
    const error = await failure(1);
    expect(error.message).toMatch(says);
    expect(error).toMatchObject({ code: 'SERVER_FAILED', data: { status: 200, mayHaveRun: true } });
  }
  const url = await serve((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': encoding });
    response.write(bytes);
  });
  const { recorder } = connect(url, 'sse');
  expect((await recorder.exit()).error).toMatchObject({ message: expect.stringMatching(says) });
});

test.each(Object.keys(pack))('takes a %s answer that ends too early for a broken connection', async (coding) => {
  const long = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: [...Array(5_000).keys()].join() } });
  const half = (text: string) => {
    const bytes = pack[coding]?.(text) ?? Buffer.alloc(0);
    return bytes.subarray(0, bytes.length / 2);
  };
  for (const [type, text] of [
    ['application/json', long],
    ['text/event-stream', `data: ${long}\n\n`],
  ] as const) {
    for (const isCleanEnd of [true, false]) {
      const url = await serve((response) => {
        response.writeHead(200, { 'content-type': type, 'content-encoding': coding });
        response.write(half(text), () => (isCleanEnd ? response.end() : response.destroy()));
      });
      const { send, failure } = connect(url);
      await send(1);
      expect(await failure(1)).toMatchObject({ code: 'SERVER_FAILED', data: { mayHaveRun: true } });
      expect((await failure(1)).message).toContain('ended the connection before it had answered');
    }
  }
});

test.each(Object.keys(pack))('takes a whole message where only the end of %s is missing', async (coding) => {
  const packed = pack[coding]?.(whole) ?? Buffer.alloc(0);
  const url = await serve((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding });
    response.end(packed.subarray(0, -1));
  });
  const { send, recorder } = connect(url);
  await send(1);
  expect(await recorder.reply(1)).toEqual(JSON.parse(whole));
});

/** 1 GiB, in one mebibyte or less. */
const endless = (unit: string): Buffer => {
  const part = zlib.gzipSync(unit.repeat((16 * 1024 * 1024) / unit.length));
  return Buffer.concat(Array(64).fill(part));
};
const bombs: [string, string, string, Buffer][] = [
  ['JSON', 'application/json', 'gzip', endless(' ')],
  ['JSON, twice packed', 'application/json', 'gzip, gzip', zlib.gzipSync(endless(' '))],
  ['an event', 'text/event-stream', 'gzip', Buffer.concat([zlib.gzipSync('data: '), endless('x')])],
  ['empty lines', 'text/event-stream', 'gzip', endless('\n')],
  ['comments', 'text/event-stream', 'gzip', endless(': ping\n\n')],
  ['events without data', 'text/event-stream', 'gzip', endless('id: 1\ndata:\n\n')],
];

test.each(bombs)('cuts an endless answer at the limit: %s', async (_what, type, encoding, bomb) => {
  let wasCut = 0;
  const url = await serve((response) => {
    response.on('close', () => {
      wasCut += 1;
    });
    response.writeHead(200, { 'content-type': type, 'content-encoding': encoding });
    response.write(bomb);
  });
  const { send, recorder } = connect(url);
  await send(1);
  const [line] = await eventually(() => recorder.oversize.length > 0 && recorder.oversize, { what: 'the cut' });
  // Not a mebibyte more than the limit was ever decoded.
  expect(line?.bytes).toBeGreaterThan(limit);
  expect(line?.bytes).toBeLessThan(limit + 1024 * 1024);
  await eventually(() => wasCut === 1, { what: 'the end of the connection' });
});

test('cuts endless answers of the older HTTP+SSE, and ends with the limit in its words', async () => {
  const url = await serve((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
    response.write(endless(': ping\n\n'));
  });
  const { recorder } = connect(url, 'sse');
  const { error } = await recorder.exit();
  expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE', message: expect.stringContaining(String(limit)) });
});

test('cuts endless error pages and descriptions of a login', async () => {
  let wasCut = 0;
  const url = await serve((response, method) => {
    response.on('close', () => {
      wasCut += 1;
    });
    response.writeHead(method === 'GET' ? 200 : 500, { 'content-encoding': 'gzip' });
    response.write(endless('x'));
  });
  const { send, failure } = connect(url);
  await send(1);
  expect((await failure(1)).message).toContain('HTTP 500: xxx');
  const fetching = createNodeFetch(newClient(), { ensureAllowed: () => {} })(url);
  await expect(fetching).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' });
  await eventually(() => wasCut === 2, { what: 'the end of both connections' });
});

test('does not unpack what nobody reads', async () => {
  const url = await serve((response, method) => {
    if (method !== 'POST') return response.writeHead(405).end();
    response.writeHead(202, { 'content-encoding': 'gzip' });
    response.end(Buffer.from('no gzip'));
  });
  const { transport, recorder } = connect(url);
  await transport.send(Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}'));
  expect(recorder.exits).toEqual([]);
});

test('does not wait for ever for an answer that is none, and takes one with its number as a string', async () => {
  for (const text of [
    '{"error":"forbidden"}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"forbidden"}}',
    '{"jsonrpc":"2.0","id":4711,"result":{"forbidden":true}}',
    '[{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"forbidden"}}]',
  ]) {
    const url = await serve((response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text));
    const { send, failure } = connect(url);
    await send(1);
    const error = await failure(1);
    expect(error).toMatchObject({ code: 'SERVER_FAILED', data: { status: 200, mayHaveRun: true } });
    expect(error.message).toContain('forbidden');
  }
  for (const type of ['application/json', 'text/event-stream']) {
    const message = '{"jsonrpc":"2.0","id":"1","result":{}}';
    const url = await serve((response) => {
      response.writeHead(200, { 'content-type': type });
      response.end(type === 'application/json' ? message : `data: ${message}\n\n`);
    });
    const { send, recorder, failures } = connect(url);
    await send(1);
    await eventually(() => recorder.received.length === 1, { what: 'the answer' });
    await recorder.tell(connect(url).transport, 'ping').catch(() => {}); // whatever would fail has failed by then
    expect([...failures]).toEqual([]);
  }
});

test('goes on after a notification over the limit on the stream of a reply', async () => {
  const large = JSON.stringify({
    jsonrpc: '2.0',
    method: 'notifications/message',
    params: { data: 'x'.repeat(limit * 2) },
  });
  let finish = () => {};
  const url = await serve((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${large}\n\n`);
    finish = () => response.end(`data: ${whole}\n\n`);
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  cleanups.push(() => void vi.useRealTimers());
  const { send, recorder, failures } = connect(url);
  await send(1);
  await eventually(() => recorder.oversize.length === 1, { what: 'the notification' });
  // Longer than the stream of an answered request lingers.
  vi.advanceTimersByTime(1_500);
  finish();
  expect(await recorder.reply(1)).toEqual(JSON.parse(whole));
  expect([...failures]).toEqual([]);
});
