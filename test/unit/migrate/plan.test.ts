import { chmodSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { joinLists } from '../../../src/catalog/joint-list.ts';
import { createListing } from '../../../src/catalog/server-face.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { visibleServers } from '../../../src/config/visibility.ts';
import { applyPlan } from '../../../src/migrate/change/apply.ts';
import { undo } from '../../../src/migrate/change/undo.ts';
import { planLines } from '../../../src/migrate/plan/report.ts';
import { createCopyFinder } from '../../../src/migrate/plan/running-copies.ts';
import { readEntry } from '../../../src/migrate/programs/entry-codecs.ts';
import { createFixture, type Fixture, pluginOn } from './world-fixture.ts';

const npx = (name: string) => ({ command: 'npx', args: ['-y', name] });
const deps = { now: () => new Date(), startAndList: async () => ['tool'] };

let home: Fixture;
beforeEach(() => {
  home = createFixture();
});
afterEach(() => home.remove());

function user(
  servers: Record<string, unknown>,
  settings: Record<string, unknown> = {},
  projects: Record<string, unknown> = {},
): void {
  home.write('.claude.json', { mcpServers: servers, projects });
  home.write('.claude/settings.json', { ...pluginOn, ...settings });
}

const find = (plan: ReturnType<Fixture['plan']>, name: string) => {
  const server = plan.servers.find((entry) => entry.name === name);
  if (!server) throw new Error(`no server ${name}: ${plan.servers.map((entry) => entry.name)}`);
  return server;
};

/** What a session of that folder starts, by the last word of its command. */
function seenIn(folder: string): (string | undefined)[] {
  const loaded = loadConfig({ locations: home.world.locations, env: home.world.env });
  if (!loaded.ok) throw new Error('not loaded');
  expect(loaded.invalid).toEqual([]);
  return visibleServers(loaded.config.servers, folder).map((entry) => entry.args.at(-1));
}

describe('preconditions', () => {
  test('nothing moves while the plugin is not enabled for the person', async () => {
    user({ a: npx('a') });
    home.write('.claude/settings.json', { enabledPlugins: { 'mcp-proxy@aitkit': false } });
    expect(home.plan().refusals[0]).toMatch(/not enabled for you/);
    await expect(applyPlan(home.world, () => home.plan(), deps)).rejects.toThrow(/not enabled/);
  });

  test('an administrator with exclusive control refuses everything', () => {
    user({ a: npx('a') });
    home.write('managed/managed-mcp.json', { mcpServers: {} });
    expect(home.plan().refusals.join()).toMatch(/exclusive control/);
  });

  test('a server that an administrator denies stays', () => {
    user({ a: npx('a'), b: npx('b') });
    home.write('managed/managed-settings.json', { deniedMcpServers: [{ serverCommand: ['npx', '-y', 'a'] }] });
    expect(find(home.plan(), 'a').stays[0]).toMatch(/administrator denies/);
    expect(find(home.plan(), 'b').moves).toBe(true);
  });

  test('a broken config of ours refuses everything', () => {
    user({ a: npx('a') });
    home.write('.aitkit/lib/mcpproxy/mcp_proxy_config.json', '{ "mcpServers": ');
    expect(home.plan().refusals[0]).toMatch(/not valid JSON/);
  });
});

describe('rules', () => {
  test('a deny rule of an administrator keeps its server where it is', () => {
    user({ a: npx('a'), b: npx('b') });
    home.write('managed/managed-settings.json', { permissions: { deny: ['mcp__a__x'] } });
    const plan = home.plan();
    expect(find(plan, 'a').moves).toBe(false);
    expect(find(plan, 'a').stays[0]).toMatch(/deny rule "mcp__a__x".*managed/);
    expect(find(plan, 'b').moves).toBe(true);
    expect(plan.files.find((file) => file.path.endsWith('mcp_proxy_config.json'))?.after).not.toContain('"a"');
  });

  test.each(['deny', 'ask'])('a %s rule of a repository keeps its server where it is', (kind) => {
    const repo = home.repo('app');
    home.write('app/.claude/settings.json', { permissions: { [kind]: ['mcp__a'] } });
    user({ a: npx('a') }, {}, { [repo]: {} });
    expect(find(home.plan(), 'a').stays[0]).toMatch(/belongs to the repository/);
  });

  test('an allow rule of a repository only costs a question', () => {
    const repo = home.repo('app');
    home.write('app/.claude/settings.json', { permissions: { allow: ['mcp__a__x'] } });
    user({ a: npx('a') }, {}, { [repo]: {} });
    const server = find(home.plan(), 'a');
    expect(server.moves).toBe(true);
    expect(server.rules).toMatchObject([{ kind: 'allow', problem: 'its file belongs to the repository' }]);
  });

  test('a deny rule in a read-only file keeps its server where it is', () => {
    user({ a: npx('a') }, { permissions: { deny: ['mcp__a__x'] } });
    chmodSync(`${home.home}/.claude/settings.json`, 0o444);
    expect(find(home.plan(), 'a').stays[0]).toMatch(/read-only/);
  });

  test('a deny rule for a tool whose new name is cut gets the name that the daemon gives the tool', async () => {
    const tool = 'create_pull_request_review_comment_reply';
    user({ github: npx('a') }, { permissions: { deny: [`mcp__github__${tool}`], allow: [`mcp__github__${tool}_2`] } });
    await applyPlan(home.world, () => home.plan(), deps);
    const served = joinLists('tools', [
      {
        ...{ slug: 'github', part: 'github', isAlwaysLoaded: false },
        listing: createListing(
          [tool, `${tool}_2`].map((name) => {
            const raw = Buffer.from(JSON.stringify({ name, inputSchema: { type: 'object' } }));
            const start = raw.indexOf(JSON.stringify(name));
            return { name, raw, nameSpan: { start, end: start + name.length + 2 } };
          }),
        ),
      },
    ]).items.map(({ name }) => `mcp__plugin_mcp-proxy_s__${name}`);
    expect(served.every((name) => name.length === 64)).toBe(true);
    expect(home.json('.claude/settings.json')).toMatchObject({
      permissions: {
        // The second: tools that the host knew by the same name, though theirs has other characters.
        deny: [`mcp__github__${tool}`, served[0], 'mcp__plugin_mcp-proxy_s__github__create_pull_request_revi-_*'],
        allow: [`mcp__github__${tool}_2`, served[1]],
      },
    });
  });

  test('a deny rule whose * could miss a cut name keeps its server where it is; an allow rule only costs a question', () => {
    user({ a: npx('a'), b: npx('b') }, { permissions: { deny: ['mcp__a__*delete*'], allow: ['mcp__b__*read*'] } });
    expect(find(home.plan(), 'a').stays[0]).toMatch(/deny rule "mcp__a__\*delete\*".*cut behind 30 characters/);
    expect(find(home.plan(), 'b').moves).toBe(true);
  });

  test('a hook that can stop a call and cannot be translated keeps its server where it is', () => {
    user({ git: npx('a') }, { hooks: { PreToolUse: [{ matcher: 'mcp__g[it]+__.*', hooks: [] }] } });
    expect(find(home.plan(), 'git').stays[0]).toMatch(/hook matcher/);
  });

  test('two servers with hooks in one list both get their entry', async () => {
    user(
      { a: npx('a'), b: npx('b') },
      {
        hooks: {
          PreToolUse: [
            { matcher: 'mcp__a__.*', hooks: [1] },
            { matcher: 'mcp__b__.*', hooks: [2] },
          ],
        },
      },
    );
    await applyPlan(home.world, () => home.plan(), deps);
    expect(home.json('.claude/settings.json')).toMatchObject({
      hooks: {
        PreToolUse: [
          { matcher: 'mcp__a__.*', hooks: [1] },
          { matcher: 'mcp__plugin_mcp-proxy_s__a__.*', hooks: [1] },
          { matcher: 'mcp__b__.*', hooks: [2] },
          { matcher: 'mcp__plugin_mcp-proxy_s__b__.*', hooks: [2] },
        ],
      },
    });
  });

  test('tool lists of agents, commands and skills name the new tools beside the old', async () => {
    user({ a: npx('a') });
    home.write(
      '.claude/agents/x.md',
      '---\nname: x\ntools: Read, mcp__a__go, Write\ndisallowedTools:\n  - mcp__a__stop\n  - Bash\n---\nmcp__a__go in text\n',
    );
    home.write('.claude/skills/s/SKILL.md', '---\nname: s\nallowed-tools: ["mcp__a", Read]\n---\n');
    await applyPlan(home.world, () => home.plan(), deps);
    const p = 'mcp__plugin_mcp-proxy_s__a__';
    expect(home.read('.claude/agents/x.md')).toBe(
      `---\nname: x\ntools: Read, mcp__a__go, ${p}go, Write\ndisallowedTools:\n  - mcp__a__stop\n  - ${p}stop\n  - Bash\n---\nmcp__a__go in text\n`,
    );
    expect(home.read('.claude/skills/s/SKILL.md')).toBe(
      `---\nname: s\nallowed-tools: ["mcp__a", "${p}*", Read]\n---\n`,
    );
  });

  test('a folder in which the person switched the server off does not see it afterwards', async () => {
    const repo = home.repo('app');
    user({ a: npx('a') }, {}, { [repo]: { disabledMcpServers: ['a'] } });
    await applyPlan(home.world, () => home.plan(), deps);
    expect(home.json('app/.claude/settings.local.json')).toEqual({
      permissions: { deny: ['mcp__plugin_mcp-proxy_s__a__*'] },
    });
    expect(home.git(repo, 'status', '--porcelain')).toBe('');
  });
});

describe('repositories', () => {
  const serena = { command: 'uvx', args: ['--from', 'serena-agent', 'serena', 'start-mcp-server', '--project', '.'] };

  function withRepo(servers: Record<string, unknown>): string {
    const repo = home.repo('app');
    home.write('app/.mcp.json', { mcpServers: servers });
    home.git(repo, 'add', '-A');
    home.git(repo, 'commit', '-qm', 'x');
    user({});
    return repo;
  }

  test('nothing of a repository moves before exactly that content was approved', () => {
    withRepo({ serena });
    const place = find(home.plan({}, ['app']), 'serena').places[0];
    expect(place?.stays).toMatch(/needs your approval/);
    const accepted = [`serena@${place?.needsApproval?.slice(0, 16)}`];
    expect(find(home.plan({ accepted }, ['app']), 'serena').moves).toBe(true);
    home.write('app/.mcp.json', { mcpServers: { serena: { ...serena, env: { X: '1' } } } });
    expect(find(home.plan({ accepted }, ['app']), 'serena').moves).toBe(false);
  });

  test('moving silences it for this person, for its folder, and leaves git clean', async () => {
    const repo = withRepo({ serena });
    const accepted = [`${find(home.plan({}, ['app']), 'serena').places[0]?.needsApproval}`];
    await applyPlan(home.world, () => home.plan({ accepted }, ['app']), deps);
    expect(home.json('app/.claude/settings.local.json')).toEqual({
      disabledMcpjsonServers: ['serena'],
      mcpProxyMoved: ['serena=serena'],
    });
    expect(home.json('.aitkit/lib/mcpproxy/mcp_proxy_config.json')).toMatchObject({
      mcpServers: { serena: { projects: [repo] } },
    });
    expect(home.git(repo, 'status', '--porcelain')).toBe('');
  });

  test('a committed settings.local.json is not touched', () => {
    const repo = withRepo({ serena });
    home.write('app/.claude/settings.local.json', {});
    home.git(repo, 'add', '-f', '-A');
    home.git(repo, 'commit', '-qm', 'y');
    const accepted = [`${find(home.plan({}, ['app']), 'serena').places[0]?.needsApproval}`];
    const plan = home.plan({ accepted }, ['app']);
    expect(plan.files.map((file) => file.path)).not.toContain(`${repo}/.claude/settings.local.json`);
    expect(find(plan, 'serena').stays[0]).toMatch(/committed/);
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['switched off in its folder', { disabledMcpServers: ['db'] }, {}],
    ['denied by its command', {}, { deniedMcpServers: [{ serverCommand: ['npx', '-y', 'db'] }] }],
    ['denied by its name', {}, { deniedMcpServers: [{ serverName: 'db' }] }],
  ])('a local server that the person %s stays that way', (_, state, settings) => {
    const repo = home.repo('app');
    user({}, settings, { [repo]: { mcpServers: { db: npx('db') }, ...state } });
    expect(find(home.plan(), 'db').moves).toBe(false);
  });

  test('a rule that denies a whole server denies it afterwards', async () => {
    user({ notes: npx('notes') }, { permissions: { deny: ['mcp__notes'] } });
    await applyPlan(home.world, () => home.plan(), deps);
    expect(home.json('.claude/settings.json')).toMatchObject({
      permissions: { deny: ['mcp__notes', 'mcp__plugin_mcp-proxy_s__notes__*'] },
    });
  });

  test('what the person rejected stays rejected', () => {
    withRepo({ serena });
    home.write('app/.claude/settings.local.json', { disabledMcpjsonServers: ['serena'] });
    expect(find(home.plan({}, ['app']), 'serena').stays[0]).toMatch(/rejected/);
  });

  test('the path of the repository becomes ${PROJECT_ROOT}, so two checkouts are one server', () => {
    const entry = (repo: string) => ({ mcpServers: { idx: { command: 'node', args: ['idx.js', `--root=${repo}`] } } });
    const [one, two] = [home.repo('one'), home.repo('two')];
    home.write('one/.mcp.json', entry(one));
    home.write('two/.mcp.json', entry(two));
    user({});
    const plan = home.plan({}, ['one', 'two']);
    expect(plan.servers).toHaveLength(1);
    expect(plan.servers[0]?.entry.args).toEqual(['idx.js', '--root=${PROJECT_ROOT}']);
    expect(plan.servers[0]?.projects).toEqual([one, two]);
  });

  test('the folder that a program was opened in becomes ${SESSION_FOLDER}, not its repository', () => {
    const command = 'files-server';
    const editor = readEntry('vscode', { command, args: ['${workspaceFolder}/src'] });
    const claude = readEntry('claude-code', { command, cwd: '${CLAUDE_PROJECT_DIR:-.}' });
    expect([editor.entry.args, claude.entry.cwd]).toEqual([['${SESSION_FOLDER}/src'], '${SESSION_FOLDER}']);
  });

  test('a folder whose name is a word of ours stays a folder', () => {
    const read = (cwd: string) => readEntry('cursor', { command: 'x', cwd }).entry.cwd;
    expect(['session', 'project', 'sessions', './project'].map(read)).toEqual([
      './session',
      './project',
      'sessions',
      './project',
    ]);
  });

  const config = () => home.json('.aitkit/lib/mcpproxy/mcp_proxy_config.json');

  test('two servers of one name keep it where a folder tells them apart, with all rules for it', async () => {
    const repo = home.repo('app');
    user(
      { db: npx('db-one') },
      { permissions: { deny: ['mcp__db__drop'] } },
      { [repo]: { mcpServers: { db: npx('db-two') } } },
    );
    const plan = home.plan();
    expect(plan.servers.map(({ name, shownAs, conflict }) => [name, shownAs, conflict])).toEqual([
      ['db', undefined, undefined],
      ['db-app', 'db', undefined],
    ]);
    expect(planLines({ world: home.world, plan }).join('\n')).toContain('as "db" like the other of that name');
    await applyPlan(home.world, () => home.plan(), deps);
    expect(config()).toEqual({
      mcpServers: { db: npx('db-one'), 'db-app': { ...npx('db-two'), as: 'db', projects: [repo] } },
    });
    expect(home.json('.claude/settings.json')).toMatchObject({
      permissions: { deny: ['mcp__db__drop', 'mcp__plugin_mcp-proxy_s__db__drop'] },
    });
    // A rule that hides the person's own there would hide the project's as well.
    expect(home.has('app/.claude/settings.local.json')).toBe(false);
    expect(seenIn(repo)).toEqual(['db-two']);
    expect(seenIn(home.home)).toEqual(['db-one']);
  });

  test('three projects that each brought another server of one name see their own under that name', async () => {
    user({});
    const folders = ['one', 'two', 'three'].map((name) => {
      home.repo(name);
      home.write(`${name}/.mcp.json`, { mcpServers: { tickets: npx(`tickets-${name}`) } });
      return name;
    });
    const accepted = home.plan({}, folders).servers.flatMap(({ places }) => places[0]?.needsApproval ?? []);
    await applyPlan(home.world, () => home.plan({ accepted }, folders), deps);
    for (const name of folders) expect(seenIn(`${home.home}/${name}`)).toEqual([`tickets-${name}`]);
    // Moved later, a fourth one finds the name in our config.
    home.repo('four');
    home.write('four/.mcp.json', { mcpServers: { tickets: npx('tickets-four') } });
    const more = [`${home.plan({}, ['four']).servers[0]?.places[0]?.needsApproval}`];
    await applyPlan(home.world, () => home.plan({ accepted: more }, ['four']), deps);
    expect(seenIn(`${home.home}/four`)).toEqual(['tickets-four']);
    expect(seenIn(`${home.home}/one`)).toEqual(['tickets-one']);
  });

  test('where no folder tells them apart, the second has another name and the plan says so', () => {
    user({ db: npx('db-one') });
    home.write('.cursor/mcp.json', { mcpServers: { db: npx('db-two') } });
    const plan = home.plan();
    expect(plan.servers.map(({ name, shownAs }) => [name, shownAs])).toEqual([
      ['db', undefined],
      ['db-2', undefined],
    ]);
    expect(plan.servers[1]?.conflict?.choices).toHaveLength(3);
  });

  test('a server that sessions saw beside another of its name is not put behind it', async () => {
    const repo = home.repo('app');
    user({}, {}, { [repo]: { mcpServers: { db: npx('db-two') } } });
    home.write('.cursor/mcp.json', { mcpServers: { db: npx('db-one') } });
    expect(home.plan().servers.map(({ name, shownAs }) => [name, shownAs])).toEqual([
      ['db', undefined],
      ['db-2', undefined],
    ]);
  });

  test('a rule that hid a server in a folder does not hide the one that moves from there later', async () => {
    const repo = home.repo('app');
    const state = (db: object) => ({ [repo]: { mcpServers: { db } } });
    user({ db: npx('db-one') }, {}, state({ type: 'http', url: 'https://db.example/mcp', headersHelper: 'x' }));
    await applyPlan(home.world, () => home.plan(), deps);
    expect(home.read('app/.claude/settings.local.json')).toContain('mcp__plugin_mcp-proxy_s__db__*');
    home.write('.claude.json', { projects: state(npx('db-two')) });
    expect(home.plan().servers.map(({ name, part }) => [name, part])).toEqual([['db-app', 'db-app']]);
  });

  test('a server that every project may see after all does not share its name', () => {
    const [one, two] = [home.repo('one'), home.repo('two')];
    const local = (name: string) => ({ mcpServers: { db: npx(name) } });
    user({}, {}, { [one]: local('db-one'), [two]: local('db-two') });
    expect(home.plan().servers.map(({ shownAs }) => shownAs)).toEqual([undefined, 'db']);
    expect(home.plan({ everywhere: true }).servers.map(({ shownAs }) => shownAs)).toEqual([undefined, undefined]);
    expect(home.plan({ everywhere: true }).servers[1]?.conflict?.choices).toHaveLength(3);
    // A name that leaves the joint list by a rule cannot be seen there for another server.
    expect(home.plan({ keepNames: true }).servers.map(({ shownAs }) => shownAs)).toEqual([undefined, undefined]);
  });

  test('an entry that comes up behind a moved one is kept away as before', async () => {
    const repo = home.repo('app');
    home.write('app/.mcp.json', { mcpServers: { db: npx('of-the-repo') } });
    user({ db: npx('of-the-person') }, {}, { [repo]: { mcpServers: { db: npx('local') } } });
    const before = home.snapshot();
    await applyPlan(home.world, () => home.plan({ only: ['db-app'] }, ['app']), deps);
    expect(home.json('app/.claude/settings.local.json')).toMatchObject({ disabledMcpjsonServers: ['db'] });
    expect(home.json('.claude.json')).toEqual({
      mcpServers: { db: npx('of-the-person') },
      projects: { [repo]: { mcpServers: {}, disabledMcpServers: ['db'] } },
    });
    undo(home.world, undefined);
    expect(home.snapshot()).toEqual(before);
  });

  test('a repository outside of the plan that has its own entry of a name does not get ours as well', () => {
    const repo = home.repo('app');
    home.write('app/.mcp.json', { mcpServers: { a: npx('own') } });
    user({ a: npx('a') }, {}, { [repo]: {} });
    const local = home.plan().files.find((file) => file.path === `${repo}/.claude/settings.local.json`);
    expect(local?.after).toContain('mcp__plugin_mcp-proxy_s__a__*');
  });

  test('settings that are a link out of the repository are neither read nor written', async () => {
    withRepo({ serena });
    home.write('secret.json', { permissions: {} });
    home.write('app/.claude/x', '');
    symlinkSync(`${home.home}/secret.json`, `${home.home}/app/.claude/settings.local.json`);
    const accepted = [`${find(home.plan({}, ['app']), 'serena').places[0]?.needsApproval}`];
    const plan = home.plan({ accepted }, ['app']);
    expect(find(plan, 'serena').stays[0]).toMatch(/leads out of/);
    expect(await applyPlan(home.world, () => home.plan({ accepted }, ['app']), deps)).toBeUndefined();
    expect(home.json('secret.json')).toEqual({ permissions: {} });
  });
});

describe('choices', () => {
  test('--keep-names writes an entry of the same name that runs the wrapper', async () => {
    user({ a: npx('a') }, { permissions: { deny: ['mcp__a__x'] } });
    await applyPlan(home.world, () => home.plan({ keepNames: ['a'] }), deps);
    expect(home.json('.claude.json')).toMatchObject({
      mcpServers: {
        a: { type: 'stdio', command: `${home.home}/.aitkit/bin/run-mcp-proxy`, args: ['mcp-user', '--server', 'a'] },
      },
    });
    expect(home.json('.claude/settings.json')).toMatchObject({
      permissions: { deny: ['mcp__a__x', 'mcp__plugin_mcp-proxy_s__a__*'] },
    });
  });

  test('an edit that reaches further than this person here is warned of', () => {
    home.repo('app');
    home.write('app/.mcp.json', { mcpServers: { r: npx('r') } });
    user({});
    const accepted = [`${find(home.plan({}, ['app']), 'r').places[0]?.needsApproval}`];
    const warnings = (options: object) =>
      home.plan({ accepted, ...options }, ['app']).files.flatMap(({ warning }) => warning ?? []);
    expect(warnings({})).toEqual([]);
    expect(warnings({ removeFromRepo: true })).toEqual([expect.stringMatching(/everyone in this repository/)]);
    expect(warnings({ silenceEverywhere: true })).toEqual([]);
    home.repo('.claude');
    expect(warnings({ silenceEverywhere: true })).toEqual([
      expect.stringMatching(/lies in the repository .*\.claude:/),
    ]);
    rmSync(`${home.home}/.claude`, { recursive: true });
    home.write('Dropbox/claude/settings.json', pluginOn);
    symlinkSync(`${home.home}/Dropbox/claude`, `${home.home}/.claude`);
    expect(warnings({ silenceEverywhere: true })).toEqual([expect.stringMatching(/is synced/)]);
  });

  test('--only leaves the others', () => {
    user({ a: npx('a'), b: npx('b') });
    expect(home.plan({ only: ['b'] }).servers.map((server) => [server.name, server.moves])).toEqual([
      ['a', false],
      ['b', true],
    ]);
  });

  test('--everywhere widens a local server', () => {
    const repo = home.repo('app');
    user({}, {}, { [repo]: { mcpServers: { db: npx('db') } } });
    expect(find(home.plan(), 'db').projects).toEqual([repo]);
    expect(find(home.plan({ everywhere: ['db'] }), 'db').projects).toBeUndefined();
  });

  test('keys that we do not carry keep a server where it is', () => {
    user({ a: { type: 'http', url: 'https://a.example/mcp', headersHelper: 'x' } });
    expect(find(home.plan(), 'a').stays[0]).toMatch(/headersHelper/);
  });

  test('an entry that cannot work stays, with the one that does', () => {
    user({ serena: { command: 'uvx', args: ['serena', '--workspace', '/x'] } });
    const server = find(home.plan(), 'serena');
    expect(server.moves).toBe(false);
    expect(server.mistake?.instead?.args).toEqual([
      ...['--from', 'serena-agent', 'serena', 'start-mcp-server', '--context', 'claude-code'],
      ...['--project', '${PROJECT_ROOT}', '--open-web-dashboard', 'False'],
    ]);
  });

  test('CLAUDE_CONFIG_DIR is where Claude Code is read and changed', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'mcp-claude-'));
    home.remove();
    home = createFixture({ CLAUDE_CONFIG_DIR: dir });
    home.write(`${dir}/.claude.json`, { mcpServers: { a: npx('a') } });
    home.write(`${dir}/settings.json`, pluginOn);
    await applyPlan(home.world, () => home.plan(), deps);
    expect(home.json(`${dir}/.claude.json`)).toEqual({ mcpServers: {} });
    undo(home.world, undefined);
    expect(home.json(`${dir}/.claude.json`)).toEqual({ mcpServers: { a: npx('a') } });
    rmSync(dir, { recursive: true, force: true });
  });
});

