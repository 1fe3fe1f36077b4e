// Servers that write definitions which strict programs refuse, beside one that does not: the official client lists all
// that can be used, and people learn which server has to be corrected.
import { isUtf8 } from 'node:buffer';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import type { StatusReport } from '../../src/link/control.ts';
import { facePath, readFace } from '../../src/link/faces.ts';
import { DaemonRig, fixture, wrapperPath } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { jsonOf, search } from '../support/gateway-calls.ts';
import { startHttpDaemon } from '../support/http-daemon.ts';
import { at, LegacyHttpClient, ModernHttpClient } from '../support/mcp-http-client.ts';
import { refusal } from '../support/strict-programs.ts';

let rig: DaemonRig;
let client: Client | undefined;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(async () => {
  await client?.close();
  client = undefined;
  await rig.dispose();
});

/** A server that lists these texts. */
function lister(name: string, lists: Record<string, readonly (string | Buffer)[]>, env: Record<string, string> = {}) {
  const folder = join(rig.home, name);
  mkdirSync(folder, { recursive: true });
  for (const [member, definitions] of Object.entries(lists)) {
    const parts = definitions.flatMap((one, i) => [Buffer.from(i === 0 ? '[' : ','), Buffer.from(one)]);
    writeFileSync(
      join(folder, `${member}.json`),
      Buffer.concat([...parts, Buffer.from(parts.length > 0 ? ']' : '[]')]),
    );
  }
  return fixture('listing.mjs', { LISTS_DIR: folder, ...env });
}

async function connect(...args: string[]): Promise<Client> {
  client = new Client({ name: 'strict', version: '1' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [wrapperPath, ...args],
    env: rig.environment,
    cwd: join(rig.home, 'project'),
  });
  await client.connect(transport);
  return client;
}

const good = '{ "name":"good", "x-n":1.50,"inputSchema":{"type":"object","properties":{"a":{"type":"string"}}} }';
const malformed = [
  '{"name":"none"}',
  '{"name":"empty","inputSchema":{}}',
  '{"name":"null","inputSchema":null}',
  '{"name":"text","inputSchema":{"type":"string"}}',
  '{"name":"nulls","title":null,"description":null,"annotations":null,"outputSchema":null,"inputSchema":{"type":"object","properties":null,"required":null}}',
  '{"name":"number","description":5,"inputSchema":{"type":"object"}}',
  '{"name":"output","outputSchema":{"type":"array"},"inputSchema":{"type":"object"}}',
  '{"name":"compiled","outputSchema":{"type":"object","properties":{"a":{"$ref":"#/$defs/none"}}},"inputSchema":{"type":"object"}}',
  '{"name":"annotated","annotations":"text","inputSchema":{"type":"object"}}',
  '{"name":5,"inputSchema":{"type":"object"}}',
  'null',
];
const usable = ['none', 'empty', 'null', 'nulls', 'number', 'output', 'compiled', 'annotated'];

const namesOf = (items: readonly { name: string }[]) => items.map(({ name }) => name);
/** On a loaded machine the first list may be asked for before there is a daemon, and is empty then. */
const whole = <T>(ask: () => Promise<readonly T[]>): Promise<readonly T[]> =>
  eventually(
    async () => {
      const items = await ask();
      return items.length > 0 ? items : undefined;
    },
    { what: 'a list' },
  );
const toolsOf = async (host: Client) => namesOf(await whole(async () => (await host.listTools()).tools));

it('shows the official client every tool that can be used, and calls them', async () => {
  const structure = { STRUCTURED: '[1,2]' };
  rig.writeConfig({
    bad: lister('bad', { tools: [...malformed, good] }, structure),
    fine: lister('fine', { tools: [good] }),
  });
  const host = await connect();
  expect(await toolsOf(host)).toEqual([...[...usable, 'good'].map((name) => `bad__${name}`), 'fine__good']);
  // Of one that is given without its schema, a structure that this client refuses goes with it.
  for (const name of ['bad__output', 'fine__good']) {
    const { content } = await host.callTool({ name, arguments: { a: 'b' } });
    const text = JSON.stringify({ name: name.split('__')[1], arguments: { a: 'b' } });
    expect(content).toEqual([{ type: 'text', text }]);
  }
});

