// Moving a person's servers to the daemon and back, with the real client before, between and after, and the real Serena.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { clientVersions } from '../support/claude/client-binary.ts';
import { turnsOnceReady } from '../support/claude/conversation.ts';
import { daemonLog, locationsOf } from '../support/claude/daemon-view.ts';
import { installedRoot, pluginId, pluginVersion } from '../support/claude/marketplace.ts';
import { controlWorld, type Person, personWithServers } from '../support/claude/person.ts';
import { expectNothingLeft, gate } from '../support/claude/prepared-world.ts';
import { type ClientRun, runClient, runPluginCommand } from '../support/claude/run-client.ts';
import { ensureSerena, type Serena, serenaLog, skipWithout } from '../support/claude/serena.ts';
import { copiesOf } from '../support/claude/shared-servers.ts';
import { endWorld, plainEnv, processesOf, type World } from '../support/claude/world.ts';
import { eventually } from '../support/eventually.ts';

const ours = (server: string, tool: string) => `mcp__plugin_mcp-proxy_s__${server}__${tool}`;
const json = z.record(z.string(), z.unknown());
type Call = { tool: string; input?: Record<string, unknown> };

describe.each(clientVersions)('migration with Claude Code %s', (version) => {
  let serena: Serena;
  let person: Person;
  let world: World;
  let before: Record<string, Buffer>;
  let toolsBefore: string[];
  const alpha = () => world.project('alpha');
  const read = (path: string) => json.parse(JSON.parse(readFileSync(path, 'utf8')));
  const cli = (path: string, ...args: string[]) =>
    execFileSync(process.execPath, [path, ...args], {
      cwd: alpha(),
      env: { ...plainEnv(world.home), ...person.env },
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const pluginCli = () => join(installedRoot(world, pluginVersion()), 'bin', 'mcp-proxy');
  /** The approval that the plan asks for; it asks once, as the content stays what it is. */
  const approval = () => {
    const asked = /--accept (serena@[0-9a-f]+)/.exec(cli(pluginCli(), 'migrate', 'plan'))?.[1];
    return asked === undefined ? [] : ['--accept', asked];
  };
  /** A Serena on a busy machine takes its time to end. */
  const nothingLeft = () => expectNothingLeft(world, 60_000);
  const findBasket = (tool: string): Call => ({
    tool,
    input: { name_path_pattern: 'Basket/owner', include_body: true },
  });
  const remember = (tool: string): Call => ({ tool, input: { memory_name: 'prices', content: 'with tax' } });

  /** One session; its tools and the results of its calls. No --allowedTools: only the person's rules decide. */
  async function session(name: string, project: string, calls: Call[], awaited: string[] = []) {
    let tools: string[] = [];
    const isReady = (names: string[]) => {
      tools = names.filter((tool) => tool.startsWith('mcp__'));
      return awaited.every((tool) => tools.includes(tool));
    };
    const prompt = world.api.script(name, turnsOnceReady(isReady, calls));
    const run = await runClient(world, ['-p', prompt, '--permission-mode', 'default'], {
      cwd: world.project(project),
      env: person.env,
      longestMs: 220_000,
    });
    return {
      run,
      tools,
      results: world.api.results(name).slice(-calls.length),
    };
  }
  /** Started by the client itself, Serena takes longer than the client waits; its tools come with a later request. */
  const started = ['mcp__serena__find_symbol', 'mcp__plugin_serena_serena__initial_instructions'];

  beforeAll(async () => {
    serena = await ensureSerena();
    const made = await personWithServers(version, serena);
    if (made === undefined) return;
    person = made;
    world = made.world;
  });
  afterAll(async () => {
    if (world !== undefined) expect((await endWorld(world)).map(({ command }) => command)).toEqual([]);
  });
  beforeEach((context) => skipWithout(serena, context));

  it('shows a plan that starts and writes nothing', async () => {
    const first = await session(
      'first',
      'alpha',
      [findBasket('mcp__serena__find_symbol'), remember('mcp__serena__write_memory')],
      started,
    );
    expect(first.results[0]?.text, serenaLog(world)).toContain('return \\"alpha\\"');
    expect(first.results[1]?.isError).toBe(true);
    toolsBefore = first.tools;
    await nothingLeft();
    before = person.bytes();
    const plan = json.parse(JSON.parse(cli(pluginCli(), 'migrate', 'plan', '--json')));
    const servers = z.array(json).parse(plan['servers']);
    expect(Object.fromEntries(servers.map((server) => [server['name'], server['moves']]))).toEqual({
      ...{ everything: true, memory: true, notes: true, mine: true },
      ...{ serena: false, 'serena-2': true },
    });
    expect(person.bytes()).toEqual(before);
    expect(processesOf(world)).toEqual([]);
  });

  it('undoes byte for byte what it applied', () => {
    cli(pluginCli(), 'migrate', 'apply', '--yes', ...approval());
    const applied = person.bytes();
    expect(applied['state']).not.toEqual(before['state']);
    expect(applied['settings']).not.toEqual(before['settings']);
    expect(applied['repo']).toEqual(before['repo']);
    expect(existsSync(join(alpha(), '.claude', 'settings.local.json'))).toBe(true);
    cli(pluginCli(), 'migrate', 'undo');
    expect(person.bytes()).toEqual(before);
    expect(existsSync(join(alpha(), '.claude'))).toBe(false);
  });

  it('keeps the names of a server by an entry of its own, which leaves the joint list', async () => {
    cli(pluginCli(), 'migrate', 'apply', '--yes', '--only', 'everything', '--keep-names', 'everything');
    const kept = await session(
      'kept',
      'beta',
      [
        { tool: 'mcp__everything__echo', input: { message: 'same name' } },
        { tool: 'mcp__everything__get-sum', input: { a: 1, b: 2 } },
      ],
      ['mcp__everything__echo'],
    );
    const told = `${JSON.stringify(kept)}\n${daemonLog(world)}`;
    expect(kept.results[0], told).toEqual({ text: 'Echo: same name', isError: false });
    expect(kept.results[1]?.isError).toBe(true);
    expect(kept.tools).toContain('mcp__everything__echo');
    expect(kept.tools).not.toContain(ours('everything', 'echo'));
    cli(pluginCli(), 'migrate', 'undo');
    expect(read(person.files.state)['mcpServers']).toEqual(
      json.parse(JSON.parse(String(before['state'])))['mcpServers'],
    );
    expect(readFileSync(person.files.settings)).toEqual(before['settings']);
    // What the client wrote meanwhile is the state from which the next step starts.
    before = person.bytes();
  });

  it('moves them: each tool once, through the daemon, with rules and borders kept', async () => {
    cli(pluginCli(), 'migrate', 'apply', '--yes', ...approval());
    const shared = [
      ours('serena', 'find_symbol'),
      ours('serena-2', 'initial_instructions'),
      ours('everything', 'echo'),
    ];
    const closed = gate();
    const isReady = (tools: string[]) => shared.every((tool) => tools.includes(tool));
    const turns = turnsOnceReady(isReady, [findBasket(ours('serena', 'find_symbol'))], closed.passed);
    const prompt = world.api.script('held', turns);
    const held = runClient(world, ['-p', prompt, '--permission-mode', 'default'], {
      cwd: alpha(),
      env: person.env,
      longestMs: 220_000,
    });
    await eventually(() => world.api.results('held').some(({ text }) => text.includes('alpha')), {
      timeoutMs: 90_000,
      what: 'the held session to find its symbol',
    });
    const second = await session(
      'second',
      'alpha',
      [
        { tool: ours('everything', 'echo'), input: { message: 'unasked' } },
        { tool: ours('everything', 'get-sum'), input: { a: 1, b: 2 } },
        findBasket(ours('serena', 'find_symbol')),
        remember(ours('serena', 'write_memory')),
        { tool: ours('serena-2', 'initial_instructions') },
        // The name of a denied tool as the daemon cuts it.
        { tool: ours('everything', 'trigger-long-running-_hsn94'), input: { duration: 1, steps: 1 } },
      ],
      shared,
    );
    const other = await session('beta', 'beta', [], [ours('everything', 'echo')]);

    expect(world.api.results('held').at(-1)?.text, daemonLog(world)).toContain('return \\"alpha\\"');
    expect(
      second.results.map(({ isError }) => isError),
      JSON.stringify(second.results),
    ).toEqual([false, true, false, true, false, true]);
    expect(second.results[0]?.text).toBe('Echo: unasked');
    expect(second.results[2]?.text).toContain('return \\"alpha\\"');
    expect(existsSync(join(alpha(), '.serena', 'memories', 'prices.md'))).toBe(false);
    expect(second.tools.filter((name) => !name.startsWith('mcp__plugin_mcp-proxy_s__'))).toEqual([]);
    expect(second.tools.filter(isForAll)).toEqual(toolsBefore.filter(isForAll).map(renamed).sort());
    expect(copiesOf(world, 'everything')).toHaveLength(1);
    expect(serenas(alpha())).toHaveLength(1);
    expect(other.tools.filter((name) => /__(?:serena|mine)__/.test(name))).toEqual([]);
    expect(other.tools).toContain(ours('everything', 'echo'));
    expect(person.git('status', '--porcelain')).toBe('');
    closed.open();
    expect(await held).toMatchObject({ code: 0 } satisfies Partial<ClientRun>);
  });

  /** Servers with that project in their command: not uvx, which stays beside each. */
  const serenas = (project: string) =>
    processesOf(world).filter(
      ({ command }) => /^\S*python\S* \S*serena start-mcp-server/.test(command) && command.endsWith(project),
    );

  /** Whether it is offered to every program: one of everyone's copy cannot depend on what a single program can do. */
  const isForAll = (tool: string) => !/__(?:get-roots-list|trigger-url-elicitation)$/.test(tool);

  /** The name of a tool after the move. */
  const renamed = (tool: string) =>
    tool
      .replace(/^mcp__plugin_serena_serena__/, ours('serena-2', ''))
      .replace(/^mcp__(everything|memory|notes|mine|serena)__/, (_, server) => ours(String(server), ''));

  it('is taken back by undo, and sessions are as before', async () => {
    cli(pluginCli(), 'migrate', 'undo');
    await nothingLeft();
    expect(readFileSync(person.files.settings)).toEqual(before['settings']);
    expect(readFileSync(person.files.repo)).toEqual(before['repo']);
    expect(person.git('status', '--porcelain', '--ignored')).toBe('!! .serena/\n');
    const undone = await session('undone', 'alpha', [findBasket('mcp__serena__find_symbol')], started);
    expect(undone.results[0]?.text, serenaLog(world)).toContain('return \\"alpha\\"');
    expect(undone.tools).toEqual(toolsBefore);
    await nothingLeft();
  });

  it('leaves every file as the uninstall alone would, and sessions are as before', async () => {
    const control = controlWorld(person);
    await runPluginCommand(control, 'uninstall', pluginId);
    cli(pluginCli(), 'migrate', 'apply', '--yes', ...approval());
    await runPluginCommand(world, 'uninstall', pluginId);
    const launcher = join(locationsOf(world).binDir, 'mcp-proxy');
    execFileSync(launcher, ['leave', '--yes'], { cwd: world.home, env: plainEnv(world.home), stdio: 'pipe' });
    await nothingLeft();

    for (const file of ['.claude.json', join('.claude', 'settings.json')]) {
      expect(readFileSync(join(world.home, file), 'utf8'), file).toBe(readFileSync(join(control.home, file), 'utf8'));
    }
    expect(readFileSync(person.files.repo)).toEqual(before['repo']);
    expect(person.git('status', '--porcelain', '--ignored')).toBe('!! .serena/\n');
    const after = await session(
      'after',
      'alpha',
      [
        { tool: 'mcp__everything__echo', input: { message: 'direct' } },
        { tool: 'mcp__everything__get-sum', input: { a: 1, b: 2 } },
        findBasket('mcp__serena__find_symbol'),
      ],
      started,
    );
    expect(
      after.results.map(({ isError }) => isError),
      serenaLog(world),
    ).toEqual([false, true, false]);
    expect(after.results[0]?.text).toBe('Echo: direct');
    expect(after.tools).toEqual(toolsBefore);
    await nothingLeft();
  });
});
