// `mcp-proxy tokens` against a running daemon with a session in each mode.
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRecord } from '../../src/link/hello.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { invoke } from '../support/gateway-calls.ts';
import { resultOf } from '../support/mcp-client.ts';

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
  // 410,000 letters at 4.1 bytes a token, of which some 8,000 were given.
  expect(bySession('editor').savedTokens).toBeGreaterThan(95_000);
  expect(bySession('editor').savedTokens + bySession('editor').resultTokens).toBeLessThan(101_000);

  const text = (await rig.cli(['tokens'])).stdout;
  expect(text).toContain('o200k_base');
  expect(text).toMatch(/gateway +6 +\d+/);
});

it('starts nothing', async () => {
  rig.writeConfig({});
  const { code, stdout } = await rig.cli(['tokens']);
  expect(code).toBe(1);
  expect(stdout).toContain('No daemon runs');
  expect(rig.daemons()).toEqual([]);
});