it('has what is right in the list as it was written, and no byte that is no UTF-8', async () => {
  const broken = Buffer.concat([
    Buffer.from('{"name":"bytes","description":"'),
    Buffer.from([0xff, 0xc3]),
    Buffer.from('"}'),
  ]);
  rig.writeConfig({ bad: lister('bad', { tools: [broken, ...malformed, good] }) });
  const session = await rig.open();
  const { child } = session;
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  expect(await whole(() => session.toolNames())).toContain('bad__bytes');
  const written = Buffer.concat(chunks);
  expect(isUtf8(written)).toBe(true);
  expect(written.toString()).toContain(good.replace('"good"', '"bad__good"'));
});

it('shows the official client the prompts, resources and templates that can be used', async () => {
  const lists = {
    prompts: ['{"name":"p","arguments":null}', '{"name":"q","arguments":{"a":1}}', '{"name":"good"}'],
    resources: [
      '{"uri":"x://r","name":null,"size":"1"}',
      '{"uri":null,"name":"s"}',
      '{"uri":"x://good","name":"good"}',
    ],
    resourceTemplates: ['{"uriTemplate":"x://{t}"}', '{"name":"u"}', '{"uriTemplate":"x://{good}","name":"good"}'],
  };
  rig.writeConfig({ bad: lister('bad', lists) });
  const host = await connect();
  expect(namesOf(await whole(async () => (await host.listPrompts()).prompts))).toEqual(['bad__p', 'bad__good']);
  expect(namesOf((await host.listResources()).resources)).toEqual(['x://r', 'good']);
  expect(namesOf((await host.listResourceTemplates()).resourceTemplates)).toEqual(['x://{t}', 'good']);
});

it('gives programs over HTTP the form of their protocol family', async () => {
  const daemon = await startHttpDaemon({ servers: { bad: lister('bad', { tools: [...malformed, good] }) } });
  try {
    const address = { url: daemon.url('/mcp'), token: daemon.token };
    const older = new LegacyHttpClient(address);
    await older.open();
    const newer = new ModernHttpClient(address);
    for (const [family, client] of [
      ['older', older],
      ['newer', newer],
    ] as const) {
      const tools = at(await client.request(1, 'tools/list'), 'result', 'tools');
      expect(refusal('tools', family, JSON.stringify({ tools }))).toBeUndefined();
      const outputs = Array.isArray(tools) ? tools.map((tool) => at(tool, 'outputSchema', 'type')) : [];
      expect(outputs).toHaveLength(usable.length + 1);
      // Of the newer family it is a valid one.
      expect(outputs.includes('array')).toBe(family === 'newer');
    }
  } finally {
    await daemon.stop();
  }
});

it('mends the lists of one server alone as well', async () => {
  rig.writeConfig({ bad: lister('bad', { tools: [...malformed, good] }) });
  const host = await connect('--server', 'bad');
  expect(await toolsOf(host)).toEqual([...usable, 'good']);
});

it('finds and describes them where tools are searched', async () => {
  const gateway = { tools: { mode: 'gateway' } };
  rig.writeConfig({ bad: lister('bad', { tools: [...malformed, good] }) }, gateway);
  const session = await rig.open();
  const ids = (await whole(() => search(session, ''))).map(({ id }) => id);
  expect([...ids].sort()).toEqual([...usable, 'good'].map((name) => `bad__${name}`).sort());
  const described = jsonOf(await session.call('gateway_describe', { ids: ['bad__none'] }))['tools'];
  expect(described).toMatchObject([{ id: 'bad__none', inputSchema: { type: 'object' } }]);
});

it('makes tools that were found valid ones', async () => {
  rig.writeConfig({ bad: lister('bad', { tools: [...malformed, good] }) }, { tools: { mode: 'dynamic', topK: 20 } });
  const host = await connect();
  await host.callTool({ name: 'retrieve_tools', arguments: { query: 'none output annotated' } });
  expect(namesOf((await host.listTools()).tools)).toEqual(expect.arrayContaining(['bad__none', 'bad__annotated']));
});

