import { afterEach, expect, test } from 'vitest';
import type { AppError } from '../../src/base/errors.ts';
import { createHttpClient } from '../../src/upstream/transports/http/http-client.ts';
import { openHttpOrSse } from '../../src/upstream/transports/http/http-or-sse.ts';
import { eventually } from '../support/eventually.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';
import { TransportRecorder } from '../support/transport-recorder.ts';

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(): Promise<Fixture> {
  const fixture = await runFixture('http-echo.mjs');
  cleanups.push(fixture.stop);
  return fixture;
}

function connect(url: string, before = { isSse: false }) {
  const recorder = new TransportRecorder();
  const failures: AppError[] = [];
  const client = createHttpClient({ env: {} });
  const transport = openHttpOrSse(
    { url: new URL(url), headers: {}, maxMessageBytes: 1024 * 1024 },
    { ...recorder.events, onRequestFailed: (_id, error) => failures.push(error) },
    { client, firstRetryMs: 20 },
    before,
  );
  cleanups.push(async () => {
    await transport.close('test is over');
    client.close();
    expect(recorder.exits).toHaveLength(1);
    expect(recorder.afterExit).toBe(0);
  });
  return { transport, recorder, failures };
}

async function routes({ origin }: Fixture): Promise<string[]> {
  const all: { method: string; path: string }[] = JSON.parse(await (await fetch(`${origin}/test/requests`)).text());
  return all.map(({ method, path }) => `${method} ${path}`);
}

test('speaks HTTP+SSE with a server that takes no POST at its address, and does so at once the next time', async () => {
  const fixture = await serve();
  const before = { isSse: false };
  const { transport, recorder } = connect(`${fixture.origin}/sse`, before);
  await recorder.open(transport);
  expect(await recorder.call(transport, 'echo', { text: 'by stream' })).toBe('by stream');
  const first = await routes(fixture);
  expect(first.slice(0, 3)).toEqual(['POST /sse', 'GET /sse', 'POST /messages']);
  const next = connect(`${fixture.origin}/sse`, before);
  await next.recorder.open(next.transport);
  expect((await routes(fixture)).slice(first.length)[0]).toBe('GET /sse');
});

test('stays with Streamable HTTP where that is spoken', async () => {
  const fixture = await serve();
  const { transport, recorder } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  expect(await recorder.call(transport, 'echo', { text: 'by post' })).toBe('by post');
  expect((await routes(fixture)).filter((route) => route.includes('/sse'))).toEqual([]);
});

test('tells how the POST was refused when there is no stream either', async () => {
  const fixture = await serve();
  const { transport, failures } = connect(`${fixture.origin}/nothing-here`);
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '0' } };
  await transport.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })), '1');
  const failure = await eventually(() => failures[0], { what: 'the failure' });
  expect(failure).toMatchObject({ code: 'SERVER_FAILED', data: { status: 404, mayHaveRun: false } });
  expect(failure.message).toContain('404');
  expect(await routes(fixture)).toEqual(['POST /nothing-here', 'GET /nothing-here']);
});

test('ends as lost when the older server does', async () => {
  const fixture = await serve();
  const { transport, recorder } = connect(`${fixture.origin}/sse`);
  await recorder.open(transport);
  await fetch(`${fixture.origin}/test/drop`, { method: 'POST' });
  expect(await recorder.exit()).toMatchObject({ reason: 'lost' });
});
