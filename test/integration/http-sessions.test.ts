// Sessions over HTTP: who may use them, what a request needs, streams that can be resumed, projects, the two ends.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { fixture, type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';
import { at, LegacyHttpClient, type Message, ModernHttpClient, metaKey } from '../support/mcp-http-client.ts';

const echo = (name: string, sharing: string, more: Message = {}) => ({
  command: process.execPath,
  args: [fixture('echo.mjs')],
  env: { ECHO_NAME: name },
  sharing,
  ...more,
});
const text = (answer: Message | undefined) => String(at(answer, 'result', 'content', 0, 'text'));
const call = (name: string, args: Message = {}): Message => ({ name, arguments: args });

describe('sessions over HTTP', () => {
  let daemon: HttpDaemon;
  let project: string;
  const address = (path = '/mcp/shared', headers: Record<string, string> = {}) => ({
    url: daemon.url(path),
    token: daemon.token,
    headers,
  });
  const connect = async (path?: string, headers?: Record<string, string>, capabilities?: Message) => {
    const client = new LegacyHttpClient(address(path, headers));
    await client.open(capabilities);
    return client;
  };
  beforeAll(async () => {
    project = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-häuser ')));
    mkdirSync(join(project, '.git'));
    daemon = await startHttpDaemon({
      servers: {
        shared: echo('shared', 'shared', { env: { ECHO_NAME: 'shared', FROM_FILE: '${FROM_FILE:-none}' } }),
        rooted: echo('rooted', 'project'),
      },
      settings: { daemon: { idleExitMs: 600_000, maxMessageBytes: 65_536 } },
      envFile: 'FROM_FILE=value-of-the-file\n',
    });
  });
  afterAll(async () => {
    await daemon?.stop();
    rmSync(project, { recursive: true, force: true });
  });

  it('gives a session an id of its own and forgets it with DELETE', async () => {
    const [one, two] = [await connect(), await connect()];
    expect(one.sessionId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(two.sessionId).not.toBe(one.sessionId);
    expect((await one.fetch('DELETE')).status).toBe(200);
    expect((await one.fetch('POST', { jsonrpc: '2.0', id: 1, method: 'ping' })).status).toBe(404);
    expect(at(await two.request(1, 'ping'), 'result')).toEqual({});
    await two.end();
  });

  it('refuses what has no session, another path, a bad version, a foreign page or no token', async () => {
    const client = await connect();
    const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
    const status = async (body: unknown, headers: Record<string, string>, path = '/mcp/shared') => {
      const plain = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const all = { authorization: `Bearer ${daemon.token}`, ...plain, ...headers };
      const response = await fetch(daemon.url(path), { method: 'POST', headers: all, body: JSON.stringify(body) });
      await response.arrayBuffer();
      return response.status;
    };
    const session = { 'mcp-session-id': client.sessionId };
    expect(await status(ping, {})).toBe(400);
    expect(await status(ping, { 'mcp-session-id': 'unknown' })).toBe(404);
    expect(await status(ping, session, '/mcp')).toBe(404);
    expect(await status(ping, { ...session, 'mcp-protocol-version': '1999-01-01' })).toBe(400);
    expect(await status(ping, { ...session, accept: 'text/html' })).toBe(406);
    expect(await status(ping, { ...session, 'content-type': 'text/plain' })).toBe(415);
    expect(await status(ping, { ...session, authorization: 'Bearer wrong' })).toBe(401);
    expect(await status(ping, { ...session, origin: 'https://example.com' })).toBe(403);
    expect(await status([ping], session)).toBe(400);
    expect(await status({ ...ping, params: { pad: 'x'.repeat(70_000) } }, session)).toBe(413);
    expect(await status({ jsonrpc: '2.0', id: 1, method: 'initialize' }, {}, '/mcp/nobody')).toBe(404);
    expect(at(await client.request(2, 'ping'), 'result')).toEqual({});
    await client.end();
  });

  it('takes batches from a program of 2025-03-26 and answers them together', async () => {
    const client = new LegacyHttpClient(address());
    await client.open({}, '2025-03-26');
    const response = await client.fetch('POST', [
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', id: 2, method: 'prompts/get', params: call('greet', { who: 'you' }) },
    ]);
    const body: unknown = await response.json();
    const answers: unknown[] = Array.isArray(body) ? body : [];
    expect(answers.map((answer) => at(answer, 'id')).sort()).toEqual([1, 2]);
    await client.end();
  });

  it('refuses an id that is under way already and goes on with the first', async () => {
    const client = await connect();
    const until = join(daemon.folder, 'refused');
    const first = client.request(7, 'tools/call', call('slow', { until }));
    const again = await eventually(
      async () => {
        const response = await client.fetch('POST', { jsonrpc: '2.0', id: 7, method: 'ping' });
        return response.status === 400 ? response.json() : false;
      },
      { what: 'the call to be under way', intervalMs: 5 },
    );
    expect(at(again, 'error', 'code')).toBe(-32600);
    writeFileSync(until, '');
    expect(text(await first)).toBe('done');
    await client.end();
  });

  it('hands the rest of a broken stream to who comes back with Last-Event-ID', async () => {
    const client = await connect();
    const until = join(daemon.folder, 'broken');
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: call('slow', { until }) };
    const response = await client.fetch('POST', body);
    const reader = response.body?.getReader();
    const first = new TextDecoder().decode((await reader?.read())?.value);
    expect(first).toMatch(/^id: s\d+\.0\nretry: \d+\ndata: \n\n/);
    await reader?.cancel();
    writeFileSync(until, '');
    const lastEventId = /^id: (.*)$/m.exec(first)?.[1] ?? '';
    const rest = await client.read(await client.fetch('GET', undefined, { 'last-event-id': lastEventId }));
    expect(rest.map(text)).toEqual(['done']);
    await client.end();
  });

  it('withdraws a call that its program withdraws, and ends the POST that waited for it', async () => {
    const client = await connect();
    const waiting = client.request('slow', 'tools/call', call('slow', { forever: true }));
    await eventually(async () => (await client.notify('notifications/cancelled', { requestId: 'slow' })) === 202, {
      what: 'the cancellation to be taken',
    });
    expect(await waiting).toBeUndefined();
    await client.end();
  });

  it('uses the env file for programs without an environment here', async () => {
    const client = await connect();
    expect(JSON.parse(text(await client.request(1, 'tools/call', call('env', { names: ['FROM_FILE'] }))))).toEqual({
      FROM_FILE: 'value-of-the-file',
    });
    await client.end();
  });

  it('finds the project in the header, percent-encoded, for both families', async () => {
    const headers = { 'mcp-project-path': encodeURIComponent(project) };
    const client = await connect('/mcp/rooted', headers);
    expect(text(await client.request(1, 'tools/call', call('cwd')))).toBe(project);
    await client.end();
    const modern = new ModernHttpClient(address('/mcp/rooted', headers));
    expect(text(await modern.request(1, 'tools/call', { params: call('cwd') }))).toBe(project);
  });

  it('finds the project in the roots of a program that has them', async () => {
    const client = new LegacyHttpClient(address('/mcp'), (method) =>
      method === 'roots/list' ? { roots: [{ uri: pathToFileURL(project).href }] } : undefined,
    );
    await client.open({ roots: {} });
    const list = await client.request(1, 'tools/list');
    const names = at(list, 'result', 'tools');
    expect(JSON.stringify(names)).toContain('"rooted__cwd"');
    expect(text(await client.request(2, 'tools/call', call('rooted__cwd')))).toBe(project);
    await client.end();
  });

  it('lists no project server without a project, and says why it cannot be called', async () => {
    const client = await connect('/mcp');
    const list = JSON.stringify(await client.request(1, 'tools/list'));
    expect(list).toContain('"shared__echo"');
    expect(list).not.toContain('rooted__');
    const answer = JSON.stringify(await client.request(2, 'tools/call', call('rooted__cwd')));
    expect(answer).toMatch(/project/);
    await client.end();
  });

  it('answers a request without a session by its own rules', async () => {
    const modern = new ModernHttpClient(address(), {});
    const code = async (message: Message, headers: Record<string, string> = {}) => {
      const response = await modern.post(message, headers);
      const body: unknown = await response.json();
      return [response.status, at(body, 'error', 'code')];
    };
    const list = modern.message(1, 'tools/list');
    expect(await code(list)).toEqual([200, undefined]);
    expect(await code(list, { 'mcp-method': 'prompts/list' })).toEqual([400, -32020]);
    expect(await code(modern.message(2, 'ping'))).toEqual([404, -32601]);
    expect(await code(modern.message(3, 'no/such'))).toEqual([404, -32601]);
    expect(await code(modern.message(4, 'tools/list', {}, { [metaKey('protocolVersion')]: 'v9' }))).toEqual([
      400, -32020,
    ]);
    const strange = modern.message(5, 'tools/list', {}, { [metaKey('protocolVersion')]: 'v9' });
    expect(await code(strange, { 'mcp-protocol-version': 'v9' })).toEqual([400, -32022]);
    for (const method of ['GET', 'DELETE']) {
      const headers = { authorization: `Bearer ${daemon.token}`, 'mcp-protocol-version': '2026-07-28' };
      expect((await fetch(daemon.url('/mcp/shared'), { method, headers })).status).toBe(405);
    }
  });

  it('asks a program without a session by its answer, and goes on when it comes back', async () => {
    const answered = { action: 'accept', content: { answer: 'yes' } };
    const modern = new ModernHttpClient(address(), { elicitation: {} }, () => answered);
    const answer = await modern.request(1, 'tools/call', { params: call('ask_back', { message: 'Sure?' }) });
    expect(JSON.parse(text(answer))).toEqual({ result: answered });
    expect(at(modern.messages[0], 'result', 'inputRequests', 'ask-1', 'params', 'message')).toBe('Sure?');
    const state = at(modern.messages[0], 'result', 'requestState');
    const used = { ...call('ask_back'), inputResponses: {}, requestState: state };
    expect(at(await modern.round(modern.message(9, 'tools/call', used)), 'error', 'code')).toBe(-32602);
  });

  it('tells a listener of changes, and only of those that it wants', async () => {
    const modern = new ModernHttpClient(address(), {});
    const abort = new AbortController();
    const wanted = { toolsListChanged: true, resourceSubscriptions: ['test://clock'] };
    const response = await modern.post(
      modern.message('L', 'subscriptions/listen', { notifications: wanted }),
      {},
      abort.signal,
    );
    const heard: unknown[] = [];
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        for (const [, data] of decoder.decode(chunk).matchAll(/^data: (.+)$/gm)) heard.push(JSON.parse(data ?? ''));
      }
    })().catch(() => {}); // cut below
    await eventually(() => heard.length === 1, { what: 'the acknowledgement' });
    expect(heard[0]).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: wanted, _meta: { [metaKey('subscriptionId')]: 'L' } },
    });
    await modern.request(1, 'tools/call', { params: call('touch') });
    await modern.request(2, 'tools/call', { params: call('add_tool', { name: 'fresh' }) });
    await eventually(() => heard.length === 3, { what: 'two changes' });
    expect(heard.slice(1).map((one) => at(one, 'method'))).toEqual([
      'notifications/resources/updated',
      'notifications/tools/list_changed',
    ]);
    for (const one of heard) expect(at(one, 'params', '_meta', metaKey('subscriptionId'))).toBe('L');
    abort.abort();
    await reading;
    const left = async () => text(await modern.request(3, 'tools/call', { params: call('subscriptions') })) === '[]';
    await eventually(left, { what: 'the subscription to be gone' });
  });
});

