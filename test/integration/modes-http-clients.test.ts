// VS Code's and opencode's entries for a remote server, and the requests that these programs make of them.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/base/guards.ts';
import { eventually } from '../support/eventually.ts';
import { fixture, type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';
import { textOf } from '../support/mcp-client.ts';

let daemon: HttpDaemon;
beforeAll(async () => {
  const args = [fixture('echo.mjs')];
  const echo = { command: process.execPath, args, env: { ECHO_EXTRA_TOOLS: '60' }, sharing: 'shared' };
  daemon = await startHttpDaemon({ servers: { echo } });
});
afterAll(() => daemon.stop());

describe('opencode', () => {
  /** `mcp` of opencode.json, as its documentation has it; `{env:NAME}` is filled in by the program. */
  const entryFor = (mode: string) => ({
    type: 'remote',
    url: `http://127.0.0.1:${daemon.port}/mcp?mode=${mode}`,
    enabled: true,
    oauth: false,
    headers: { Authorization: 'Bearer {env:MCPPROXY_TOKEN}' },
  });

  /** It speaks through the MCP SDK, with the entry's headers on every request. */
  async function open(mode: string): Promise<Client> {
    const { url, headers } = entryFor(mode);
    const authorization = headers.Authorization.replace('{env:MCPPROXY_TOKEN}', daemon.token);
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { authorization } } });
    const client = new Client({ name: 'opencode', version: '1.0.0' });
    // The SDK's own types disagree under exactOptionalPropertyTypes (its `sessionId` may be undefined).
    const given: unknown[] = [transport];
    await Reflect.apply(client.connect, client, given);
    return client;
  }

  it('finds and calls a tool behind the gateway', async () => {
    const client = await open('gateway');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('gateway_search');
    expect(tools).toHaveLength(6);
    expect(client.getInstructions()).toContain('gateway_search');
    const search = { query: 'append a line and count it', limit: 1 };
    const found = await client.callTool({ name: 'gateway_search', arguments: search });
    expect(textOf({ result: found })).toContain('"id":"echo__count"');
    const args = { id: 'echo__echo', args: { text: 'over HTTP' } };
    expect(textOf({ result: await client.callTool({ name: 'gateway_invoke', arguments: args }) })).toBe('over HTTP');
    await client.close();
  });

  it('is told of the tools that its search found, and calls one', async () => {
    const client = await open('dynamic');
    let changes = 0;
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
      changes += 1;
    });
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['retrieve_tools', 'gateway_get_result']);
    await client.callTool({ name: 'retrieve_tools', arguments: { query: 'the working folder of the server' } });
    await eventually(() => changes === 1, { what: 'list_changed' });
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo__cwd');
    const big = await client.callTool({ name: 'echo__big', arguments: { bytes: 200_000 } });
    expect(textOf({ result: big }).length).toBeLessThan(65_536);
    await client.close();
  });
});

describe('VS Code', () => {
  /** `.vscode/mcp.json`; the program asks the person once for the input and keeps it. */
  const configFor = (query: string) => ({
    inputs: [{ type: 'promptString', id: 'mcp-proxy-token', description: 'Token', password: true }],
    servers: {
      shared: {
        type: 'http',
        url: `http://127.0.0.1:${daemon.port}/mcp${query}`,
        headers: { Authorization: 'Bearer ${input:mcp-proxy-token}' },
      },
    },
  });

  /** Its own HTTP client: every message a POST, answers as JSON or as events, the session id from the first answer. */
  function speaker(query = '') {
    const { url, headers } = configFor(query).servers.shared;
    let sessionId: string | undefined;
    const common = () => ({
      Authorization: headers.Authorization.replace('${input:mcp-proxy-token}', daemon.token),
      ...(sessionId === undefined ? {} : { 'Mcp-Session-Id': sessionId, 'MCP-Protocol-Version': '2025-06-18' }),
    });
    let id = 0;
    return {
      request: async (method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> => {
        id += 1;
        const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
        const response = await fetch(url, {
          method: 'POST',
          headers: { ...common(), 'Content-Type': 'application/json', Accept: 'text/event-stream, application/json' },
          body,
        });
        sessionId ??= response.headers.get('mcp-session-id') ?? undefined;
        const text = await response.text();
        const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
        const lines = isEvents ? text.split('\n').flatMap((line) => /^data: (.+)$/.exec(line)?.[1] ?? []) : [text];
        const messages: unknown[] = lines.map((line) => JSON.parse(line));
        const answer = messages.filter(isRecord).find((message) => message['id'] === id);
        if (!answer) throw new Error(`HTTP ${response.status}: ${text}`);
        return answer;
      },
      notify: async (method: string) => {
        const body = JSON.stringify({ jsonrpc: '2.0', method });
        const accept = 'text/event-stream, application/json';
        const sent = { ...common(), 'Content-Type': 'application/json', Accept: accept };
        expect((await fetch(url, { method: 'POST', headers: sent, body })).status).toBe(202);
      },
    };
  }

  const hello = {
    protocolVersion: '2025-06-18',
    capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: {} },
    clientInfo: { name: 'Visual Studio Code', version: '1.106.0' },
  };

  it('gets the gateway by itself when there are many tools, and a tool through it', async () => {
    const vscode = speaker();
    expect(await vscode.request('initialize', hello)).toMatchObject({ result: { protocolVersion: '2025-06-18' } });
    await vscode.notify('notifications/initialized');
    const list = await vscode.request('tools/list');
    expect(list).toMatchObject({ result: { tools: { length: 6 } } });
    const params = { name: 'gateway_invoke', arguments: { id: 'echo__echo', args: { text: 'from the editor' } } };
    const meta = { progressToken: 'c0ffee' };
    expect(textOf(await vscode.request('tools/call', { ...params, _meta: meta }))).toBe('from the editor');
  });

  it('gets what its address asks for', async () => {
    const vscode = speaker('?mode=all');
    await vscode.request('initialize', hello);
    await vscode.notify('notifications/initialized');
    expect(JSON.stringify(await vscode.request('tools/list'))).toContain('"echo__extra_59"');
  });

  it('reads a result with the reference of its own session only', async () => {
    const [mine, other] = [speaker('?mode=gateway'), speaker('?mode=gateway')];
    for (const one of [mine, other]) {
      await one.request('initialize', hello);
      await one.notify('notifications/initialized');
    }
    const args = { id: 'echo__big', args: { bytes: 200_000 } };
    const short = await mine.request('tools/call', { name: 'gateway_invoke', arguments: args });
    const ref = /"ref":"([\w-]{22})"/.exec(JSON.stringify(short).replaceAll('\\"', '"'))?.[1] ?? '';
    const read = { name: 'gateway_get_result', arguments: { ref } };
    expect(textOf(await mine.request('tools/call', read))).toContain('"total":200000');
    expect(textOf(await other.request('tools/call', read))).toContain('No stored result has this reference');
  });
});
