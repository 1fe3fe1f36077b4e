// Moving a person's servers to the daemon and back, with the real client before, between and after.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { root as projectRoot } from '../../scripts/build-defines.ts';
import { clientVersions } from '../support/claude/client-binary.ts';
import { toolNamesOf } from '../support/claude/conversation.ts';
import { locationsOf } from '../support/claude/daemon-view.ts';
import {
  copyTree,
  installedRoot,
  installPlugin,
  makeMarketplace,
  pluginId,
  pluginVersion,
} from '../support/claude/marketplace.ts';
import { expectNothingLeft, gate } from '../support/claude/prepared-world.ts';
import { type ClientRun, runClient, runPluginCommand } from '../support/claude/run-client.ts';
import { copiesOf, idleExitMs } from '../support/claude/shared-servers.ts';
import { endWorld, makeWorld, plainEnv, type World, writeJson } from '../support/claude/world.ts';
import { eventually } from '../support/eventually.ts';

const program = (name: string) =>
  join(projectRoot, 'node_modules', '@modelcontextprotocol', `server-${name}`, 'dist', 'index.js');
const start = (name: string, ...args: string[]) => ({ command: process.execPath, args: [program(name), ...args] });
const ours = (server: string, tool: string) => `mcp__plugin_mcp-proxy_s__${server}__${tool}`;
const waitForServers = { MCP_CONNECTION_NONBLOCKING: '0' };
const json = z.record(z.string(), z.unknown());