describe('a program with a session on a server without', () => {
  it('sees its lists, calls it and hears of its changes', async () => {
    const env = { CONFORMANCE_ERA: 'modern' };
    const own = { command: process.execPath, env, sharing: 'shared' };
    const daemon = await startHttpDaemon({
      servers: { modern: { ...own, args: [fixture('conformance-server.mjs')] } },
    });
    try {
      const client = new LegacyHttpClient({ url: daemon.url('/mcp'), token: daemon.token });
      await client.open();
      await client.listen();
      const names = async (id: number) => JSON.stringify(at(await client.request(id, 'tools/list'), 'result', 'tools'));
      expect(await names(1)).toContain('"modern__test_simple_text"');
      const answer = await client.request(2, 'tools/call', {
        ...call('modern__test_tool_with_progress'),
        _meta: { progressToken: 'p' },
      });
      expect(text(answer)).toBe('Reported three times.');
      const progress = client.messages.filter(({ method }) => method === 'notifications/progress');
      expect(progress.map((one) => at(one, 'params', 'progress'))).toEqual([0, 50, 100]);
      await client.request(3, 'tools/call', call('modern__test_trigger_tool_change'));
      const isChange = ({ method }: Message) => method === 'notifications/tools/list_changed';
      await eventually(() => client.messages.some(isChange), { what: 'the change' });
      expect(await names(4)).toContain('"modern__test_added_tool"');
      await client.end();
    } finally {
      await daemon.stop();
    }
  });
});

