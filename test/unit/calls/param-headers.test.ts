// Arguments that a definition wants repeated in headers: of which calls, to which servers.
import { expect, it } from 'vitest';
import { ParamHeaders, usableTools } from '../../../src/calls/param-headers.ts';
import { statelessVersion } from '../../../src/mcp/versions.ts';
import { createWorld, request } from '../../support/call-rig.ts';
import { type ServerSetup, tool } from '../../support/memory-server.ts';

const marked = (name: string, header: unknown) =>
  tool(name, { inputSchema: { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': header } } } });
const tools = [marked('go', 'City'), tool('plain')];

async function open(setup: ServerSetup) {
  const world = createWorld({ servers: { s: { lists: { tools }, isPerSession: true, ...setup } } });
  const host = world.session('a');
  const { instance } = await world.ready(host, 's');
  const [slot] = instance.slots();
  if (!slot) throw new Error('no connection');
  const headers = new ParamHeaders(world.catalog);
  const keys = { instance: instance.identity.key, snapshot: instance.identity.snapshotKey };
  const { session } = host;
  const of = (method: string, params: unknown, edits: Parameters<typeof headers.of>[0]['edits'] = []) =>
    headers.of(
      { session, entry: world.entry('s'), request: request({ id: 1, method, params }), edits },
      slot,
      () => keys,
    );
  const listing = () => world.catalog.faceOf(keys)?.lists.tools ?? { items: [], digest: '' };
  return { world, of, slot, listing };
}

const http = { version: statelessVersion, takesHeaders: true };

it('a call of a marked tool has them, under the name that its server knows', async () => {
  const { of } = await open(http);
  expect(of('tools/call', { name: 'go', arguments: { city: 'Bern' } })).toEqual({ 'mcp-param-city': 'Bern' });
  const line = request({ id: 1, method: 'tools/call', params: { name: 's__go', arguments: { city: 'Bern' } } }).line;
  const start = line.indexOf('"s__go"');
  const edits = [{ at: { start, end: start + 7 }, with: '"go"' }];
  expect(of('tools/call', { name: 's__go', arguments: { city: 'Bern' } }, edits)).toEqual({ 'mcp-param-city': 'Bern' });
  expect(of('tools/call', { name: 'go', arguments: {} })).toEqual({});
});

it('nothing else has any', async () => {
  const { of } = await open(http);
  expect(of('tools/call', { name: 'plain', arguments: { city: 'Bern' } })).toBeUndefined();
  expect(of('tools/call', { name: 'unknown' })).toBeUndefined();
  expect(of('tools/call', {})).toBeUndefined();
  expect(of('prompts/get', { name: 'go', arguments: { city: 'Bern' } })).toBeUndefined();
});

it('a server with sessions, and one on a pipe, gets none', async () => {
  for (const setup of [{ takesHeaders: true }, { version: statelessVersion }]) {
    const { of, slot, listing } = await open(setup);
    expect(of('tools/call', { name: 'go', arguments: { city: 'Bern' } })).toBeUndefined();
    expect(usableTools(listing(), slot)).toBe(listing());
  }
});

it('a tool whose marks are invalid is not offered, the others are as they were', async () => {
  const { listing } = await open({ ...http, lists: { tools: [...tools, marked('bad', 5)] } });
  expect(listing().items.map(({ name }) => name)).toEqual(['go', 'plain']);
  expect(listing().faults).toMatchObject([
    { name: 'bad', isLeftOut: true, what: expect.stringContaining('x-mcp-header') },
  ]);
  const fine = await open(http);
  expect(usableTools(fine.listing(), fine.slot)).toBe(fine.listing());
});
