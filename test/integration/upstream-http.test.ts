import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../src/base/errors.ts';
import { openHttp } from '../../src/upstream/transports/http/http.ts';
import type { Credentials } from '../../src/upstream/transports/http/http-call.ts';
import { createHttpClient } from '../../src/upstream/transports/http/http-client.ts';
import type { Transport } from '../../src/upstream/transports/transport.ts';
import { eventually } from '../support/eventually.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';
import { TransportRecorder, textOf } from '../support/transport-recorder.ts';

type Failure = { id: string; error: AppError };
const cleanups: (() => Promise<void> | void)[] = [];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-upstream-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(folder, { recursive: true });
});

async function serve(env: Record<string, string> = {}): Promise<Fixture> {
  const fixture = await runFixture('http-echo.mjs', env);
  cleanups.push(fixture.stop);
  return fixture;
}

function connect(
  url: string,
  options: { headers?: Record<string, string>; credentials?: Credentials; maxMessageBytes?: number } = {},
) {
  const recorder = new TransportRecorder();
  const failures: Failure[] = [];
  const client = createHttpClient({ env: {} });
  const transport: Transport = openHttp(
    { url: new URL(url), headers: options.headers ?? {}, maxMessageBytes: options.maxMessageBytes ?? 1024 * 1024 },
    { ...recorder.events, onRequestFailed: (id, error) => failures.push({ id, error }) },
    { client, firstRetryMs: 20, ...(options.credentials ? { credentials: options.credentials } : {}) },
  );
  cleanups.push(async () => {
    await transport.close('test is over');
    client.close();
    expect(recorder.exits).toHaveLength(1);
    expect(recorder.afterExit).toBe(0);
  });
  return { transport, recorder, failures };
}

type Seen = { method: string; path: string; headers: Record<string, string> };
async function seen({ origin }: Fixture): Promise<Seen[]> {
  const found: Seen[] = JSON.parse(await control(origin, 'requests'));
  return found;
}
async function control(origin: string, name: string): Promise<string> {
  const response = await createHttpClient({ env: {} }).request({
    url: new URL(`/test/${name}`, origin),
    method: 'GET',
    headers: {},
  });
  let text = '';
  for await (const chunk of response.body) text += chunk;
  return text;
}

const line = (id: number, name: string, args: object) =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }));

const failure = (failures: Failure[], id: number) =>
  eventually(() => failures.find((one) => one.id === String(id))?.error, { what: `the failure of ${id}` });

test.each(['json', 'stream'])('carries a session with replies as %s', async (reply) => {
  const fixture = await serve({ HTTP_REPLY: reply });
  const { transport, recorder } = connect(`${fixture.origin}/mcp`, {
    headers: { 'X-Own': 'kept', Accept: 'text/html' },
  });
  await recorder.open(transport);
  expect(await recorder.call(transport, 'echo', { text: 'grüße' })).toBe('grüße');
  await eventually(async () => (await seen(fixture)).some(({ method }) => method === 'GET'), {
    what: 'the GET stream',
  });
  const requests = await seen(fixture);
  const session = requests.find(({ method }) => method === 'GET')?.headers['mcp-session-id'];
  expect(session).toMatch(/^[0-9a-f-]{36}$/);
  const [initialize, ...others] = requests;
  expect(initialize?.headers).not.toHaveProperty('mcp-session-id');
  expect(initialize?.headers).not.toHaveProperty('mcp-protocol-version');
  for (const { headers } of others) {
    expect(headers).toMatchObject({ 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25', 'x-own': 'kept' });
  }
  const call = others.at(-1);
  expect(call?.headers['accept']).toBe(
    call?.method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
  );
});

test('names the request whose stream carried a message, and none for the common stream', async () => {
  const fixture = await serve();
  const { transport, recorder } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  await eventually(async () => (await seen(fixture)).some(({ method }) => method === 'GET'), {
    what: 'the GET stream',
  });
  await transport.send(line(101, 'ask_back', { kind: 'elicitation', message: 'first' }), '101');
  await transport.send(line(102, 'ask_back', { kind: 'sampling', message: 'second' }), '102');
  await recorder.call(transport, 'log', { data: 'common', related: false });
  const asked = await eventually(
    () => {
      const found = recorder.received.filter(
        ({ message }) => message['id'] !== undefined && message['method'] !== undefined,
      );
      return found.length === 2 ? found : undefined;
    },
    { what: 'both questions' },
  );
  const byMethod = new Map(asked.map(({ message, stream }) => [message['method'], { id: message['id'], stream }]));
  expect(byMethod.get('elicitation/create')?.stream).toBe('101');
  expect(byMethod.get('sampling/createMessage')?.stream).toBe('102');
  await eventually(() => recorder.received.some(({ message }) => message['method'] === 'notifications/message'), {
    what: 'the log message',
  });
  expect(
    recorder.received.find(({ message }) => message['method'] === 'notifications/message')?.stream,
  ).toBeUndefined();
  for (const { id } of byMethod.values()) {
    await transport.send(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result: { action: 'accept' } })));
  }
  expect(textOf(await recorder.reply(101))).toContain('accept');
  expect(textOf(await recorder.reply(102))).toContain('accept');
});