describe('the daemon and its HTTP sessions', () => {
  it('stays for a session and ends after it', async () => {
    const start = () =>
      startHttpDaemon({
        servers: { shared: echo('shared', 'shared') },
        settings: { daemon: { idleExitMs: 300 } },
      });
    const daemon = await start();
    try {
      const client = new LegacyHttpClient({ url: daemon.url('/mcp/shared'), token: daemon.token });
      await client.open();
      // Twice the time after which one without a session ends, from its start on.
      for (let times = 0; times < 2; times += 1) {
        const plain = await start();
        await eventually(() => plain.hasEnded(), { what: 'the daemon without a session to end' }).finally(plain.stop);
      }
      expect(daemon.hasEnded()).toBe(false);
      await client.end();
      await eventually(() => daemon.hasEnded(), { what: 'the daemon to end' });
    } finally {
      await daemon.stop();
    }
  });

  it('waits for programs for as long as http.keepDaemon says so', async () => {
    const start = (keepDaemon: boolean) =>
      startHttpDaemon({ servers: {}, settings: { daemon: { idleExitMs: 300 }, http: { keepDaemon } } });
    const [kept, plain] = await Promise.all([start(true), start(false)]);
    try {
      // The same time passed for both when one of them has ended.
      await eventually(() => plain.hasEnded(), { what: 'the daemon without it to end' });
      expect(kept.hasEnded()).toBe(false);
      kept.writeConfig({ mcpServers: {}, daemon: { idleExitMs: 300 }, http: { keepDaemon: false } });
      await eventually(() => kept.hasEnded(), { what: 'the other one to end too' });
    } finally {
      await Promise.all([kept.stop(), plain.stop()]);
    }
  });
});