test('the official Serena plugin moves by being switched off, and keeps its rules', async () => {
  const root = `${home.home}/.claude/plugins/cache/official/serena/1`;
  home.write(`${root}/.claude-plugin/plugin.json`, { name: 'serena' });
  home.write(`${root}/.mcp.json`, {
    serena: { command: 'uvx', args: ['--from', 'git+https://github.com/oraios/serena', 'serena', 'start-mcp-server'] },
  });
  home.write('.claude/plugins/installed_plugins.json', {
    version: 2,
    plugins: { 'serena@official': [{ scope: 'user', installPath: root }] },
  });
  user(
    {},
    {
      enabledPlugins: { 'mcp-proxy@aitkit': true, 'serena@official': true },
      permissions: { deny: ['mcp__plugin_serena_serena__delete'] },
    },
  );
  await applyPlan(home.world, () => home.plan(), deps);
  expect(home.json('.claude/settings.json')).toMatchObject({
    enabledPlugins: { 'mcp-proxy@aitkit': true, 'serena@official': false },
    permissions: { deny: ['mcp__plugin_serena_serena__delete', 'mcp__plugin_mcp-proxy_s__serena__delete'] },
  });
});

test('running copies are counted with what they cost and which variables they were given', () => {
  const table = {
    processes: [
      { pid: 10, ppid: 1, argv: ['claude'] },
      { pid: 11, ppid: 10, argv: ['npm exec', '-y', '@x/server-github'] },
      { pid: 12, ppid: 10, argv: ['node', '/usr/bin/npx', '-y', '@x/server-github'] },
      { pid: 13, ppid: 12, argv: ['sh', '-c', 'mcp-server-github'] },
      { pid: 14, ppid: 1, argv: ['node', 'other'] },
    ],
    pssBytes: () => 1024 * 1024,
    variableNames: () => ['PATH', 'GITHUB_TOKEN', 'CLAUDE_PID', 'OTHER_TOKEN'],
  };
  user({ github: npx('@x/server-github') });
  const { running, entry } = find(home.plan({}, [], createCopyFinder(table)), 'github');
  expect(running).toMatchObject({ copies: 1, processes: 2, pssBytes: 2 * 1024 * 1024, alsoGiven: ['OTHER_TOKEN'] });
  expect(entry.inheritEnv).toEqual(['GITHUB_TOKEN']);
});

test('a megabyte of description is read, and commands are shown whole', () => {
  const long = 'x'.repeat(1_000_000);
  user({ a: { ...npx('a'), description: long }, b: { command: 'node', args: [`${'y'.repeat(5000)}end`] } });
  const text = planLines({ world: home.world, plan: home.plan() }).join('\n');
  expect(text).toContain('yyyend');
});
