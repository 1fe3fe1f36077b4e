// The same over HTTP, where each session has an MCP session of its own with the server.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ListFailure } from '../../src/link/control.ts';
import { DaemonRig, fixture, type SessionOptions } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type McpClient, textOf } from '../support/mcp-client.ts';
import { type Fixture, runFixture } from '../support/run-fixture.ts';

let rig: DaemonRig;
let remote: Fixture | undefined;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(async () => {
  // Its variables name the rig's home, which must be left by all.
  await remote?.stop();
  remote = undefined;
  await rig.dispose();
});

const answersFile = () => join(rig.home, 'answers.json');
const traceFile = () => join(rig.home, 'trace');
function answerWith(answers: Record<string, unknown>): void {
  writeFileSync(`${answersFile()}.new`, JSON.stringify(answers));
  renameSync(`${answersFile()}.new`, answersFile());
}
const away = { error: { code: -32603, message: 'getaddrinfo ENOTFOUND api.example.com' } };

async function serve(): Promise<Fixture> {
  remote = await runFixture('http-echo.mjs', { ANSWERS_FILE: answersFile(), TRACE_FILE: traceFile() });
  rig.writeConfig({ c: { type: 'http', url: `${remote.origin}/mcp` } });
  return remote;
}
function asked(method: string): number {
  if (!existsSync(traceFile())) return 0;
  const lines = readFileSync(traceFile(), 'utf8').split('\n').filter(Boolean);
  return lines.filter((line) => JSON.parse(line).method === method).length;
}
const open = (options: SessionOptions = {}) => rig.open(options);
/** Asks in the name of `client` as well. */
function failed(client: McpClient): Promise<ListFailure> {
  const look = async () => {
    await client.toolNames();
    return (await rig.status()).servers[0]?.listFailures?.[0];
  };
  return eventually(look, { what: 'a list that failed', intervalMs: 100 });
}
/** Resolves when each of these was told that its tools are others, and has that one. */
async function toolsCome(tool: string, ...clients: McpClient[]): Promise<void> {
  const method = 'notifications/tools/list_changed';
  const told = clients.map((client) => ({ client, before: client.notifications(method).length }));
  rmSync(answersFile());
  for (const { client, before } of told) {
    await client.notification(method, before);
    const isThere = async () => (await client.toolNames()).includes(tool);
    await eventually(isThere, { what: tool });
  }
}

it('one chain of questions is enough for all sessions of a server', async () => {
  answerWith({ 'tools/list': away });
  await serve();
  const clients = await Promise.all(Array.from({ length: 3 }, () => open()));
  for (const client of clients) await failed(client);
  const first = asked('tools/list');
  // Two further answers of the one chain.
  await eventually(() => asked('tools/list') >= first + 2, { what: 'further questions' });
  const { servers } = await rig.status();
  expect(servers[0]?.listFailures).toHaveLength(1);
  expect(asked('tools/list')).toBeLessThan(first + 5);
  await toolsCome('c__echo', ...clients);
});

it.each([
  ['a page of a gateway', { status: 503, page: '<h1>away</h1>' }, /503/],
  ['too many requests', { status: 429, page: 'slow down' }, /429/],
  ['an answer without a message', { status: 200, page: '<h1>hello</h1>' }, /instead of a message/],
  ['an empty event stream', { status: 204, page: '' }, /204/],
])('%s is no list either', async (_what, answer, reason) => {
  answerWith({ 'tools/list': answer });
  await serve();
  const client = await open();
  expect(await client.toolNames()).toEqual([]);
  expect((await failed(client)).reason).toMatch(reason);
  await toolsCome('c__echo', client);
  answerWith({ 'tools/list': answer });
  // What belongs to no call comes on a stream of its own, which need not be there yet.
  const announced = async () => {
    await client.call('c__announce');
    return (await rig.status()).servers[0]?.listFailures !== undefined;
  };
  await eventually(announced, { what: 'the refusal', intervalMs: 200 });
  expect(await client.toolNames()).toContain('c__echo');
});

it('a server that was restarted meanwhile is asked over a new session, without anybody calling it', async () => {
  answerWith({ 'tools/list': away });
  const { origin } = await serve();
  const client = await open();
  expect(await client.toolNames()).toEqual([]);
  await failed(client);
  await fetch(`${origin}/test/forget`, { method: 'POST' });
  const introductions = asked('initialize');
  await eventually(() => asked('initialize') > introductions, { what: 'a new session' });
  await toolsCome('c__echo', client);
  expect(textOf(await client.call('c__echo', { text: 'there' }))).toBe('there');
});

it('a server without sessions is no other', async () => {
  answerWith({ 'tools/list': away });
  rig.writeConfig({ c: fixture('modern.mjs', { ANSWERS_FILE: answersFile() }) });
  const client = await open();
  expect(await client.toolNames()).toEqual([]);
  expect((await failed(client)).reason).toMatch(/ENOTFOUND/);
  await toolsCome('c__meta', client);
});
