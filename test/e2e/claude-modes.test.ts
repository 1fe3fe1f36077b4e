// The modes in the real client: a model that is shown six tools, or one, finds the right tool of a shared server and uses it.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { clientVersions } from '../support/claude/client-binary.ts';
import { toolNamesOf } from '../support/claude/conversation.ts';
import { expectNothingLeft } from '../support/claude/prepared-world.ts';
import { runClient } from '../support/claude/run-client.ts';
import { shareServers } from '../support/claude/shared-servers.ts';
import { endWorld, makeWorld, type World, writeJson } from '../support/claude/world.ts';

/** The name under which the project's own entry runs the wrapper. */
const entry = 'shared';
const own = (tool: string) => `mcp__${entry}__${tool}`;
const waitForServers = { MCP_CONNECTION_NONBLOCKING: '0' };

describe.each(clientVersions)('Claude Code %s', (version) => {
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(version, ['alpha']);
    shareServers(world);
  });
  afterAll(async () => {
    expect((await endWorld(world)).map(({ command }) => command)).toEqual([]);
  });

  function print(mode: string, prompt: string) {
    const config = join(world.root, `${mode}.json`);
    const command = process.execPath;
    const args = [join(root, 'bin', 'run-mcp-proxy'), '--mode', mode];
    writeJson(config, { mcpServers: { [entry]: { command, args } } });
    const options = ['--allowedTools', `mcp__${entry}`, '--mcp-config', config, '--strict-mcp-config'];
    return runClient(world, ['-p', prompt, ...options], { cwd: world.project('alpha'), env: waitForServers });
  }

  /** What the model reads in the result of its n-th call. */
  const found = (name: string, n: number): Record<string, unknown> =>
    JSON.parse(world.api.results(name)[n]?.text ?? '{}');

  it('finds and calls a tool behind the gateway', async () => {
    const bestHit = () => {
      const { tools } = found('gateway', 0);
      return Array.isArray(tools) ? String(tools[0].id) : '';
    };
    const prompt = world.api.script('gateway', [
      { calls: [{ tool: own('gateway_search'), input: { query: 'echo back the message I send' } }] },
      { calls: () => [{ tool: own('gateway_describe'), input: { ids: [bestHit()] } }] },
      { calls: () => [{ tool: own('gateway_invoke'), input: { id: bestHit(), args: { text: 'wrong name' } } }] },
      { calls: () => [{ tool: own('gateway_invoke'), input: { id: bestHit(), args: { message: 'through' } } }] },
      { text: 'done' },
    ]);
    expect(await print('gateway', prompt)).toMatchObject({ code: 0, stdout: 'done\n' });
    const [, , wrong, right] = world.api.results('gateway');
    expect(bestHit()).toBe('everything__echo');
    expect(found('gateway', 1)).toMatchObject({ tools: [{ inputSchema: { required: ['message'] } }] });
    expect(wrong).toMatchObject({ isError: true, text: expect.stringContaining('inputSchema') });
    expect(right).toEqual({ text: 'Echo: through', isError: false });
    const offered = world.api
      .of('gateway')
      .flatMap(toolNamesOf)
      .filter((name) => name.startsWith(`mcp__${entry}__`));
    expect(new Set(offered).size).toBe(6);
  });

  it('is given what its search found as tools, and calls one', async () => {
    const prompt = world.api.script('dynamic', [
      { calls: [{ tool: own('retrieve_tools'), input: { query: 'echo back the message I send' } }] },
      {
        calls: (names) => {
          const echo = names.find((name) => name === own('everything__echo')) ?? 'not offered';
          return [{ tool: echo, input: { message: 'as a real tool' } }];
        },
      },
      { text: 'done' },
    ]);
    expect(await print('dynamic', prompt)).toMatchObject({ code: 0, stdout: 'done\n' });
    const [search, called] = world.api.results('dynamic');
    expect(search?.text).toContain('everything__echo');
    expect(called).toEqual({ text: 'Echo: as a real tool', isError: false });
    const [first, second] = world.api.of('dynamic');
    expect(first && toolNamesOf(first)).not.toContain(own('everything__echo'));
    expect(second && toolNamesOf(second)).toContain(own('everything__echo'));
  });

  it('leaves nothing behind', () => expectNothingLeft(world));
});
