// Which protocol family a server speaks is found on one start, remembered over daemons, and found anew when it changed.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { DaemonRig } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type McpClient, type Message, resultOf, textOf } from '../support/mcp-client.ts';
import { at, metaKey } from '../support/mcp-http-client.ts';

const program = join(root, 'test/fixtures/upstreams/modern.mjs');

describe('the protocol family of a server', () => {
  let rig: DaemonRig;
  const file = (name: string) => join(rig.home, name);
  const lines = (name: string) => readFileSync(file(name), 'utf8').split('\n').filter(Boolean);
  const methods = (): unknown[] => lines('trace').map((line) => at(JSON.parse(line), 'method'));
  const become = (era: 'legacy' | 'modern') => writeFileSync(file('era'), era);
  const forgetTrace = () => writeFileSync(file('trace'), '');
  const configure = (env: Record<string, string> = {}) => {
    const own = {
      command: process.execPath,
      env: { ERA_FILE: file('era'), STARTS_FILE: file('starts'), TRACE_FILE: file('trace'), ...env },
      sharing: 'shared',
    };
    rig.writeConfig({
      pipe: { ...own, args: [program] },
      web: { ...own, args: [program, '--http', '${PORT}'], url: 'http://127.0.0.1:${PORT}/mcp' },
    });
  };
  /** Which family the server was called in: only the newer one says so with each call. */
  const calledAs = async (client: McpClient, server: string): Promise<string> => {
    const answer = await client.call(`${server}__meta`);
    expect(resultOf(answer)['isError'], textOf(answer)).toBeUndefined();
    const meta: Message = JSON.parse(textOf(answer));
    return metaKey('protocolVersion') in meta ? 'modern' : 'legacy';
  };
  /** A daemon's whole life with one session. */
  const live = async <T>(act: (client: McpClient) => Promise<T>): Promise<T> => {
    const client = await rig.open();
    const result = await act(client);
    await client.close();
    await rig.nothingLeft();
    return result;
  };
  beforeEach(() => {
    rig = new DaemonRig();
    appendFileSync(file('trace'), '');
  });
  afterEach(() => rig.dispose());

  it.each(['pipe', 'web'])('is found on the one start of a server that refuses a handshake (%s)', async (server) => {
    configure();
    expect(await live((client) => calledAs(client, server))).toBe('modern');
    expect(methods().slice(0, 2)).toEqual(['initialize', 'server/discover']);
    expect(lines('starts')).toHaveLength(1);
  });

  it('is remembered: the next daemon asks the right way first', async () => {
    configure();
    expect(await live((client) => calledAs(client, 'pipe'))).toBe('modern');
    forgetTrace();
    expect(await live((client) => calledAs(client, 'pipe'))).toBe('modern');
    expect(methods()[0]).toBe('server/discover');
    expect(methods()).not.toContain('initialize');
  });

  it.each([
    '',
    'exit',
    'silent',
  ])('survives a downgrade between two starts (answer to the newer way: %s)', async (probe) => {
    configure(probe === '' ? {} : { PROBE: probe });
    expect(await live((client) => calledAs(client, 'pipe'))).toBe('modern');
    become('legacy');
    const before = lines('starts').length;
    expect(await live((client) => calledAs(client, 'pipe'))).toBe('legacy');
    // A server that ends when it is asked the newer way is started once more, no other is.
    expect(lines('starts').length - before).toBe(probe === 'exit' ? 2 : 1);
    forgetTrace();
    expect(await live((client) => calledAs(client, 'pipe'))).toBe('legacy');
    expect(methods()[0]).toBe('initialize');
  });

  it('survives an upgrade between two starts', async () => {
    configure();
    become('legacy');
    expect(await live((client) => calledAs(client, 'pipe'))).toBe('legacy');
    become('modern');
    expect(await live((client) => calledAs(client, 'pipe'))).toBe('modern');
  });

  it('survives a change behind an address while sessions are open: no call fails', async () => {
    configure();
    const client = await rig.open();
    // Its lists are fetched anew with each change; a request that is under way meanwhile may have run or not.
    const settled = (tools: number) =>
      eventually(async () => (await client.toolNames()).length === tools, { what: `${tools} tools` });
    const modernTools = await client.toolNames();
    const others = modernTools.filter((name) => name.startsWith('pipe__'));
    expect(await calledAs(client, 'web')).toBe('modern');
    for (let i = 0; i < 2; i += 1) {
      become('legacy');
      expect(await calledAs(client, 'web')).toBe('legacy');
      await settled(others.length + 1);
      become('modern');
      expect(await calledAs(client, 'web')).toBe('modern');
      await settled(modernTools.length);
    }
  });
});
