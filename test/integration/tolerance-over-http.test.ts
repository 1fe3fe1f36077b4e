// The rows of docs/tolerance.md that are about HTTP: what remote servers may answer, and what programs may send to us.
import { readFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonRig } from '../support/daemon-rig.ts';
import { type McpClient, type Message, textOf } from '../support/mcp-client.ts';

type Odd = {
  answer?: (response: ServerResponse, text: string) => void;
  /** Status, body and its kind in answer to a notification. */
  noted?: [number, string?, string?];
  /** Status in answer to a GET. */
  listen?: number;
};

const send = (response: ServerResponse, text = '', type?: string, status = 200) => {
  response.writeHead(status, type === undefined ? {} : { 'content-type': type });
  response.end(text);
};
const as = (type: string | undefined, status = 200): Odd => ({ answer: (to, text) => send(to, text, type, status) });
const events = (write: (text: string) => string, type = 'text/event-stream'): Odd => ({
  answer: (to, text) => send(to, write(text), type),
});

const rows: Record<string, Odd> = {
  'JSON with a byte order mark': { answer: (to, text) => send(to, `\ufeff${text}`, 'application/json') },
  'events with a byte order mark': events((text) => `\ufeffevent: message\ndata: ${text}\n\n`),
  'a byte order mark inside an event': events((text) => `data: \ufeff${text}\n\n`),
  'application/json; charset=utf-8': as('application/json; charset=utf-8'),
  'Application/JSON': as('Application/JSON'),
  'text/json': as('text/json'),
  'text/plain': as('text/plain'),
  'no content type': as(undefined),
  'application/vnd.x+json': as('application/vnd.x+json'),
  'text/event-stream; charset=utf-8': events((text) => `data: ${text}\n\n`, 'text/event-stream; charset=utf-8'),
  'Text/Event-Stream': events((text) => `data: ${text}\n\n`, 'Text/Event-Stream'),
  'an answer with 201': as('application/json', 201),
  'an answer with 202': as('application/json', 202),
  'an answer in an array': { answer: (to, text) => send(to, `[${text}]`, 'application/json') },
  'JSON over several lines': {
    answer: (to, text) => send(to, ` \n${JSON.stringify(JSON.parse(text), undefined, 2)}\r\n`, 'application/json'),
  },
  'an id that is a text': {
    answer: (to, text) => send(to, text.replace(/"id":(\d+)/, '"id":"$1"'), 'application/json'),
  },
  'an event without a name': events((text) => `data: ${text}\n\n`),
  'data before id, retry and event': events((text) => `data: ${text}\nid: 7\nretry: 1000\nevent: message\n\n`),
  'comments between events': events((text) => `: hello\n\n:\ndata: ${text}\n: x\n\n: bye\n\n`),
  'events that end in CRLF': events((text) => `event: message\r\ndata: ${text}\r\n\r\n`),
  'events that end in CR': events((text) => `event: message\rdata: ${text}\r\r`),
  'no space behind the colon': events((text) => `event:message\ndata:${text}\n\n`),
  'data in several lines': events(
    (text) => `${JSON.stringify(JSON.parse(text), undefined, 1).replace(/^/gm, 'data: ')}\n\n`,
  ),
  'a field that nobody knows': events((text) => `foo: bar\ndata: ${text}\n\n`),
  'an event that nobody knows before': events((text) => `event: strange\ndata: {"x":1}\n\ndata: ${text}\n\n`),
  'an event without data before': events((text) => `event: ping\ndata: \n\nid: 0\ndata:\n\ndata: ${text}\n\n`),
  'an event that is no JSON before': events((text) => `data: hello\n\ndata: ${text}\n\n`),
  'a notification: 202': { noted: [202] },
  'a notification: 202 with JSON': { noted: [202, '{}', 'application/json'] },
  'a notification: 202 with a text': { noted: [202, 'Accepted', 'text/plain'] },
  'a notification: 200 with {}': { noted: [200, '{}', 'application/json'] },
  'a notification: 200 with null': { noted: [200, 'null', 'application/json'] },
  'a notification: 200 with a text': { noted: [200, 'ok', 'text/plain'] },
  'a notification: 200 with a message': { noted: [200, '{"jsonrpc":"2.0","id":null,"result":{}}', 'application/json'] },
  'a notification: 200 with no events': { noted: [200, '', 'text/event-stream'] },
  'a notification: 200 and nothing': { noted: [200] },
  'a notification: 204': { noted: [204] },
  'a notification: 400': {
    noted: [400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"x"}}', 'application/json'],
  },
  'GET: 404': { listen: 404 },
  'GET: 400': { listen: 400 },
  'GET: 500': { listen: 500 },
  'GET: 200 with JSON': { listen: 200 },
};

