// What stands before the MCP endpoint on TCP: host, page and token first, then the session that a request names.
import { type IncomingHttpHeaders, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture, type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';
import { at, LegacyHttpClient } from '../support/mcp-http-client.ts';

type Answer = { status: number; headers: IncomingHttpHeaders };
/** With a Host of its own, which `fetch` does not send. */
function plainRequest(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      response.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    sent.on('error', reject);
    sent.end(method === 'POST' ? body : undefined);
  });
}

describe('the MCP endpoint on TCP', () => {
  let daemon: HttpDaemon;
  const connect = async () => {
    const client = new LegacyHttpClient({ url: daemon.url('/mcp/shared'), token: daemon.token });
    await client.open();
    return client;
  };
  beforeAll(async () => {
    const servers = { shared: { command: process.execPath, args: [fixture('echo.mjs')], sharing: 'shared' } };
    daemon = await startHttpDaemon({ servers });
  });
  afterAll(() => daemon?.stop());

  it.each([
    'POST',
    'GET',
    'DELETE',
    'OPTIONS',
    'PUT',
  ])('lets no %s pass to any address of its own before host, page and token are right', async (method) => {
    const client = await connect();
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
    const ask = (path: string, headers: Record<string, string>) =>
      plainRequest(daemon.port, method, path, headers, body);
    const own = { 'mcp-session-id': client.sessionId, 'content-type': 'application/json' };
    const token = { authorization: `Bearer ${daemon.token}` };
    for (const path of ['/mcp', '/mcp/shared', '/mcp/nobody', '/mcp/shared/more', '/mcp?mode=none']) {
      const wrong: [number, Record<string, string>][] = [
        [403, { ...token, host: `evil.example:${daemon.port}` }],
        [403, { ...token, host: '127.0.0.1' }],
        [403, { ...token, origin: 'https://evil.example' }],
        [403, { ...token, origin: 'null' }],
        [403, { origin: 'https://evil.example' }],
        [401, {}],
        [401, { authorization: `Bearer ${daemon.token.slice(1)}` }],
      ];
      for (const [status, headers] of wrong) {
        const answer = await ask(path, { ...own, ...headers });
        expect(answer.status, `${method} ${path} ${JSON.stringify(headers)}`).toBe(status);
        expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
    }
    // Nothing of it ended the session.
    expect(at(await client.request(2, 'ping'), 'result')).toEqual({});
    await client.end();
  });

  it('ends and opens nothing for a session that is not there, or in a version that is none', async () => {
    const client = await connect();
    const token = { authorization: `Bearer ${daemon.token}`, accept: 'text/event-stream' };
    const status = async (method: string, headers: Record<string, string>) =>
      (await plainRequest(daemon.port, method, '/mcp/shared', { ...token, ...headers })).status;
    for (const method of ['GET', 'DELETE']) {
      expect(await status(method, {}), method).toBe(400);
      expect(await status(method, { 'mcp-session-id': 'unknown' }), method).toBe(404);
      const own = { 'mcp-session-id': client.sessionId };
      expect(await status(method, { ...own, 'mcp-protocol-version': '1999-01-01' }), method).toBe(400);
    }
    expect(at(await client.request(1, 'ping'), 'result')).toEqual({});
    // Without a version it is a program of 2025-03-26, which need not say it.
    expect(await status('DELETE', { 'mcp-session-id': client.sessionId })).toBe(200);
    expect(await status('DELETE', { 'mcp-session-id': client.sessionId })).toBe(404);
    client.kill();
  });

  it('is shown in status by the address and name of its program, of which no process is known', async () => {
    const client = await connect();
    const response = await fetch(daemon.url('/status'), { headers: { authorization: `Bearer ${daemon.token}` } });
    const sessions = at(await response.json(), 'sessions');
    const own = Array.isArray(sessions) ? sessions.filter((one) => at(one, 'id') === client.sessionId) : [];
    expect(own).toEqual([
      expect.objectContaining({ client: 'test', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) }),
    ]);
    expect(Object.keys(own[0] ?? {}).filter((key) => /pid/i.test(key))).toEqual([]);
    await client.end();
  });
});
