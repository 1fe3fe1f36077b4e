// How long a session over HTTP counts as open, and whose it is after the token changed. Time is the test's own.
import { createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type OwnEndpoint, openEndpoint } from '../support/mcp-endpoint.ts';
import { at, LegacyHttpClient, ModernHttpClient } from '../support/mcp-http-client.ts';

const second = 1_000;
const minute = 60 * second;

let endpoint: OwnEndpoint;
let clients: LegacyHttpClient[];
const connect = async () => {
  const client = new LegacyHttpClient({ url: endpoint.url(), token: endpoint.remote.token });
  await client.open();
  clients.push(client);
  return client;
};
/** Whether the daemon would stay for it. */
const isHeld = () => endpoint.open.size > endpoint.mcp.idleSessions();
beforeEach(async () => {
  clients = [];
  endpoint = await openEndpoint();
});
afterEach(() => {
  for (const client of clients) client.kill();
  endpoint.close();
});

describe('the lease of a session over HTTP', () => {
  it('lasts as long as its stream is open, however long that is', async () => {
    const client = await connect();
    await client.listen();
    endpoint.now.advance(5 * 60 * minute);
    endpoint.mcp.sweep();
    expect(isHeld()).toBe(true);
    expect(endpoint.ended).toEqual([]);
  });

  it('lasts 30 s after its stream ended, whenever it was looked at before', async () => {
    const client = await connect();
    await client.listen();
    endpoint.mcp.sweep();
    endpoint.now.advance(19 * second);
    client.kill();
    // The end of the connection is seen at the present of the test's clock.
    await eventually(() => endpoint.responses.size === 0, { what: 'the end of the stream' });
    endpoint.now.advance(29 * second);
    expect(isHeld()).toBe(true);
    endpoint.now.advance(2 * second);
    expect(isHeld()).toBe(false);
  });

  it('lasts 30 min without a stream, counted from its last message', async () => {
    const client = await connect();
    endpoint.now.advance(29 * minute);
    await client.request(1, 'ping');
    endpoint.now.advance(29 * minute);
    endpoint.mcp.sweep();
    expect(isHeld()).toBe(true);
    endpoint.now.advance(2 * minute);
    expect(isHeld()).toBe(false);
    endpoint.mcp.sweep();
    expect(endpoint.ended).toEqual(['nothing was heard of it for 30 minutes']);
    expect((await client.fetch('POST', { jsonrpc: '2.0', id: 2, method: 'ping' })).status).toBe(404);
  });

  it('ends at once with DELETE', async () => {
    const client = await connect();
    expect(isHeld()).toBe(true);
    await client.end();
    expect(endpoint.open.size).toBe(0);
  });

  it('ends with a call that nobody waits for any more', async () => {
    const client = await connect();
    const waiting = client.fetch('POST', { jsonrpc: '2.0', id: 1, method: 'hold' }).catch(() => 'cut');
    await eventually(() => [...endpoint.open][0]?.requests.size === 1, { what: 'the call' });
    endpoint.now.advance(60 * minute);
    endpoint.mcp.sweep();
    expect(endpoint.ended).toEqual([]);
    client.kill();
    expect(await waiting).toBe('cut');
    await eventually(() => endpoint.responses.size === 0, { what: 'the end of the connection' });
    endpoint.now.advance(4 * minute);
    endpoint.mcp.sweep();
    expect(endpoint.ended).toEqual([]);
    endpoint.now.advance(2 * minute);
    endpoint.mcp.sweep();
    expect(endpoint.ended).toEqual(['its program is gone']);
    expect(endpoint.cancelled).toEqual(['1']);
  });

  it('is short for a program without sessions: what it left behind goes after ten minutes', async () => {
    const modern = new ModernHttpClient({ url: endpoint.url(), token: endpoint.remote.token });
    await modern.request(1, 'tools/list');
    expect(endpoint.open.size).toBe(1);
    endpoint.now.advance(9 * minute);
    endpoint.mcp.sweep();
    expect(endpoint.open.size).toBe(1);
    endpoint.now.advance(2 * minute);
    endpoint.mcp.sweep();
    expect(endpoint.open.size).toBe(0);
  });
});

describe('a call that waits for its program to come back with an answer', () => {
  const ask = async () => {
    const modern = new ModernHttpClient(
      { url: endpoint.url(), token: endpoint.remote.token },
      { elicitation: { form: {} } },
    );
    const params = { name: 'any', arguments: {} };
    const held = await modern.round(modern.message(1, 'tools/call', params));
    expect(at(held, 'result', 'resultType')).toBe('input_required');
    const requestState = at(held, 'result', 'requestState');
    const inputResponses = { 'ask-1': { action: 'accept', content: {} } };
    return () => modern.post(modern.message(2, 'tools/call', { ...params, requestState, inputResponses }));
  };

  it('waits nine minutes for it', async () => {
    const comeBack = await ask();
    endpoint.now.advance(9 * minute);
    endpoint.mcp.sweep();
    void comeBack().catch(() => {}); // this router does not go on with it
    await eventually(() => endpoint.answers.length === 1, { what: 'the answer to arrive' });
    expect(JSON.parse(endpoint.answers[0] ?? '')).toEqual({ action: 'accept', content: {} });
    expect(endpoint.cancelled).toEqual([]);
  });

  it('is given up after ten: the question is answered for it, and the server may stop', async () => {
    const comeBack = await ask();
    endpoint.now.advance(11 * minute);
    endpoint.mcp.sweep();
    expect(endpoint.answers.map((answer) => JSON.parse(answer))).toEqual([{ action: 'cancel' }]);
    expect(endpoint.cancelled).toEqual(['call']);
    const late = await comeBack();
    expect(late.status).toBe(400);
    expect(at(await late.json(), 'error', 'message')).toContain('waits no longer');
  });
});

describe('a token that is replaced', () => {
  let stranger: Server;
  beforeEach(async () => {
    stranger = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => stranger.once('listening', resolve));
  });
  afterEach(() => stranger.close());

  it('takes the open sessions with it, and neither token opens them again', async () => {
    const client = await connect();
    await client.listen();
    const [old, id] = [endpoint.remote.token, client.sessionId];
    const address = stranger.address();
    endpoint.remote.move(typeof address === 'object' && address !== null ? address.port : 0);
    await eventually(() => endpoint.remote.token !== old, { what: 'another token' });
    expect(endpoint.remote.problem).toContain('is held by');
    expect(endpoint.ended).toEqual(['the token was replaced']);
    endpoint.remote.move(0);
    await eventually(() => endpoint.remote.port !== undefined, { what: 'a port' });
    const ping = async (token: string) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'mcp-session-id': id };
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
      return (await fetch(endpoint.url(), { method: 'POST', headers, body })).status;
    };
    expect(await ping(old)).toBe(401);
    expect(await ping(endpoint.remote.token)).toBe(404);
    await connect();
    expect(endpoint.open.size).toBe(1);
  });
});
