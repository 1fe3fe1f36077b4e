// The control API over HTTP. Breaks when a status is another, when a body is taken that a page could send, or when the port
// serves what only the socket may.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../../src/base/errors.ts';
import { type Log, silentLog } from '../../../../src/base/log.ts';
import { type ControlHttp, type ControlRoute, createControlHttp } from '../../../../src/daemon/control/http-server.ts';

const token = 't'.repeat(43);
const fail = (code: ConstructorParameters<typeof AppError>[0]['code']) => () => {
  throw new AppError({ code, message: `is ${code}`, hint: 'do this' });
};
const routes: ControlRoute[] = [
  { method: 'GET', path: '/where', handle: ({ isLocal, query }) => ({ isLocal, q: query.get('q') }) },
  { method: 'POST', path: '/echo', handle: ({ body }) => body },
  { method: 'GET', path: '/bad', handle: fail('BAD_ARGUMENT') },
  { method: 'GET', path: '/unknown', handle: fail('SERVER_UNKNOWN') },
  { method: 'GET', path: '/no-tool', handle: fail('TOOL_UNKNOWN') },
  { method: 'GET', path: '/disabled', handle: fail('SERVER_DISABLED') },
  {
    ...{ method: 'GET', path: '/broken' },
    handle: () => Promise.reject(new Error('secret of the inside')),
  },
  { method: 'GET', path: '/itself', handle: ({ response }) => void response.writeHead(207).end('mine') },
];

let folder: string;
let http: ControlHttp;
let socket: Server;
let port: number;
let logged: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'control-http-'));
  logged = [];
  const log: Log = { ...silentLog, error: (event) => void logged.push(event) };
  const mcp = {
    serves: (path: string) => path.startsWith('/mcp'),
    handle: async (_request: unknown, response: import('node:http').ServerResponse, _url: URL, principal: string) =>
      void response.end(JSON.stringify({ principal })),
  };
  http = createControlHttp({ routes, token: () => token, mcp: () => mcp, log });
  socket = createServer((connection) => http.serveSocket(connection));
  await new Promise<void>((resolve) => socket.listen(join(folder, 's'), resolve));
  port = await http.listen(0);
});
afterEach(async () => {
  http.close();
  await new Promise((resolve) => socket.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

type Asked = { method?: string; headers?: Record<string, string>; body?: string; overPort?: boolean };
type Answer = { status: number; body: Record<string, unknown>; allow: string | undefined };

function ask(path: string, { method = 'GET', headers = {}, body, overPort = false }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const where = overPort ? { host: '127.0.0.1', port } : { socketPath: join(folder, 's') };
    const asked = request({ ...where, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => {
        const isJson = response.headers['content-type'] === 'application/json' || path.startsWith('/mcp');
        const parsed = isJson ? JSON.parse(text) : { text };
        resolve({ status: response.statusCode ?? 0, body: parsed, allow: response.headers.allow });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
const post = (body: string, headers: Record<string, string> = {}) => ask('/echo', { method: 'POST', body, headers });

describe('an answer', () => {
  it('has its route, its query, and where it was asked from', async () => {
    expect(await ask('/where?q=a%20b')).toMatchObject({ status: 200, body: { isLocal: true, q: 'a b' } });
  });

  it.each([
    ['/nowhere', 404, 'BAD_ARGUMENT'],
    ['/bad', 400, 'BAD_ARGUMENT'],
    ['/unknown', 404, 'SERVER_UNKNOWN'],
    ['/no-tool', 404, 'TOOL_UNKNOWN'],
    ['/disabled', 503, 'SERVER_DISABLED'],
  ])('of %s is %i with %s', async (path, status, code) => {
    expect(await ask(path)).toMatchObject({ status, body: { error: { code } } });
  });

  it('names the methods that there are when it is asked with another', async () => {
    expect(await ask('/echo')).toMatchObject({ status: 405, allow: 'POST' });
  });

  it('keeps an error of ours to the log', async () => {
    const { status, body } = await ask('/broken');
    expect([status, body['error']]).toEqual([
      500,
      { code: 'INTERNAL', message: 'This request failed inside mcp-proxy; its log says why.' },
    ]);
    expect(logged).toEqual(['control.failed']);
  });

  it('is left to a handler that writes it itself', async () => {
    expect(await ask('/itself')).toMatchObject({ status: 207, body: { text: 'mine' } });
  });
});

describe('a body', () => {
  it('is an object, or nothing', async () => {
    expect(await post('{"a":1}', { 'content-type': 'application/json; charset=utf-8' })).toMatchObject({
      ...{ status: 200, body: { a: 1 } },
    });
    expect(await post('')).toMatchObject({ status: 200, body: {} });
  });

  it.each([
    ['[1]', {}],
    ['{"a":', {}],
    ['{}', { 'content-type': 'text/plain' }],
    ['a=1', { 'content-type': 'application/x-www-form-urlencoded' }],
  ])('%s with %j is refused', async (body, headers) => {
    expect(await post(body, headers)).toMatchObject({ status: 400, body: { error: { code: 'BAD_ARGUMENT' } } });
  });

  it('has a bound', async () => {
    const refused = await post(JSON.stringify({ a: 'x'.repeat(8 * 1024 * 1024) })).then(
      ({ status }) => status,
      () => 400, // cut while it was still sent
    );
    expect(refused).toBe(400);
  });
});

describe('the port', () => {
  const over = (headers: Record<string, string>, path = '/where') => ask(path, { headers, overPort: true });
  const bearer = { authorization: `Bearer ${token}` };

  it('serves the token, and is not taken for the socket', async () => {
    expect(await over(bearer)).toMatchObject({ status: 200, body: { isLocal: false } });
    expect(await over({ ...bearer, origin: `http://localhost:${port}` })).toMatchObject({ status: 200 });
  });

  it.each([
    [401, 'nothing', {}],
    [401, 'another token', { authorization: `Bearer ${'u'.repeat(43)}` }],
    [401, 'a part of it', { authorization: `Bearer ${token.slice(1)}` }],
    [401, 'another scheme', { authorization: `Basic ${token}` }],
    [403, 'the name of a page', { ...bearer, host: 'evil.example' }],
    [403, 'our name without its port', { ...bearer, host: '127.0.0.1' }],
    [403, 'a page elsewhere', { ...bearer, origin: 'http://evil.example' }],
    [403, 'a page without an origin', { ...bearer, origin: 'null' }],
  ])('answers %i to %s', async (status, _what, headers) => {
    expect(await over(headers)).toMatchObject({ status, body: { error: { code: 'DAEMON_REFUSED' } } });
  });

  it('guards MCP too, and tells whose sessions they are by the token', async () => {
    expect(await over({}, '/mcp')).toMatchObject({ status: 401 });
    const { body } = await over(bearer, '/mcp');
    expect(body['principal']).toMatch(/^[\w-]{43}$/);
    expect(body['principal']).not.toBe(token);
    expect(await ask('/mcp')).toMatchObject({ body: { principal: 'socket' } });
  });

  it('rejects with the error of the system where another program listens', async () => {
    const other = createControlHttp({
      routes,
      token: () => token,
      mcp: () => ({ serves: () => false, handle: async () => {} }),
      log: silentLog,
    });
    await expect(other.listen(port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('is nobody’s any more when it is given up, and the socket goes on', async () => {
    http.unlisten();
    await expect(over(bearer)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await ask('/where')).toMatchObject({ status: 200 });
  });
});