test('lets calls run beside each other', async () => {
  const fixture = await serve();
  const { transport, recorder } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  await transport.send(line(201, 'slow', { forever: true }), '201');
  expect(await recorder.call(transport, 'echo', { text: 'meanwhile' })).toBe('meanwhile');
});

test('lets no request overtake the end of the handshake', async () => {
  const taken = join(folder, 'taken');
  const fixture = await serve({ HTTP_STRICT_FILE: taken });
  const { transport, recorder } = connect(`${fixture.origin}/mcp`);
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 't', version: '0' } };
  await recorder.ask(transport, 'initialize', params);
  const told = recorder.tell(transport, 'notifications/initialized');
  const called = recorder.call(transport, 'echo', { text: 'in order' });
  const posts = async () => (await seen(fixture)).filter(({ method }) => method === 'POST').length;
  await eventually(async () => (await posts()) >= 2, { what: 'the end of the handshake to come' });
  // One that overtakes is on its way by now: it would come before as many further requests, and be refused.
  for (let looks = 0; looks < 20; looks += 1) expect(await posts()).toBe(2);
  writeFileSync(taken, '');
  expect(await called).toBe('in order');
  await told;
});

test('ends as lost when the server has forgotten the session, and says that this call did not run', async () => {
  const fixture = await serve();
  const { transport, recorder, failures } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  await transport.send(line(301, 'slow', { forever: true }), '301');
  await control(fixture.origin, 'forget');
  await transport.send(line(302, 'echo', { text: 'x' }), '302');
  expect((await failure(failures, 302)).data).toMatchObject({ isSessionLost: true, mayHaveRun: false });
  const exit = await recorder.exit();
  expect(exit.reason).toBe('lost');
  expect(exit.error).toMatchObject({ data: { isSessionLost: true, mayHaveRun: true } });
  await expect(transport.send(line(303, 'echo', {}), '303')).rejects.toThrow(AppError);
});

test('resumes a broken reply where the server allows it, with its request named', async () => {
  const fixture = await serve({ HTTP_RESUME: '1' });
  const { transport, recorder } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  const dropped = join(folder, 'dropped');
  const call = {
    jsonrpc: '2.0',
    id: 401,
    method: 'tools/call',
    params: { name: 'slow', arguments: { steps: 3, held: 1, until: dropped }, _meta: { progressToken: 401 } },
  };
  await transport.send(Buffer.from(JSON.stringify(call)), '401');
  await recorder.notification('notifications/progress');
  await control(fixture.origin, 'drop');
  writeFileSync(dropped, '');
  expect(textOf(await recorder.reply(401))).toBe('done');
  const progress = recorder.received.filter(({ message }) => message['method'] === 'notifications/progress');
  expect(progress.map(({ message, stream }) => [message['params'], stream])).toEqual(
    [1, 2, 3].map((step) => [{ progressToken: 401, progress: step, total: 3 }, '401']),
  );
  expect((await seen(fixture)).some(({ headers }) => headers['last-event-id']?.startsWith('s401/'))).toBe(true);
});