const names = Object.keys(rows);
const results: Record<string, (params: Message) => unknown> = {
  initialize: ({ protocolVersion }) => {
    return { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'odd', version: '1' } };
  },
  'tools/list': () => ({ tools: [{ name: 'x', inputSchema: { type: 'object' } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: 'fine' }] }),
};

function createOddServer(): Server {
  return createServer((request, response) => {
    const { answer, listen, noted } = rows[names[Number(request.url?.slice(2))] ?? ''] ?? {};
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      if (request.method !== 'POST') return send(response, '{}', 'application/json', listen ?? 405);
      const { id, method, params }: { id?: number; method?: string; params: Message } = JSON.parse(text);
      if (id === undefined || method === undefined) return send(response, noted?.[1], noted?.[2], noted?.[0] ?? 202);
      const result = results[method]?.(params);
      const error = { code: -32601, message: 'Method not found' };
      const line = JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error }) });
      if (answer) answer(response, line);
      else send(response, line, 'application/json');
    });
  });
}

let rig: DaemonRig;
let server: Server;
let client: McpClient;
let endpoint: { url: string; token: string };
beforeAll(async () => {
  server = createOddServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  rig = new DaemonRig({ MCPPROXY_PORT: '0' });
  const entry = (i: number) => ({ type: 'http', url: `http://127.0.0.1:${at.port}/c${i}` });
  rig.writeConfig(Object.fromEntries(names.map((_, i) => [`c${i}`, entry(i)])));
  client = await rig.open();
  const { daemon } = await rig.statusUntil((status) => status.daemon.port !== undefined, 'a port');
  const token = readFileSync(rig.locations.tokenPath, 'utf8').trim();
  endpoint = { url: `http://127.0.0.1:${daemon.port}/mcp`, token };
});
afterAll(async () => {
  await rig.dispose();
  server.closeAllConnections();
  server.close();
});

describe('a remote server', () => {
  it.each(names.map((name, i) => [name, i] as const))('is heard: %s', async (_row, i) => {
    expect(textOf(await client.call(`c${i}__x`))).toBe('fine');
  });
});

const initialize = JSON.stringify({
  ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'odd', version: '1' } },
});
const usual = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };

describe('a program over HTTP', () => {
  it.each<[string, Record<string, string>, string, number]>([
    ['the other order in Accept', { accept: 'text/event-stream, application/json' }, initialize, 200],
    ['weights in Accept', { accept: 'application/json;q=0.9, text/event-stream;q=0.8' }, initialize, 200],
    ['capitals in Accept', { accept: 'Application/JSON, Text/Event-Stream' }, initialize, 200],
    ['Accept: */*', { accept: '*/*' }, initialize, 200],
    ['Accept: application/json', { accept: 'application/json' }, initialize, 200],
    ['Accept: text/event-stream', { accept: 'text/event-stream' }, initialize, 200],
    ['Accept: application/*, text/*', { accept: 'application/*, text/*' }, initialize, 200],
    ['a charset', { 'content-type': 'application/json; charset=utf-8' }, initialize, 200],
    ['capitals in Content-Type', { 'content-type': 'Application/JSON' }, initialize, 200],
    ['a byte order mark', {}, `\ufeff${initialize}`, 200],
    ['breaks between tokens', {}, `\r\n ${JSON.stringify(JSON.parse(initialize), undefined, 2)}\n`, 200],
    ['a member that nobody knows', {}, initialize.replace('{', '{"extra":1,'), 200],
    ['Content-Type: text/plain', { 'content-type': 'text/plain' }, initialize, 415],
    ['a revision in its headers that nobody knows', { 'mcp-protocol-version': '2099-01-01' }, initialize, 400],
    ['nothing', {}, '', 400],
    ['no JSON', {}, 'hello', 400],
    ['a batch of a revision that has none', {}, `[${initialize}]`, 400],
  ])('is answered for %s', async (_row, headers, body, status) => {
    const { url, token } = endpoint;
    const sent = { ...usual, authorization: `Bearer ${token}`, ...headers };
    const response = await fetch(url, { method: 'POST', headers: sent, body: Buffer.from(body) });
    const text = await response.text();
    expect([response.status, text.includes('"result"')]).toEqual([status, status === 200]);
  });
});
