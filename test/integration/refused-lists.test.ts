// A server that answers a list with an error, or with none: what it said before stays, it is asked again, and somebody is
// told why.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListFailure } from '../../src/link/control.ts';
import { DaemonRig, fixture, type SessionOptions } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { errorData } from '../support/fault-rig.ts';
import { invoke, jsonOf } from '../support/gateway-calls.ts';
import { errorOf, type McpClient, namesIn, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(async () => {
  await rig.dispose();
});

const answersFile = () => join(rig.home, 'answers.json');
const traceFile = () => join(rig.home, 'trace');
/** What the server answers to these methods from now on; whole at once, since it reads with each request. */
function answerWith(answers: Record<string, unknown>): void {
  writeFileSync(`${answersFile()}.new`, JSON.stringify(answers));
  renameSync(`${answersFile()}.new`, answersFile());
}
const mend = () => rmSync(answersFile());
const away = { code: -32603, message: 'getaddrinfo ENOTFOUND api.example.com' };
const server = (more: Record<string, string> = {}, extra = {}) =>
  fixture('echo.mjs', { ANSWERS_FILE: answersFile(), TRACE_FILE: traceFile(), ...more }, extra);

/** How often the server was asked. */
function asked(method: string): number {
  if (!existsSync(traceFile())) return 0;
  const lines = readFileSync(traceFile(), 'utf8').split('\n').filter(Boolean);
  return lines.filter((line) => JSON.parse(line).method === method).length;
}
async function failures(): Promise<readonly ListFailure[]> {
  return (await rig.status()).servers[0]?.listFailures ?? [];
}
const open = (options: SessionOptions = {}) => rig.open(options);
/** Asks in the name of `client` as well. */
function failed(list: ListFailure['list'], client?: McpClient): Promise<ListFailure> {
  const look = async () => {
    await client?.toolNames();
    return (await failures()).find((one) => one.list === list);
  };
  return eventually(look, { what: `${list} to fail`, intervalMs: 100 });
}
const well = () => rig.statusUntil(({ servers }) => servers[0]?.listFailures === undefined, 'nothing failed');
/** Resolves when each of these was told that its tools are others, and has that one. */
async function toolsCome(act: () => void, tool: string, ...clients: McpClient[]): Promise<void> {
  const method = 'notifications/tools/list_changed';
  const told = clients.map((client) => ({ client, before: client.notifications(method).length }));
  act();
  for (const { client, before } of told) {
    await client.notification(method, before);
    const isThere = async () => (await client.toolNames()).includes(tool);
    await eventually(isThere, { what: tool });
  }
}

describe('a server that refuses its tools from the start', () => {
  const refusals: Record<string, [answer: unknown, reason: RegExp]> = {
    'an error': [{ error: away }, /-32603.*getaddrinfo ENOTFOUND/],
    'that it knows no such method': [{ error: { code: -32601, message: 'Method not found' } }, /-32601/],
    'a result without a list': [{ result: {} }, /without/],
    'null for a list': [{ result: { tools: null } }, /null/],
    'something else for a list': [{ result: { tools: { name: 'one' } } }, /tools/],
    'what is no message': [{ message: { result: { tools: [] } } }, /jsonrpc/],
    'an error on its second page': [
      {
        'page 1': { result: { tools: [{ name: 'half', inputSchema: { type: 'object' } }], nextCursor: '2' } },
        'page 2': { error: away },
      },
      /page 2.*-32603/,
    ],
  };
  it.each(Object.entries(refusals))('%s: is named, asked again, and its tools come', async (_what, [
    answer,
    reason,
  ]) => {
    answerWith({ 'tools/list': answer });
    rig.writeConfig({ c: server() });
    const client = await open();
    expect(await client.toolNames()).toEqual([]);
    const failure = await failed('tools', client);
    expect(failure.reason).toMatch(reason);
    expect(failure).not.toHaveProperty('shown');
    // The others are as they should be.
    expect(namesIn(await client.request('prompts/list'), 'prompts')).toEqual(['c__greet']);
    expect(namesIn(await client.request('resources/list'), 'resources', 'uri')).toContain('test://clock');
    await toolsCome(mend, 'c__echo', client);
    await well();
    expect(rig.log().filter(({ event }) => event === 'lists.failed').length).toBeGreaterThan(0);
    expect(rig.log().filter(({ event }) => event === 'lists.listed-again')).toHaveLength(1);
  });

  it('does not keep each further session waiting, and gives it the tools when they come', async () => {
    answerWith({ 'tools/list': { error: away } });
    rig.writeConfig({ c: server() });
    const first = await open();
    expect(await first.toolNames()).toEqual([]);
    await failed('tools', first);
    const later = await open();
    expect(await later.toolNames()).toEqual([]);
    await toolsCome(mend, 'c__echo', first, later);
  });

  it('says why to a call of one of its tools, in each mode', async () => {
    answerWith({ 'tools/list': { error: away } });
    rig.writeConfig({ c: server() });
    const [all, gateway] = [await open(), await open({ args: ['--mode', 'gateway'] })];
    await failed('tools', all);
    const answer = await all.call('c__echo', { text: 'x' });
    expect(textOf(answer)).toContain('ENOTFOUND');
    expect(errorData(answer)).toMatchObject({ code: 'LIST_FAILED', mayHaveRun: false, retry: 'safe' });
    expect(jsonOf(await gateway.call('gateway_search', { query: 'echo' }))['note']).toContain('ENOTFOUND');
    expect(textOf(await invoke(gateway, 'c__echo', { text: 'x' }))).toContain('ENOTFOUND');
    const { stdout } = await rig.cli(['call', 'c', 'echo', '{"text":"direct"}']);
    expect(stdout).toContain('direct');
    const listing = await rig.cli(['call', 'c']);
    expect(listing.code).toBe(1);
    expect(listing.stderr).toContain('ENOTFOUND');
    await toolsCome(mend, 'c__echo', all);
    expect(textOf(await all.call('c__echo', { text: 'there' }))).toBe('there');
    expect(textOf(await invoke(gateway, 'c__echo', { text: 'there' }))).toBe('there');
  });

  it('passes its own error on to who has it for itself, and tells of the tools when they come', async () => {
    const error = { ...away, data: { 'x-own': [1.5] } };
    answerWith({ 'tools/list': { error } });
    rig.writeConfig({ c: server() });
    const client = await open({ args: ['--server', 'c'] });
    expect(errorOf(await client.request('tools/list'))).toEqual(error);
    expect(textOf(await client.call('echo', { text: 'called all the same' }))).toBe('called all the same');
    await toolsCome(mend, 'echo', client);
  });

  it('is shown by status, doctor and the log, and no more when it is mended', async () => {
    const message = `token=ghp_${'a'.repeat(36)} \u001b[31mred\u202e ${'long '.repeat(10_000)}`;
    answerWith({ 'tools/list': { error: { code: -32000, message } } });
    rig.writeConfig({ c: server() });
    const client = await open();
    const failure = await failed('tools', client);
    expect(failure.reason).toMatch(/\[redacted\].*red/);
    expect(failure.reason).not.toMatch(/ghp_|[\u0000-\u001f\u202e]/);
    expect(failure.reason.length).toBeLessThan(500);
    const { servers } = await rig.statusUntil(
      (status) => status.servers[0]?.listFailures?.[0]?.nextAt !== undefined,
      'a pause',
    );
    expect(servers[0]).not.toHaveProperty('tools');
    const shown = (await rig.cli(['status'])).stdout.replace(/\s+/g, ' ');
    expect(shown).toContain('Its tools could not be listed');
    expect(shown).toContain('mcp-proxy restart c`');
    const restarted = await rig.cli(['restart', 'c']);
    expect(restarted.stdout.replace(/\s+/g, ' ')).toMatch(/^c: ready .*Its tools could not be listed for/);
    const doctor = await rig.cli(['doctor']);
    expect(doctor.stdout.replace(/\s+/g, ' ')).toContain('Server "c": its tools could not be listed');
    expect(rig.log().find(({ event }) => event === 'lists.failed')).toMatchObject({ server: 'c', list: 'tools' });
    mend();
    await well();
    expect((await rig.cli(['doctor'])).stdout).not.toContain('could not be listed');
    expect((await rig.status()).servers[0]?.tools).toBeGreaterThan(5);
  });
});

describe('tools that were known', () => {
  it('stay over an error, over restarts of the copy and of the daemon, and follow the next good answer', async () => {
    rig.writeConfig({ c: server() });
    const client = await open();
    expect(await client.toolNames()).toContain('c__echo');
    answerWith({ 'tools/list': { error: away } });
    await client.call('c__announce');
    expect((await failed('tools')).shown).toBe((await rig.status()).servers[0]?.tools);
    expect(await client.toolNames()).toContain('c__echo');
    expect((await rig.cli(['restart', 'c'])).code).toBe(0);
    await rig.statusUntil((status) => status.servers[0]?.state === 'ready', 'the new copy');
    expect(await client.toolNames()).toContain('c__echo');
    await client.close();
    await rig.nothingLeft();

    const next = await open();
    expect(await next.toolNames()).toContain('c__echo');
    expect(textOf(await next.call('c__echo', { text: 'starts it' }))).toBe('starts it');
    await failed('tools');
    expect(await next.toolNames()).toContain('c__echo');
    await next.close();
    await rig.nothingLeft();

    const last = await open();
    expect(await last.toolNames()).toContain('c__echo');
    await last.call('c__echo');
    await failed('tools');
    const tools = [{ name: 'new', inputSchema: { type: 'object' } }];
    await toolsCome(() => answerWith({ 'tools/list': { result: { tools } } }), 'c__new', last);
    expect(await last.toolNames()).toEqual(['c__new']);
    await well();
  });

  it('are not replaced by the first pages of a list that breaks off', async () => {
    rig.writeConfig({ c: server() });
    const client = await open();
    const all = await client.toolNames();
    const tools = [{ name: 'half', inputSchema: { type: 'object' } }];
    answerWith({ 'tools/list': { 'page 1': { result: { tools, nextCursor: '2' } }, 'page 2': { error: away } } });
    await client.call('c__announce');
    await failed('tools');
    expect(await client.toolNames()).toEqual(all);
    expect(client.notifications('notifications/tools/list_changed')).toEqual([]);
  });

  it('are gone when the server says that it has none', async () => {
    rig.writeConfig({ c: server() });
    const client = await open();
    expect(await client.toolNames()).toContain('c__echo');
    answerWith({ 'tools/list': { result: { tools: [] } } });
    await client.call('c__announce');
    await client.notification('notifications/tools/list_changed');
    expect(await client.toolNames()).toEqual([]);
    expect(await failures()).toEqual([]);
  });
});

it('a list that a server never knew is none, and nobody is told', async () => {
  const unknown = { error: { code: -32601, message: 'Method not found' } };
  answerWith({ 'resources/templates/list': unknown, 'prompts/list': unknown });
  rig.writeConfig({ c: server() });
  const client = await open();
  expect(await client.toolNames()).toContain('c__echo');
  expect(namesIn(await client.request('resources/templates/list'), 'resourceTemplates')).toEqual([]);
  expect(namesIn(await client.request('prompts/list'), 'prompts')).toEqual([]);
  expect(await failures()).toEqual([]);
});

it.each([
  ['prompts/list', 'prompts', 'c__greet', 'name'],
  ['resources/list', 'resources', 'test://clock', 'uri'],
  ['resources/templates/list', 'resourceTemplates', 'test://item/{id}', 'uriTemplate'],
] as const)('%s: an error is none of the others, comes by itself, and wipes nothing', async (method, list, known, key) => {
  answerWith({ [method]: { error: away } });
  rig.writeConfig({ c: server() });
  const client = await open();
  const listed = async () => namesIn(await client.request(method), list, key);
  const changed = `notifications/${list === 'resourceTemplates' ? 'resources' : list}/list_changed`;
  expect(await client.toolNames()).toContain('c__echo');
  expect(await listed()).toEqual([]);
  await failed(list);
  expect(await failures()).toHaveLength(1);
  const before = client.notifications(changed).length;
  mend();
  await client.notification(changed, before);
  expect(await listed()).toContain(known);
  await well();
  // And once it was known.
  answerWith({ [method]: { error: { code: -32601, message: 'Method not found' } } });
  await client.call('c__announce', { what: changed.split('/')[1] ?? '' });
  await failed(list);
  expect(await listed()).toContain(known);
});

it('a resource that nobody has is not found, whichever server refuses its list of them', async () => {
  answerWith({ 'resources/list': { error: away }, 'resources/templates/list': { error: away } });
  rig.writeConfig({ c: server(), other: fixture('echo.mjs') });
  const client = await open();
  expect(await client.toolNames()).toContain('other__echo');
  await failed('resources');
  const unheard = errorOf(await client.request('resources/read', { uri: 'nobodys://thing' }));
  expect(unheard).toMatchObject({ code: -32002, message: 'Resource not found: nobodys://thing' });
});

it('other lists and servers do not wait for one that is not answered', async () => {
  answerWith({ 'resources/list': 'silent' });
  rig.writeConfig({ c: server(), other: fixture('echo.mjs') });
  const client = await open();
  const tools = await client.toolNames();
  expect(tools).toEqual(expect.arrayContaining(['c__echo', 'other__echo']));
  expect(namesIn(await client.request('prompts/list'), 'prompts')).toEqual(['c__greet', 'other__greet']);
});

it('a copy that is asked again and again is stopped when it is idle, and not started for it', async () => {
  answerWith({ 'tools/list': { error: away } });
  rig.writeConfig({ c: server({}, { idleStopMs: 3_000 }) });
  const client = await open();
  await failed('tools', client);
  const stopped = await rig.statusUntil(({ servers }) => servers[0]?.state === 'stopped', 'the idle stop');
  expect(stopped.servers[0]?.listFailures?.[0]).not.toHaveProperty('nextAt');
  const before = asked('tools/list');
  mend();
  // A session that opens now wants to know.
  const next = await open();
  expect(await next.toolNames()).toContain('c__echo');
  expect(asked('tools/list')).toBe(before + 1);
});

it('pages that repeat are read once, and a list without an end is cut and named', async () => {
  const tools = (...names: string[]) => names.map((name) => ({ name, inputSchema: { type: 'object' } }));
  answerWith({
    'tools/list': {
      'page 1': { result: { tools: tools('a', 'b'), nextCursor: 'x' } },
      'page x': { result: { tools: tools('b', 'c'), nextCursor: 'y' } },
      'page y': { result: { tools: tools('c', 'a'), nextCursor: 'x' } },
    },
  });
  rig.writeConfig({ c: server() });
  const client = await open();
  expect(await client.toolNames()).toEqual(['c__a', 'c__b', 'c__c']);
  expect(asked('tools/list')).toBe(3);
  expect(await failures()).toEqual([]);
});