test('fails a broken reply that cannot be resumed, and says that it may have run', async () => {
  const fixture = await serve();
  const { transport, recorder, failures } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  await transport.send(line(501, 'slow', { forever: true }), '501');
  await eventually(async () => (await seen(fixture)).filter(({ method }) => method === 'POST').length === 3, {
    what: 'the call',
  });
  await control(fixture.origin, 'drop');
  expect((await failure(failures, 501)).data).toEqual({ mayHaveRun: true });
  // The session itself goes on.
  expect(await recorder.call(transport, 'echo', { text: 'after' })).toBe('after');
  expect(recorder.exits).toEqual([]);
});

test('opens the common stream again after it broke', async () => {
  const fixture = await serve();
  const { transport, recorder } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  const streams = async () => (await seen(fixture)).filter(({ method }) => method === 'GET').length;
  await eventually(async () => (await streams()) === 1, { what: 'the GET stream' });
  await control(fixture.origin, 'drop');
  await eventually(async () => (await streams()) === 2, { what: 'the next GET stream' });
  await recorder.call(transport, 'add_tool', { name: 'late' });
  await recorder.notification('notifications/tools/list_changed');
});

test('works with a server that offers no common stream and no end of sessions', async () => {
  const fixture = await serve({ HTTP_NO_GET: '1', HTTP_NO_DELETE: '1' });
  const { transport, recorder } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  expect(await recorder.call(transport, 'echo', { text: 'x' })).toBe('x');
  await transport.close('idle');
  expect(recorder.exits).toEqual([{ reason: 'closed' }]);
  expect((await seen(fixture)).filter(({ method }) => method === 'GET')).toHaveLength(1);
});

test('ends its session at the server when closed', async () => {
  const fixture = await serve();
  const { transport, recorder } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  await transport.close('idle');
  const last = (await seen(fixture)).at(-1);
  expect(last?.method).toBe('DELETE');
  expect(last?.headers['mcp-session-id']).toMatch(/^[0-9a-f-]{36}$/);
});

test('gives up the stream of a cancelled request and hands nothing of it out', async () => {
  const fixture = await serve();
  const { transport, recorder, failures } = connect(`${fixture.origin}/mcp`);
  await recorder.open(transport);
  const until = join(folder, 'cancelled');
  const posts = async () => (await seen(fixture)).filter(({ method }) => method === 'POST').length;
  await transport.send(line(601, 'slow', { until }), '601');
  await eventually(async () => (await posts()) === 3, { what: 'the call to come' });
  transport.cancel?.('601');
  const next = recorder.call(transport, 'slow', { until });
  await eventually(async () => (await posts()) === 4, { what: 'the next call to come' });
  writeFileSync(until, '');
  // Whoever waited first is answered first.
  await next;
  expect(recorder.received.some(({ message }) => message['id'] === 601)).toBe(false);
  expect(failures).toEqual([]);
});

test('follows a redirect inside the origin with method, body and headers', async () => {
  const fixture = await serve();
  const { transport, recorder } = connect(`${fixture.origin}/redirect/308/mcp`);
  expect((await recorder.open(transport))['result']).toMatchObject({ serverInfo: { name: 'echo' } });
});

test.each([307, 302])('follows no redirect (%s) to another origin, and sends no header there', async (status) => {
  const fixture = await serve();
  const { transport, failures } = connect(`${fixture.origin}/redirect/${status}/away`, {
    headers: { authorization: 'Bearer secret-value' },
  });
  await transport.send(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}'), '1');
  const error = await failure(failures, 1);
  expect(error.data).toMatchObject({ mayHaveRun: false });
  expect(error.message).not.toContain('secret-value');
  expect((await seen(fixture)).filter(({ path }) => path === '/mcp')).toEqual([]);
});

