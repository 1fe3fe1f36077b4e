import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { AppError } from '../../src/base/errors.ts';
import { createHttpClient } from '../../src/upstream/transports/http/http-client.ts';
import { openSse } from '../../src/upstream/transports/http/sse.ts';
import type { Transport } from '../../src/upstream/transports/transport.ts';
import { openWs } from '../../src/upstream/transports/ws.ts';
import { eventually } from '../support/eventually.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';
import { TransportRecorder, textOf } from '../support/transport-recorder.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(name: string, env: Record<string, string> = {}): Promise<Fixture> {
  const fixture = await runFixture(name, env);
  cleanups.push(fixture.stop);
  return fixture;
}

type Options = { headers?: Record<string, string>; maxMessageBytes?: number };

function connect(kind: string, fixture: Fixture, { headers = {}, maxMessageBytes = 1024 * 1024 }: Options = {}) {
  const recorder = new TransportRecorder();
  let transport: Transport;
  if (kind === 'ws') {
    transport = openWs({ url: new URL(`ws://127.0.0.1:${fixture.port}`), headers, maxMessageBytes }, recorder.events);
  } else {
    const client = createHttpClient({ env: {} });
    cleanups.push(client.close);
    transport = openSse({ url: new URL(`${fixture.origin}/sse`), headers, maxMessageBytes }, recorder.events, {
      client,
    });
  }
  cleanups.push(async () => {
    await transport.close('test is over');
    expect(recorder.exits).toHaveLength(1);
    expect(recorder.afterExit).toBe(0);
  });
  return { transport, recorder };
}

const fixtureOf = (kind: string) => (kind === 'ws' ? 'ws-echo.mjs' : 'http-echo.mjs');

test.each(['sse', 'ws'])('carries a session over %s', async (kind) => {
  const { transport, recorder } = connect(kind, await serve(fixtureOf(kind)));
  expect((await recorder.open(transport))['result']).toMatchObject({ serverInfo: { name: 'echo' } });
  expect(await recorder.call(transport, 'echo', { text: 'grüße\n' })).toBe('grüße\n');
  await recorder.call(transport, 'add_tool', { name: 'new' });
  await recorder.notification('notifications/tools/list_changed');
  await transport.close('idle');
  expect(recorder.exits).toEqual([{ reason: 'closed' }]);
  await expect(transport.send(Buffer.from('{}'))).rejects.toThrow(AppError);
});

test.each(['sse', 'ws'])('ends as lost when the server goes away, over %s', async (kind) => {
  const fixture = await serve(fixtureOf(kind));
  const { transport, recorder } = connect(kind, fixture);
  await recorder.open(transport);
  await fixture.stop();
  expect((await recorder.exit()).reason).toBe('lost');
});

test.each(['sse', 'ws'])('ends as lost with the reason when nobody listens, over %s', async (kind) => {
  const fixture = await serve(fixtureOf(kind));
  await fixture.stop();
  const { transport, recorder } = connect(kind, fixture);
  await expect(transport.send(Buffer.from('{}'))).rejects.toThrow(/ECONNREFUSED/);
  const exit = await recorder.exit();
  expect(exit.reason).toBe('lost');
  expect(exit.error).toMatchObject({ message: expect.stringContaining('ECONNREFUSED') });
});

test.each([
  ['sse', { HTTP_TOKEN: 'good' }],
  ['ws', { WS_TOKEN: 'good' }],
])('sends the configured headers over %s', async (kind, env) => {
  const fixture = await serve(fixtureOf(kind), env);
  const { transport, recorder } = connect(kind, fixture, { headers: { Authorization: 'Bearer good' } });
  await recorder.open(transport);
  const refused = connect(kind, fixture);
  expect((await refused.recorder.exit()).error).toMatchObject({ message: expect.stringContaining('401') });
});

test('sends no message to an endpoint on another origin (SSE)', async () => {
  const elsewhere = await serve('http-echo.mjs');
  const fixture = await serve('http-echo.mjs', { SSE_ENDPOINT: `${elsewhere.origin}/messages` });
  const { transport, recorder } = connect('sse', fixture);
  await expect(transport.send(Buffer.from('{}'))).rejects.toThrow(AppError);
  expect((await recorder.exit()).error).toMatchObject({ message: expect.stringContaining(elsewhere.origin) });
});

test('says what came instead of an event stream (SSE)', async () => {
  const fixture = await serve('http-echo.mjs');
  const recorder = new TransportRecorder();
  const client = createHttpClient({ env: {} });
  cleanups.push(client.close);
  openSse({ url: new URL(`${fixture.origin}/nothing`), headers: {}, maxMessageBytes: 1_000 }, recorder.events, {
    client,
  });
  expect((await recorder.exit()).error).toMatchObject({ code: 'SERVER_FAILED', data: { status: 404 } });
});

test('ends as lost when the connection breaks in the middle, or a message is over the limit (WebSocket)', async () => {
  const fixture = await serve('ws-echo.mjs');
  const broken = connect('ws', fixture);
  await broken.recorder.open(broken.transport);
  await broken.transport.send(
    Buffer.from('{"jsonrpc":"2.0","id":50,"method":"tools/call","params":{"name":"hang_up"}}'),
    '50',
  );
  expect((await broken.recorder.exit()).reason).toBe('lost');
  const large = connect('ws', fixture, { maxMessageBytes: 20_000 });
  await large.recorder.open(large.transport);
  await large.transport.send(
    Buffer.from('{"jsonrpc":"2.0","id":51,"method":"tools/call","params":{"name":"big","arguments":{"bytes":50000}}}'),
    '51',
  );
  expect(await large.recorder.exit()).toMatchObject({
    reason: 'lost',
    error: { message: expect.stringMatching(/payload/i) },
  });
});

test('holds messages back while paused and loses none (WebSocket)', async () => {
  const home = mkdtempSync(join(tmpdir(), 'aitkit-ws-'));
  cleanups.push(() => rmSync(home, { recursive: true, force: true }));
  const counted = join(home, 'counted');
  const { transport, recorder } = connect('ws', await serve('ws-echo.mjs', { COUNT_FILE: counted }));
  await recorder.open(transport);
  transport.pause();
  const call = (id: number, name: string) =>
    transport.send(
      Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } })),
      String(id),
    );
  await call(60, 'echo');
  await call(61, 'count');
  // The server works in order: once it has counted, it has answered the call before.
  await eventually(() => existsSync(counted), { what: 'the second call' });
  expect(recorder.received.some(({ message }) => message['id'] === 60)).toBe(false);
  transport.resume();
  expect(textOf(await recorder.reply(60))).toBe('');
  expect(textOf(await recorder.reply(61))).toBe('counted');
});