it('tells who has to correct what: status, doctor and the log', async () => {
  const hostile = '{"name":"\\u001b[2J\\u202eevil","inputSchema":{"type":"string"}}';
  const many = Array.from({ length: 6 }, (_, i) => `{"name":"more${i}","inputSchema":false}`);
  rig.writeConfig({
    bad: lister('bad', { tools: [...malformed, hostile], prompts: ['{}'] }),
    worse: lister('worse', { tools: many }),
    fine: lister('fine', { tools: [good] }),
  });
  const session = await rig.open();
  await whole(() => session.toolNames());
  const isKnown = ({ servers }: StatusReport) => servers.every(({ tools }) => tools !== undefined);
  const { servers } = await rig.statusUntil(isKnown, 'all lists');
  const faultsOf = (name: string) => servers.find((server) => server.name === name)?.definitionFaults;
  expect(faultsOf('fine')).toBeUndefined();
  expect(faultsOf('worse')).toHaveLength(6);
  expect(faultsOf('bad')).toHaveLength(malformed.length + 2);
  expect(faultsOf('bad')).toEqual(
    expect.arrayContaining([
      { list: 'tools', name: 'none', what: 'inputSchema is missing', isLeftOut: false },
      { list: 'tools', name: 'text', what: 'inputSchema.type is "string", not "object"', isLeftOut: true },
      { list: 'tools', name: 'output', what: 'outputSchema.type is "array", not "object"', isLeftOut: false },
      { list: 'tools', name: '#10', what: 'name is a number, not text', isLeftOut: true },
      { list: 'prompts', name: '#1', what: 'name is missing', isLeftOut: true },
    ]),
  );
  const status = await rig.cli(['status']);
  expect(status.stdout).toContain('tool "text" is left out: inputSchema.type is "string", not "object"');
  expect(status.stdout).toMatch(/and 3 more: `.*status --json`/);
  const json = await rig.cli(['status', '--json']);
  expect(json.stdout).toContain('inputSchema.type is \\"string\\"');
  const doctor = await rig.cli(['doctor']);
  expect(doctor.stdout.replace(/\s+/g, ' ')).toContain(
    'warning bad: tool "text" is left out: inputSchema.type is "string", not "object". > Server "bad" has to be corrected; what else it lists stays.',
  );
  expect(doctor.stdout).toContain('worse: 1 more of its definitions');
  for (const { stdout } of [status, doctor]) expect(stdout).not.toMatch(/\u001b\[2J|\u202e/);
  const told = rig.log().filter(({ event }) => event === 'definitions.faulty');
  expect(told.map(({ server, count }) => [server, count])).toEqual(
    expect.arrayContaining([
      ['bad', malformed.length + 2],
      ['worse', 6],
    ]),
  );
  expect(told).toHaveLength(2);
});

it('remembers what was wrong over the life of a daemon, and leaves valid answers for the time without one', async () => {
  rig.writeConfig({ bad: lister('bad', { tools: [...malformed, good] }) });
  const first = await rig.open();
  await whole(() => first.toolNames());
  const path = facePath(rig.locations.facesDir, { projectRoot: join(rig.home, 'project') });
  const face = await eventually(() => readFace(path), { what: 'the ready-made answers' });
  expect(refusal('tools', 'older', JSON.stringify(face.lists.tools?.result))).toBeUndefined();
  await first.close();
  await eventually(() => rig.daemons().length === 0, { what: 'the daemon to end' });
  // Its server is not started for a list that is known.
  const second = await rig.open();
  expect(await whole(() => second.toolNames())).toEqual([...usable, 'good'].map((name) => `bad__${name}`));
  expect(rig.servers()).toEqual([]);
  expect((await rig.status()).servers[0]?.definitionFaults).toHaveLength(malformed.length);
});

it('leaves answers for programs with sessions where a server of the newer family has other schemas', async () => {
  const program = join(root, 'test/fixtures/upstreams/modern.mjs');
  rig.writeConfig({ newer: { command: process.execPath, args: [program], sharing: 'shared' } });
  const session = await rig.open();
  expect(await whole(() => session.toolNames())).toContain('newer__list_value');
  const path = facePath(rig.locations.facesDir, { projectRoot: join(rig.home, 'project') });
  const face = await eventually(() => readFace(path), { what: 'the ready-made answers' });
  expect(JSON.stringify(face.lists.tools?.result)).toContain('newer__list_value');
  expect(refusal('tools', 'older', JSON.stringify(face.lists.tools?.result))).toBeUndefined();
  // It is right by the schemas that it speaks, so nobody has to correct anything.
  expect((await rig.status()).servers[0]).not.toHaveProperty('definitionFaults');
});
