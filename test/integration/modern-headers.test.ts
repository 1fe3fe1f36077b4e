// Arguments that a 2026-07-28 server wants repeated in headers, through wrapper and daemon. The server compares them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { DaemonRig } from '../support/daemon-rig.ts';
import { type McpClient, type Message, textOf } from '../support/mcp-client.ts';
import { at } from '../support/mcp-http-client.ts';

describe('headers toward a server of 2026-07-28', () => {
  const rig = new DaemonRig();
  const trace = join(rig.home, 'trace');
  let client: McpClient;
  const call = async (name: string, args: Message = {}): Promise<Message> =>
    JSON.parse(textOf(await client.call(`web__${name}`, args)));
  beforeAll(async () => {
    const args = [join(root, 'test/fixtures/upstreams/modern.mjs'), '--http', '${PORT}'];
    const env = { TRACE_FILE: trace };
    const url = 'http://127.0.0.1:${PORT}/mcp';
    rig.writeConfig({ web: { command: process.execPath, args, env, url, sharing: 'shared' } });
    client = await rig.open();
  });
  afterAll(() => rig.dispose());

  it('repeats marked arguments, nested ones and such that no header can carry as they are', async () => {
    expect(await call('place', { region: 'us-west1', deep: { size: 42 } })).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'place',
      'mcp-param-region': 'us-west1',
      'mcp-param-size': '42',
    });
    const encoded = await call('place', { region: ' Zürich\n' });
    expect(encoded['mcp-param-region']).toBe('=?base64?IFrDvHJpY2gK?=');
    expect(encoded).not.toHaveProperty('mcp-param-size');
    expect(await call('place', { region: null })).not.toHaveProperty('mcp-param-region');
  });

  it('learns a changed definition when its call is refused for it, and calls once more', async () => {
    expect(textOf(await client.call('web__mark_more'))).toBe('marked');
    expect(await call('place', { region: 'a', zone: 'b' })).toMatchObject({ 'mcp-param-zone': 'b' });
  });

  it('names method and revision with each message, and sends no notification', () => {
    const sent: Message[] = readFileSync(trace, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const modern = sent.filter(({ method }) => method !== 'initialize');
    expect(modern.length).toBeGreaterThan(8);
    for (const message of modern) {
      expect(at(message, 'headers', 'mcp-method')).toBe(message['method']);
      expect(at(message, 'headers', 'mcp-protocol-version')).toBe('2026-07-28');
      expect(message).toHaveProperty('id');
    }
  });
});
