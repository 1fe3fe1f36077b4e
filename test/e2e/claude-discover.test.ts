// Which answer to the real client's `server/discover` serves it best on the wrapper's stdio: see decision 15.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { clientVersions } from '../support/claude/client-binary.ts';
import { expectNothingLeft } from '../support/claude/prepared-world.ts';
import { runClient } from '../support/claude/run-client.ts';
import { shareServers } from '../support/claude/shared-servers.ts';
import { clientEnv, endWorld, makeWorld, type World, writeJson } from '../support/claude/world.ts';
import { at, type Message, metaKey } from '../support/mcp-http-client.ts';

const upstream = (name: string) => join(root, 'test/fixtures/upstreams', name);

describe.each(clientVersions)('Claude Code %s and server/discover', (version) => {
  const probes = version === '2.1.332';
  let world: World;
  beforeAll(async () => {
    world = await makeWorld(version, ['alpha']);
    shareServers(world);
    // Lists are known from here on, so that what the client is shown does not depend on how fast a server starts.
    await promisify(execFile)(
      process.execPath,
      [join(root, 'bin/mcp-proxy'), 'call', 'everything', 'echo', '{"message":"warm"}'],
      {
        env: { ...clientEnv(world) },
        cwd: world.project('alpha'),
      },
    );
  });
  afterAll(async () => {
    expect((await endWorld(world)).map(({ command }) => command)).toEqual([]);
  });

  /** One session with one server of that name; what the client said to it. */
  async function session(name: string, server: readonly string[], prompt: string): Promise<Message[]> {
    const [config, record] = [join(world.root, `${name}.json`), join(world.root, `${name}.lines`)];
    const entry = {
      command: process.execPath,
      args: [upstream('recorded.mjs'), process.execPath, ...server],
      env: { RECORD_FILE: record },
    };
    writeJson(config, { mcpServers: { [name]: entry } });
    const options = ['--allowedTools', `mcp__${name}`, '--mcp-config', config, '--strict-mcp-config'];
    const run = await runClient(world, ['-p', prompt, ...options], {
      cwd: world.project('alpha'),
      env: { MCP_CONNECTION_NONBLOCKING: '0' },
    });
    expect(run, run.stderr).toMatchObject({ code: 0, stdout: 'done\n' });
    const lines = existsSync(record) ? readFileSync(record, 'utf8').split('\n').filter(Boolean) : [];
    return lines.map((line): Message => JSON.parse(line));
  }
  const methodsOf = (messages: readonly Message[]) => messages.map(({ method }) => method);

  it('goes on with initialize when the wrapper refuses it, and calls what is listed then', async () => {
    const tool = 'mcp__ours__everything__echo';
    const prompt = world.api.script('refused', [
      { calls: [{ tool, input: { message: 'through' } }] },
      { text: 'done' },
    ]);
    const said = methodsOf(await session('ours', [join(root, 'bin/run-mcp-proxy')], prompt));
    const handshake = ['initialize', 'notifications/initialized'];
    expect(said.slice(0, -1)).toEqual([
      ...(probes ? ['server/discover', ...handshake] : handshake),
      ...['tools/list', 'prompts/list', 'resources/list'].sort((a, b) => said.indexOf(a) - said.indexOf(b)),
    ]);
    expect(said.at(-1)).toBe('tools/call');
    expect(world.api.results('refused')).toEqual([{ text: 'Echo: through', isError: false }]);
  });

  it('asks more before it calls when a server accepts it, and an older client cannot speak to such a server', async () => {
    const tool = 'mcp__modern__meta';
    const prompt = world.api.script('accepted', [{ calls: [{ tool, input: {} }] }, { text: 'done' }]);
    const said = await session('modern', [upstream('modern.mjs')], prompt);
    const [answer] = world.api.results('accepted');
    if (!probes) {
      expect(methodsOf(said)).toEqual(['initialize']);
      expect(answer).toMatchObject({ isError: true, text: expect.stringContaining('No such tool') });
      return;
    }
    const methods = methodsOf(said);
    expect(methods.slice(0, 3)).toEqual(['server/discover', 'subscriptions/listen', 'server/discover']);
    expect(methods.slice(3, -1).sort()).toEqual(['prompts/list', 'resources/list', 'tools/list']);
    expect(answer).toMatchObject({ isError: false });
    // It hears of no resource that it subscribed to and of no log message, and says who it is with every request.
    const listen = said.find(({ method }) => method === 'subscriptions/listen');
    expect(at(listen, 'params', 'notifications', 'resourceSubscriptions')).toBeUndefined();
    for (const { params } of said) {
      expect(at(params, '_meta', metaKey('protocolVersion'))).toBe('2026-07-28');
      expect(at(params, '_meta', metaKey('logLevel'))).toBeUndefined();
    }
  });

  it('leaves nothing behind', () => expectNothingLeft(world));
});