describe.each(clientVersions)('migration with Claude Code %s', (version) => {
  let world: World;
  let before: Record<string, Buffer>;
  const files = () => ({
    state: join(world.home, '.claude.json'),
    settings: join(world.home, '.claude', 'settings.json'),
    repo: join(world.project('alpha'), '.mcp.json'),
  });
  const bytes = () => Object.fromEntries(Object.entries(files()).map(([name, path]) => [name, readFileSync(path)]));
  const read = (path: string) => json.parse(JSON.parse(readFileSync(path, 'utf8')));
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...args], {
      cwd: world.project('alpha'),
      env: plainEnv(world.home),
      encoding: 'utf8',
    });
  const cli = (path: string, ...args: string[]) =>
    execFileSync(process.execPath, [path, ...args], {
      cwd: world.project('alpha'),
      env: plainEnv(world.home),
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const pluginCli = () => join(installedRoot(world, pluginVersion()), 'bin', 'mcp-proxy');

  /** One session; its tools and the results of its calls. No --allowedTools: only the person's rules decide. */
  async function session(name: string, project: string, calls: { tool: string; input?: Record<string, unknown> }[]) {
    const prompt = world.api.script(name, [...calls.map((call) => ({ calls: [call] })), { text: 'done' }]);
    const run = await runClient(world, ['-p', prompt, '--permission-mode', 'default'], {
      cwd: world.project(project),
      env: waitForServers,
    });
    const tools = world.api.of(name).map(toolNamesOf).at(-1) ?? [];
    return { run, tools, results: world.api.results(name) };
  }

  beforeAll(async () => {
    world = await makeWorld(version, ['alpha', 'beta']);
    const marketplace = makeMarketplace(world);
    marketplace.publish(copyTree(join(world.root, 'tree')));
    await installPlugin(world, marketplace);
    const { configPath } = locationsOf(world);
    mkdirSync(dirname(configPath), { recursive: true, mode: 0o700 });
    chmodSync(join(world.home, '.aitkit'), 0o700);
    chmodSync(join(world.home, '.aitkit', 'lib'), 0o700);
    writeJson(configPath, { daemon: { idleExitMs }, http: { port: 0 } });
    await addOtherPlugin();
    fillFiles();
    before = bytes();
  });
  afterAll(async () => {
    expect((await endWorld(world)).map(({ command }) => command)).toEqual([]);
  });

  /** A plugin of somebody else that brings a server and nothing more. */
  async function addOtherPlugin(): Promise<void> {
    const folder = join(world.root, 'other');
    mkdirSync(join(folder, '.claude-plugin'), { recursive: true });
    mkdirSync(join(folder, 'extra', '.claude-plugin'), { recursive: true });
    writeJson(join(folder, '.claude-plugin', 'marketplace.json'), {
      name: 'other',
      owner: { name: 'somebody' },
      plugins: [{ name: 'extra', source: './extra', description: 'one server' }],
    });
    writeJson(join(folder, 'extra', '.claude-plugin', 'plugin.json'), {
      name: 'extra',
      version: '1.0.0',
      description: 'one server',
    });
    writeJson(join(folder, 'extra', '.mcp.json'), { mcpServers: { helper: start('everything', 'stdio') } });
    await runPluginCommand(world, 'marketplace', 'add', folder);
    await runPluginCommand(world, 'install', 'extra@other');
  }

  function fillFiles(): void {
    const { state, settings, repo } = files();
    const memory = (name: string) => ({
      ...start('memory'),
      env: { MEMORY_FILE_PATH: join(world.root, `${name}.jsonl`) },
    });
    const known = read(state);
    const projects = z.record(z.string(), json).parse(known['projects'] ?? {});
    const alpha = world.project('alpha');
    writeJson(state, {
      ...known,
      mcpServers: {
        everything: { type: 'stdio', ...start('everything') },
        memory: memory('memory'),
        notes: memory('notes'),
      },
      projects: { ...projects, [alpha]: { ...projects[alpha], mcpServers: { mine: memory('mine') } } },
    });
    writeJson(settings, {
      ...read(settings),
      permissions: {
        allow: ['mcp__everything', 'mcp__serena__*'],
        deny: ['mcp__everything__get-sum', 'mcp__notes'],
      },
    });
    // It stands for Serena, which needs Python: one process for each project, with the project's own path in the entry.
    writeJson(repo, { mcpServers: { serena: start('filesystem', alpha) } });
    writeFileSync(join(alpha, 'own.txt'), 'file of alpha');
    writeFileSync(join(alpha, '.gitignore'), 'node_modules\n');
    git('add', '-A');
    git('commit', '-qm', 'project');
  }

  it('shows a plan that starts and writes nothing', () => {
    const plan = json.parse(JSON.parse(cli(pluginCli(), 'migrate', 'plan', '--json')));
    const servers = z.array(json).parse(plan['servers']);
    expect(Object.fromEntries(servers.map((server) => [server['name'], server['moves']]))).toEqual({
      ...{ everything: true, memory: true, notes: true, mine: true },
      ...{ serena: false, helper: true },
    });
    expect(bytes()).toEqual(before);
    expect(copiesOf(world, 'everything')).toEqual([]);
  });

  it('undoes byte for byte what it applied', () => {
    cli(pluginCli(), 'migrate', 'apply', '--yes');
    const applied = bytes();
    expect(applied['state']).not.toEqual(before['state']);
    expect(applied['settings']).not.toEqual(before['settings']);
    cli(pluginCli(), 'migrate', 'undo');
    expect(bytes()).toEqual(before);
  });

  it('keeps the names of a server by an entry of its own, which leaves the joint list', async () => {
    cli(pluginCli(), 'migrate', 'apply', '--yes', '--only', 'everything', '--keep-names', 'everything');
    const kept = await session('kept', 'beta', [
      { tool: 'mcp__everything__echo', input: { message: 'same name' } },
      { tool: 'mcp__everything__get-sum', input: { a: 1, b: 2 } },
    ]);
    expect(kept.results[0]).toEqual({ text: 'Echo: same name', isError: false });
    expect(kept.results[1]?.isError).toBe(true);
    expect(kept.tools).toContain('mcp__everything__echo');
    expect(kept.tools).not.toContain(ours('everything', 'echo'));
    cli(pluginCli(), 'migrate', 'undo');
    expect(read(files().state)['mcpServers']).toEqual(json.parse(JSON.parse(String(before['state'])))['mcpServers']);
    expect(readFileSync(files().settings)).toEqual(before['settings']);
    // What the client wrote meanwhile is the state from which the next step starts.
    before = bytes();
  });

  it('moves them: each tool once, through the daemon, with rules and borders kept', async () => {
    const shown = cli(pluginCli(), 'migrate', 'plan');
    const approval = /--accept (serena@[0-9a-f]+)/.exec(shown)?.[1] ?? '';
    cli(pluginCli(), 'migrate', 'apply', '--yes', '--accept', approval);
    const closed = gate();
    const prompt = world.api.script('held', [
      { calls: [{ tool: ours('serena', 'read_text_file'), input: { path: join(world.project('alpha'), 'own.txt') } }] },
      { after: closed.passed, text: 'done' },
    ]);
    const held = runClient(world, ['-p', prompt, '--permission-mode', 'default'], {
      cwd: world.project('alpha'),
      env: waitForServers,
    });
    await eventually(() => world.api.results('held').length > 0, {
      timeoutMs: 60_000,
      what: 'the held session to read its file',
    });
    const second = await session('second', 'alpha', [
      { tool: ours('everything', 'echo'), input: { message: 'unasked' } },
      { tool: ours('everything', 'get-sum'), input: { a: 1, b: 2 } },
      { tool: ours('serena', 'read_text_file'), input: { path: join(world.project('alpha'), 'own.txt') } },
    ]);
    const other = await session('beta', 'beta', []);

    expect(world.api.results('held')[0]?.text).toContain('file of alpha');
    expect(second.results[0]).toEqual({ text: 'Echo: unasked', isError: false });
    expect(second.results[1]?.isError).toBe(true);
    expect(second.results[2]?.text).toContain('file of alpha');
    const direct = second.tools.filter(
      (name) => name.startsWith('mcp__') && !name.startsWith('mcp__plugin_mcp-proxy_s__'),
    );
    expect(direct).toEqual([]);
    for (const server of ['everything', 'memory', 'serena', 'mine', 'helper']) {
      expect(second.tools.filter((name) => name.includes(`__${server}__`)).length).toBeGreaterThan(0);
    }
    expect(second.tools.filter((name) => /__(?:echo|read_text_file)$/.test(name)).sort()).toEqual([
      ours('everything', 'echo'),
      ours('helper', 'echo'),
      ours('serena', 'read_text_file'),
    ]);
    expect(copiesOf(world, 'filesystem')).toHaveLength(1);
    expect(other.tools.filter((name) => /__(?:serena|mine)__/.test(name))).toEqual([]);
    expect(other.tools).toContain(ours('everything', 'echo'));
    expect(git('status', '--porcelain')).toBe('');
    closed.open();
    expect(await held).toMatchObject({ code: 0 } satisfies Partial<ClientRun>);
  });

  it('puts everything back after the plugin was uninstalled, and sessions are as before', async () => {
    const launcher = join(locationsOf(world).binDir, 'mcp-proxy');
    await runPluginCommand(world, 'uninstall', pluginId);
    execFileSync(launcher, ['leave', '--yes'], { cwd: world.home, env: plainEnv(world.home), stdio: 'pipe' });
    await expectNothingLeft(world);

    expect(readFileSync(files().repo)).toEqual(before['repo']);
    expect(git('status', '--porcelain', '--ignored')).toBe('');
    const was = z.object({ state: json, settings: json }).parse({
      state: JSON.parse(String(before['state'])),
      settings: JSON.parse(String(before['settings'])),
    });
    // The client itself wrote its counters into one file and the uninstall into the other.
    const now = { state: read(files().state), settings: read(files().settings) };
    expect(now.state['mcpServers']).toEqual(was.state['mcpServers']);
    const localOf = (state: Record<string, unknown>) =>
      z.record(z.string(), json).parse(state['projects'])[world.project('alpha')]?.['mcpServers'];
    expect(localOf(now.state)).toEqual(localOf(was.state));
    expect(now.settings['permissions']).toEqual(was.settings['permissions']);
    expect(now.settings['enabledPlugins']).toMatchObject({ 'extra@other': true });

    const after = await session('after', 'alpha', [
      { tool: 'mcp__everything__echo', input: { message: 'direct' } },
      { tool: 'mcp__everything__get-sum', input: { a: 1, b: 2 } },
    ]);
    expect(after.results[0]).toEqual({ text: 'Echo: direct', isError: false });
    expect(after.results[1]?.isError).toBe(true);
    expect(after.tools.filter((name) => name.includes('plugin_mcp-proxy'))).toEqual([]);
    for (const prefix of ['mcp__memory__', 'mcp__serena__', 'mcp__mine__', 'mcp__plugin_extra_helper__']) {
      expect(
        after.tools.some((name) => name.startsWith(prefix)),
        prefix,
      ).toBe(true);
    }
  });
});