test('says that nothing ran when nobody listens', async () => {
  const fixture = await serve();
  await fixture.stop();
  const { transport, failures } = connect(`${fixture.origin}/mcp`);
  await transport.send(line(1, 'echo', {}), '1');
  const error = await failure(failures, 1);
  expect(error).toMatchObject({ code: 'SERVER_FAILED', data: { mayHaveRun: false } });
  expect(error.message).toContain('ECONNREFUSED');
});

test('shows what an error page says, on one line', async () => {
  const fixture = await serve();
  const { transport, failures } = connect(`${fixture.origin}/html`);
  await transport.send(line(1, 'echo', {}), '1');
  const error = await failure(failures, 1);
  expect(error.message).toContain('HTTP 500: <h1>Oh no</h1>');
  expect(error.data).toMatchObject({ status: 500, mayHaveRun: true });
});

test.each([
  ['/page', 'text/html'],
  ['/empty', 'no content'],
])('answers a request whose reply is no message: %s', async (path, word) => {
  const fixture = await serve();
  const { transport, failures } = connect(`${fixture.origin}${path}`);
  await transport.send(line(1, 'echo', {}), '1');
  expect((await failure(failures, 1)).message).toContain(word);
});

test('refuses to go on without credentials, and uses renewed ones once', async () => {
  const fixture = await serve({ HTTP_TOKEN: 'good' });
  const bare = connect(`${fixture.origin}/mcp`);
  await bare.transport.send(line(1, 'echo', {}), '1');
  expect(await failure(bare.failures, 1)).toMatchObject({ code: 'SERVER_NEEDS_LOGIN' });

  let token = 'old';
  const renewals: (string | undefined)[] = [];
  const credentials: Credentials = {
    header: async () => `Bearer ${token}`,
    renew: async (challenge, used) => {
      renewals.push(challenge, used);
      token = 'good';
      return true;
    },
  };
  const renewed = connect(`${fixture.origin}/mcp`, { credentials });
  await renewed.recorder.open(renewed.transport);
  expect(renewals).toEqual(['Bearer error="invalid_token"', 'Bearer old']);
});

test('keeps only the ends of a reply over the limit', async () => {
  for (const reply of ['stream', 'json']) {
    const fixture = await serve({ HTTP_REPLY: reply });
    const { transport, recorder } = connect(`${fixture.origin}/mcp`, { maxMessageBytes: 100_000 });
    await recorder.open(transport);
    await transport.send(line(701, 'big', { bytes: 2_000_000 }), '701');
    const { head } = await eventually(() => recorder.oversize[0], { what: 'the large reply' });
    expect(head.toString()).toMatch(/"id":\s*701/);
    expect(await recorder.call(transport, 'echo', { text: 'after' })).toBe('after');
  }
});

test('sends the routing headers of a 2026-07-28 message, and no session', async () => {
  const fixture = await serve();
  const { transport } = connect(`${fixture.origin}/mcp`);
  const send = (id: number, method: string, params: object) => {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    return transport.send(
      Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } })),
      String(id),
    );
  };
  await send(1, 'server/discover', {});
  await send(2, 'tools/call', { name: 'grüße', arguments: {} });
  await send(3, 'resources/read', { uri: 'test://a b' });
  await eventually(async () => (await seen(fixture)).length === 3, { what: 'three requests' });
  // On connections of their own they may arrive in any order.
  const byMethod = new Map((await seen(fixture)).map(({ headers }) => [headers['mcp-method'], headers]));
  expect(byMethod.get('server/discover')).toMatchObject({ 'mcp-protocol-version': '2026-07-28' });
  expect(byMethod.get('server/discover')).not.toHaveProperty('mcp-name');
  expect(byMethod.get('tools/call')).toMatchObject({ 'mcp-name': '=?base64?Z3LDvMOfZQ==?=' });
  expect(byMethod.get('resources/read')).toMatchObject({ 'mcp-name': 'test://a b' });
});
