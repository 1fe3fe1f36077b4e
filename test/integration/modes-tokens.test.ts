// `mcp-proxy tokens` against a running daemon with a session in each mode.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRecord } from '../../src/base/guards.ts';
import type { TokensReport } from '../../src/link/control.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { invoke, readBack, refOf, start } from '../support/gateway-calls.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());

it('counts what each mode and session is given, and what results cost and saved', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs', { ECHO_EXTRA_TOOLS: '30' }) });
  const claude = await rig.open({ name: 'claude-code' });
  const tools = resultOf(await claude.request('tools/list'))['tools'];
  const gateway = await rig.open({ args: ['--mode', 'gateway'], name: 'editor' });
  await invoke(gateway, 'echo__big', { bytes: 410_000 });

  const { stdout, code } = await rig.cli(['tokens', '--json']);
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  const shown = (Array.isArray(tools) ? tools : [])
    .filter(isRecord)
    .map(({ name, description, inputSchema }) => ({ name, description, input_schema: inputSchema }));
  const all = encode(JSON.stringify(shown)).length;
  expect(report).toMatchObject({ isExact: true, servers: [{ server: 'echo', tools: shown.length, tokens: all }] });
  const [inAll, inGateway, inDynamic, names] = report.modes;
  expect(inAll).toEqual({ mode: 'all', tools: shown.length, tokens: all });
  expect(inGateway.tokens).toBeLessThanOrEqual(700);
  expect(inDynamic.tools).toBe(2);
  const bySession = (client: string) =>
    report.sessions.find((session: { client: string }) => session.client === client);
  expect(bySession('claude-code')).toMatchObject({ mode: 'all', definitionTokens: names.tokens, calls: 0 });
  expect(bySession('editor')).toMatchObject({ mode: 'gateway', definitionTokens: inGateway.tokens, calls: 1 });
  // 410,000 letters and some words around, of which some 8,000 were given.
  const { savedTokens, sentTokens, bytesPerToken, isMeasured } = bySession('editor');
  expect(isMeasured).toBe(true);
  expect(savedTokens * bytesPerToken).toBeGreaterThan(395_000);
  expect((savedTokens + sentTokens.results) * bytesPerToken).toBeGreaterThan(405_000);
  expect((savedTokens + sentTokens.results) * bytesPerToken).toBeLessThan(415_000);

  const text = (await rig.cli(['tokens'])).stdout;
  expect(text).toContain('o200k_base');
  expect(text).toMatch(/gateway +6 +\d+/);
});

/** The answers so far, as this session saw them. */
const linesOf = (session: McpClient) =>
  session.lines.filter((line) => line.includes('"result"') && !line.includes('"protocolVersion"'));
/** What the daemon counted for the only session, in bytes. */
const counted = async (): Promise<TokensReport['sessions'][number]['results']> =>
  JSON.parse(JSON.stringify((await rig.http('GET', '/tokens')).body)).sessions[0].results;

it('takes what was read back, searched and run as a job from what was not sent', async () => {
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const session = await rig.open({ args: ['--mode', 'gateway'] });
  const answer = await invoke(session, 'echo__big', { bytes: 100_000 });
  const before = await counted();
  expect(before.bytes - before.sent.results).toBeGreaterThan(80_000);
  expect(before.sent).toMatchObject({ fetched: 0, searches: 0, jobs: 0 });
  await readBack(session, refOf(answer), {});
  const after = await counted();
  expect(after.sent.fetched).toBeGreaterThan(100_000);
  expect(after.sent.results).toBe(before.sent.results);

  await session.call('gateway_search', { query: 'echo' });
  const { searches } = (await counted()).sent;
  expect(searches).toBeGreaterThan(100);
  await session.call('gateway_describe', { ids: ['echo__echo'] });
  expect((await counted()).sent.searches).toBeGreaterThan(searches);

  const job = await start(session, 'echo__big', { bytes: 100_000 });
  await eventually(async () => (await counted()).count === 2, { what: 'the job to end' });
  const ended = await counted();
  expect(ended.bytes).toBeGreaterThan(200_000);
  const look = () => session.call('gateway_invoke_status', { jobId: job });
  await eventually(async () => !textOf(await look()).includes('"running"'), { what: 'its result' });
  const told = await counted();
  expect(told.sent.jobs).toBeGreaterThan(ended.sent.jobs + 5_000);

  const { savedTokens, sentTokens, resultTokens, bytesPerToken } = JSON.parse(
    (await rig.cli(['tokens', '--json'])).stdout,
  ).sessions[0];
  const { results, fetched, jobs } = told.sent;
  expect(savedTokens * bytesPerToken).toBeCloseTo(told.bytes - results - fetched - jobs, -3);
  expect(sentTokens.fetched * bytesPerToken).toBeCloseTo(fetched, -3);
  // All that it was sent, as it saw it.
  const seen = linesOf(session).reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  expect(Math.abs(resultTokens * bytesPerToken - seen) / seen).toBeLessThan(0.01);
});

it('counts the results of a session by a sample of its own, which no holder of the token is given', async () => {
  await rig.dispose();
  rig = new DaemonRig({ MCPPROXY_PORT: '0' });
  rig.writeConfig({ echo: fixture('echo.mjs') });
  const session = await rig.open();
  const text = 'Ein ganz gewöhnlicher Satz, den man so hinschreibt. '.repeat(40);
  await session.call('echo__echo', { text });
  const [line = ''] = linesOf(session);
  const report = JSON.parse((await rig.cli(['tokens', '--json'])).stdout).sessions[0];
  // Each cut of the sample may cost one.
  expect(Math.abs(report.resultTokens - encode(line).length)).toBeLessThan(20);
  expect(report.isMeasured).toBe(true);
  expect(JSON.stringify(report)).not.toContain('gewöhnlich');

  const { port = 0 } = (await rig.status()).daemon;
  const token = readFileSync(join(rig.root, 'lib', 'mcpproxy', 'token'), 'utf8').trim();
  const { body, status } = await rig.http('GET', '/tokens', { port, headers: { authorization: `Bearer ${token}` } });
  expect(status).toBe(200);
  expect(JSON.stringify(body)).toContain('"sent"');
  expect(JSON.stringify(body)).not.toContain('gewöhnlich');
});

it('starts nothing', async () => {
  rig.writeConfig({});
  const { code, stdout } = await rig.cli(['tokens']);
  expect(code).toBe(1);
  expect(stdout).toContain('No daemon runs');
  expect(rig.daemons()).toEqual([]);
});
