// Client files, repositories and our own backups that are no plain files. Breaks when one of them holds the plan, is taken
// for absent, is written over, or shows what it leads to.
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyPlan } from '../../../src/migrate/change/apply.ts';
import { disconnect } from '../../../src/migrate/change/connect.ts';
import { findUnapproved } from '../../../src/migrate/change/consent.ts';
import { undo } from '../../../src/migrate/change/undo.ts';
import { planJson, planLines } from '../../../src/migrate/plan/report.ts';
import { collectSources } from '../../../src/migrate/programs/collect-sources.ts';
import { excludeFor, findRepository, whyCommitted } from '../../../src/migrate/programs/git-ignore.ts';
import { isFolder, readClientFile, whyNotWritable } from '../../../src/migrate/world.ts';
import { HostileFiles, type HostileKind, hostileKinds, pipe } from '../../support/hostile-files.ts';
import { createFixture, type Fixture, pluginOn } from './world-fixture.ts';

const secret = 'Qv83secretOfElsewhere';
const deps = { now: () => new Date(), startAndList: async () => ['tool'] };

let home: Fixture;
let repo: string;
let planted: HostileFiles;
beforeEach(() => {
  home = createFixture();
  planted = new HostileFiles();
  repo = home.repo('app');
  home.write('private.json', `{ "mcpServers": { "p": { "command": "${secret}" } } }`);
  home.write('.claude/settings.json', pluginOn);
  home.write('.claude.json', { mcpServers: { mine: { command: 'mine' } } });
  home.write('app/.mcp.json', { mcpServers: { notes: { command: 'notes' } } });
});
afterEach(() => {
  planted.close();
  home.remove();
});

const at = (path: string) => join(home.home, path);
/** What a link of a repository leads to lies in the home; what a link of the person's leads to must lie outside of it. */
const plant = (kind: HostileKind, path: string) =>
  planted.plant(kind, at(path), path.startsWith('app/') ? at('private.json') : '/etc/hostname');
const approval = () =>
  `${home.plan({}, ['app']).servers.find(({ name }) => name === 'notes')?.places[0]?.needsApproval}`;
const serverOf = (plan: ReturnType<Fixture['plan']>, name: string) =>
  plan.servers.find((server) => server.name === name);
const problemOf = (plan: ReturnType<Fixture['plan']>, path: string) =>
  plan.problems.find(({ file }) => file === at(path))?.reason;
const refusal =
  /^(?:is a (?:pipe|folder|socket|device), not a regular file|is larger than (?:1|4|64) MiB|is a link that leads .*|cannot be read \(ELOOP\))$/;

describe('a file of servers', () => {
  const files = [
    'app/.mcp.json',
    'app/.cursor/mcp.json',
    'app/.vscode/mcp.json',
    'app/.codex/config.toml',
    'app/opencode.json',
    'app/opencode.jsonc',
    'app/.pi/mcp.json',
    'app/.claude/settings.json',
    'app/.claude/settings.local.json',
    '.claude.json',
    '.claude/settings.json',
    '.cursor/mcp.json',
    '.config/Code/User/mcp.json',
    '.config/Claude/claude_desktop_config.json',
    '.config/opencode/opencode.json',
    '.codex/config.toml',
    '.pi/agent/mcp.json',
  ];

  test.each(hostileKinds)('as %s is told in the plan, and no edit touches it', (kind) => {
    for (const path of files) {
      rmSync(at(path), { recursive: true, force: true });
      plant(kind, path);
      const plan = home.plan({}, ['app']);
      expect(problemOf(plan, path), path).toMatch(refusal);
      expect(plan.files.map((file) => file.path)).not.toContain(at(path));
      expect(
        JSON.stringify([planLines({ world: home.world, plan }), planJson({ world: home.world, plan })]),
      ).not.toContain(secret);
      rmSync(at(path), { recursive: true, force: true });
      if (path === '.claude/settings.json') home.write(path, pluginOn);
      if (path === '.claude.json') home.write(path, { mcpServers: { mine: { command: 'mine' } } });
    }
  });

  test.each(hostileKinds)('of a plugin as %s is told, and its list too', (kind) => {
    home.write('.claude/settings.json', { enabledPlugins: { 'mcp-proxy@aitkit': true, 'other@x': true } });
    const root = home
      .write('plugins/other/.mcp.json', { mcpServers: { o: { command: 'o' } } })
      .replace('/.mcp.json', '');
    home.write('.claude/plugins/installed_plugins.json', { plugins: { 'other@x': [{ installPath: root }] } });
    expect(serverOf(home.plan(), 'o')).toBeDefined();
    for (const path of ['plugins/other/.mcp.json', 'plugins/other/.claude-plugin/plugin.json']) {
      plant(kind, path);
      expect(problemOf(home.plan(), path), path).toMatch(refusal);
      rmSync(at(path), { recursive: true });
    }
    plant(kind, '.claude/plugins/installed_plugins.json');
    expect(problemOf(home.plan(), '.claude/plugins/installed_plugins.json')).toMatch(refusal);
  });
});

test('whatever stands in whatever place, the plan ends, writes over none of it and shows nothing of what it leads to', () => {
  const places = [
    ...[
      '.mcp.json',
      '.git',
      '.git/index',
      '.git/info/exclude',
      '.git/info',
      '.gitignore',
      '.claude',
      '.claude/.gitignore',
    ],
    ...[
      '.claude/settings.json',
      '.claude/settings.local.json',
      '.claude/agents',
      '.claude/agents/a.md',
      '.claude/skills',
    ],
    ...['.cursor', '.cursor/mcp.json', '.codex/config.toml', 'opencode.json', '.pi', '.vscode'],
  ].map((path) => `app/${path}`);
  const own = [
    '.claude.json',
    '.claude/settings.json',
    '.claude/agents/b.md',
    '.config/git/ignore',
    '.cursor/mcp.json',
  ];
  // A socket takes a program to make; the tables above have it.
  const kinds = fc.constantFrom(...hostileKinds.filter((kind) => kind !== 'a socket'));
  const planting = fc.uniqueArray(fc.tuple(fc.constantFrom(...places, ...own), kinds), {
    selector: ([path]) => path,
    minLength: 1,
    maxLength: 6,
  });
  const hash = approval();
  fc.assert(
    fc.property(planting, (all) => {
      const putBack = keepHome();
      const stood = all.flatMap(([path, kind]) => {
        try {
          plant(kind, path);
          return [path];
        } catch {
          return []; // the folder that it should be in is no folder by now
        }
      });
      try {
        const plan = home.plan({ accepted: [hash] }, ['app']);
        const hostile = stood.filter((path) => !isPlain(at(path))).map(at);
        expect(plan.files.map(({ path }) => path).filter((path) => hostile.includes(path))).toEqual([]);
        expect(JSON.stringify(planJson({ world: home.world, plan }))).not.toContain(secret);
      } finally {
        putBack();
      }
    }),
    { numRuns: 60 },
  );
});

describe('the settings in which a server is silenced', () => {
  test.each(hostileKinds)('as %s keep the server where it is', (kind) => {
    const accepted = [approval()];
    plant(kind, 'app/.claude/settings.local.json');
    const plan = home.plan({ accepted }, ['app']);
    expect(serverOf(plan, 'notes')?.moves).toBe(false);
    expect(serverOf(plan, 'notes')?.stays.join()).toMatch(/not a regular file|leads|larger|cannot be read/);
  });

  test.each([
    ['a link to the root of the disk', () => symlinkSync('/', at('app/.claude')), /leads out of .* to \/$/],
    ['a link to /dev', () => symlinkSync('/dev', at('app/.claude')), /leads out of .* to \/dev$/],
    ['a link to nothing', () => symlinkSync(at('gone'), at('app/.claude')), /lies behind .* a link that leads nowhere/],
    ['a link to itself', () => symlinkSync(at('app/.claude'), at('app/.claude')), /cannot be read \(ELOOP\)/],
    ['a pipe', () => pipe(at('app/.claude')), /cannot be there: .*\.claude is a pipe, not a folder/],
    ['a file', () => writeFileSync(at('app/.claude'), ''), /cannot be there: .*\.claude is a file, not a folder/],
  ])('in a folder that is %s are told and keep the server where it is', (_what, make, reason) => {
    const accepted = [approval()];
    make();
    const plan = home.plan({ accepted }, ['app']);
    expect(problemOf(plan, 'app/.claude/settings.local.json')).toMatch(reason);
    expect(serverOf(plan, 'notes')?.moves).toBe(false);
  });

  test('cannot be taken for absent by a file name or a folder that the system refuses', () => {
    const long = join(repo, 'x'.repeat(300));
    expect(readClientFile(long, { inside: repo })).toEqual({
      kind: 'refused',
      reason: 'cannot be read (ENAMETOOLONG)',
    });
    expect(whyNotWritable(long, { inside: repo })).toBe('cannot be read (ENAMETOOLONG)');
    pipe(join(repo, 'p'));
    expect(whyNotWritable(join(repo, 'p'), { inside: repo })).toBe('is a pipe, not a regular file');
    expect(readClientFile(join(repo, 'none', 'x'), { inside: repo })).toEqual({ kind: 'absent' });
  });
});

describe('git', () => {
  const local = () => join(repo, '.claude', 'settings.local.json');

  test.each(hostileKinds)('an index that is %s may hold the file', (kind) => {
    home.write('app/f', '');
    home.git(repo, 'add', 'f');
    expect(whyCommitted(repo, local())).toBeUndefined();
    plant(kind, 'app/.git/index');
    if (kind === 'a link out of the project') {
      expect(whyCommitted(repo, local())).toBeUndefined(); // git would follow it too
      return;
    }
    if (kind === 'a sparse file of 1 GiB') truncateSync(join(repo, '.git', 'index'), 2 ** 30);
    expect(whyCommitted(repo, local())).toMatch(/^may be committed: .*index (?:is |cannot be read)/);
    expect(serverOf(home.plan({ accepted: [approval()] }, ['app']), 'notes')?.stays.join()).toMatch(/may be committed/);
  });

  test.each(hostileKinds)('patterns in %s ignore nothing, and the line goes into info/exclude', (kind) => {
    const accepted = [approval()];
    for (const path of ['app/.gitignore', 'app/.claude/.gitignore', '.config/git/ignore']) plant(kind, path);
    const plan = home.plan({ accepted }, ['app']);
    expect(plan.files.map(({ path }) => path)).toContain(at('app/.git/info/exclude'));
  });

  test.each(hostileKinds)('an exclude file that is %s is told and left alone; the server moves', (kind) => {
    const accepted = [approval()];
    plant(kind, 'app/.git/info/exclude');
    const plan = home.plan({ accepted }, ['app']);
    expect(plan.files.map(({ path }) => path)).not.toContain(at('app/.git/info/exclude'));
    expect(problemOf(plan, 'app/.git/info/exclude')).toMatch(/^is |^cannot be read/);
    expect(serverOf(plan, 'notes')?.moves).toBe(true);
  });

  test.each(hostileKinds)('a .git that is %s is no repository', (kind) => {
    rmSync(join(repo, '.git'), { recursive: true });
    plant(kind, 'app/.git');
    if (kind === 'a folder') return; // git has folders
    expect(findRepository(repo)).toBeUndefined();
    expect(excludeFor(home.world, repo, local())).toBeUndefined();
  });

  test('a .git file leads only to what git would take, whatever stands there', () => {
    rmSync(join(repo, '.git'), { recursive: true });
    const elsewhere = at('elsewhere');
    mkdirSync(elsewhere);
    for (const target of ['/dev', '/dev/zero', '/', elsewhere, at('none'), '../elsewhere']) {
      writeFileSync(join(repo, '.git'), `gitdir: ${target}\n`);
      expect(findRepository(repo), target).toBeUndefined();
    }
    writeFileSync(join(elsewhere, 'HEAD'), 'ref: refs/heads/main\n');
    for (const name of ['commondir', 'index']) pipe(join(elsewhere, name));
    expect(findRepository(repo)).toEqual({ top: repo, gitDir: elsewhere, commonDir: elsewhere });
    expect(whyCommitted(repo, local())).toMatch(/index is a pipe, not a regular file/);
  });

  test('a worktree and a submodule have a .git file and are repositories', () => {
    home.write('app/f', '');
    home.git(repo, 'add', 'f');
    home.git(repo, 'commit', '-qm', 'x');
    home.git(repo, 'worktree', 'add', '-q', at('tree'));
    expect(findRepository(at('tree'))?.commonDir).toBe(join(repo, '.git'));
    renameSync(join(repo, '.git'), at('moved.git'));
    writeFileSync(join(repo, '.git'), 'gitdir: ../moved.git\n');
    expect(findRepository(repo)?.gitDir).toBe(at('moved.git'));
  });

  test.each([
    ['settings.local.json', true],
    ['*.local.json', true],
    ['.claude', true],
    ['.claude/', true],
    ['/.claude', true],
    ['.claude/*', true],
    ['.claude/settings.local.json', true],
    ['**/settings.local.json', true],
    ['**/.claude/settings.local.json', true],
    ['.claude\n!settings.local.json', false],
    ['/settings.local.json', false],
    ['settings', false],
    ['claude', false],
    ['*.json.local', false],
    ['a/.claude', false],
    ['# .claude', false],
  ])('the pattern %j', (patterns, isIgnored) => {
    home.write('app/.gitignore', patterns);
    expect(excludeFor(home.world, repo, local()) === undefined).toBe(isIgnored);
  });

  test('the work of the patterns grows with the depth of the path, not with its square', () => {
    home.write('app/.gitignore', 'a/b\n**/c/d\n*e\nf\n/g\na/*\n!a/*\n'.repeat(5_000));
    const work = (depth: number) => {
      const startedAt = process.cpuUsage().user;
      excludeFor(home.world, repo, join(repo, ...Array(depth).fill('a'), 'settings.local.json'));
      return process.cpuUsage().user - startedAt;
    };
    work(100);
    const [short, long] = [work(100), work(800)];
    // Eight times the depth; its square would be sixty-four.
    expect(long / short).toBeLessThan(24);
  });
});

describe('agents, commands and skills', () => {
  const rule = '---\nname: a\ndisallowedTools: mcp__mine__x\n---\n';

  test.each([
    [
      'a link to the root of the disk',
      () => symlinkSync('/', at('app/.claude/agents')),
      'app/.claude/agents',
      /leads out of/,
    ],
    ['a pipe among them', () => pipe(at('.claude/agents/p.md')), '.claude/agents/p.md', /is a pipe/],
    [
      'a device among them',
      () => symlinkSync('/dev/zero', at('.claude/agents/z.md')),
      '.claude/agents/z.md',
      /leads out of/,
    ],
    [
      'one without end',
      () => {
        writeFileSync(at('.claude/agents/s.md'), rule);
        truncateSync(at('.claude/agents/s.md'), 2 ** 31);
      },
      '.claude/agents/s.md',
      /is larger than 1 MiB/,
    ],
    [
      'more of them than anybody has',
      () => {
        for (let i = 0; i < 2_100; i += 1) writeFileSync(at(`.claude/agents/${i}.md`), '');
      },
      '.claude/agents',
      /holds more than 2000 texts/,
    ],
    [
      'a crowd of devices',
      () => {
        for (let i = 0; i < 40; i += 1) symlinkSync('/dev/zero', at(`.claude/agents/${i}.md`));
      },
      '.claude/agents',
      /holds 30 more that cannot be read/,
    ],
    [
      'more in them than anybody wrote',
      () => {
        for (let i = 0; i < 20; i += 1) writeFileSync(at(`.claude/agents/${i}.md`), ' '.repeat(2 ** 20));
      },
      '.claude/agents',
      /holds more than 16 MiB/,
    ],
  ])('%s: told, and the others are read', (_what, make, path, reason) => {
    home.write('.claude.json', { mcpServers: { mine: { command: 'mine' } }, projects: { [repo]: {} } });
    mkdirSync(at('app/.claude'), { recursive: true });
    home.write('.claude/agents/sub/first.md', rule);
    home.write('.claude/commands/other.md', rule);
    make();
    const plan = home.plan({}, ['app']);
    expect(problemOf(plan, path)).toMatch(reason);
    expect(plan.files.map((file) => file.path)).toContain(at('.claude/commands/other.md'));
  });
});

describe('a file that is another one when it is written', () => {
  test.each(hostileKinds)('by now %s: nothing is lost, and everything else is as before', async (kind) => {
    const before = readFileSync(at('.claude.json'), 'utf8');
    const onStep = (step: string) => {
      if (step.startsWith('started')) plant(kind, '.claude.json');
    };
    const change = applyPlan(home.world, () => home.plan(), { ...deps, onStep });
    await expect(change).rejects.toThrow(/\.claude\.json (?:is |was changed|cannot be read)/);
    expect(isPlain(at('.claude.json'))).toBe(false);
    expect(existsSync(home.world.locations.configPath)).toBe(false);
    rmSync(at('.claude.json'), { recursive: true });
    writeFileSync(at('.claude.json'), before);
    expect((await applyPlan(home.world, () => home.plan(), deps))?.moved).toHaveLength(1);
  });

  test.each(hostileKinds)('as %s at the undo: told with its copy, and the other files come back', async (kind) => {
    home.write('.cursor/mcp.json', { mcpServers: { c: { command: 'c' } } });
    const cursor = home.read('.cursor/mcp.json');
    await applyPlan(home.world, () => home.plan(), deps);
    plant(kind, '.claude.json');
    const { isComplete, files } = undo(home.world, undefined);
    expect(isComplete).toBe(false);
    const state = files.find(({ file }) => file === at('.claude.json'));
    expect(state?.result).toBe('conflict');
    expect(state?.conflicts.join()).toMatch(/^it (?:is |cannot be read)/);
    expect(state?.backup).toMatch(/\.before$/);
    expect(home.read('.cursor/mcp.json')).toBe(cursor);
    expect(isPlain(at('.claude.json'))).toBe(false);
  });

  test('a link that came since the change is not replaced by a file', async () => {
    await applyPlan(home.world, () => home.plan(), deps);
    renameSync(at('.claude.json'), at('dotfiles.json'));
    symlinkSync(at('dotfiles.json'), at('.claude.json'));
    expect(undo(home.world, undefined).isComplete).toBe(false);
    expect(readlinkSync(at('.claude.json'))).toBe(at('dotfiles.json'));
  });
});

test.each(hostileKinds)('who takes our entries away says which file was not looked at: %s', (kind) => {
  plant(kind, '.cursor/mcp.json');
  const { removed, unread } = disconnect(home.world, ['cursor'], deps);
  expect(removed).toEqual([]);
  expect(unread.map(({ file }) => file)).toEqual([at('.cursor/mcp.json')]);
});

test.each(hostileKinds)("a repository's file as %s keeps an entry of that folder that it may uncover", (kind) => {
  home.write('.claude.json', { projects: { [repo]: { mcpServers: { l: { command: 'l' } } } } });
  expect(serverOf(home.plan(), 'l')?.moves).toBe(true);
  plant(kind, 'app/.mcp.json');
  const server = serverOf(home.plan(), 'l');
  expect(server?.moves).toBe(false);
  expect(server?.stays.join()).toMatch(/whether .*\.mcp\.json declares l too is not known: it /);
});

test('approvals are asked for what was read, and for nothing else', () => {
  plant('a pipe', 'app/.mcp.json');
  const sources = collectSources(home.world, [repo]);
  expect(findUnapproved(home.world, sources)).toEqual([]);
  expect(sources.problems.map(({ file }) => file)).toContain(at('app/.mcp.json'));
});

function isPlain(path: string): boolean {
  const stat = lstatIfPresent(path);
  if (stat) return stat.isFile() && stat.size < 2 ** 20;
  // It went with its folder, in whose place something else was put: only in a folder a file may be made.
  let above = dirname(path);
  while (lstatIfPresent(above) === undefined) above = dirname(above);
  return isFolder(above);
}

function lstatIfPresent(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // below a file
  }
}

/** Keeps the home's files and returns what puts them back. */
function keepHome(): () => void {
  const names = ['app', '.claude', '.claude.json', '.cursor', '.config'];
  const copies = at('copies');
  for (const name of names.filter((one) => existsSync(at(one))))
    cpSync(at(name), join(copies, name), { recursive: true });
  return () => {
    for (const name of names) rmSync(at(name), { recursive: true, force: true });
    for (const name of readdirSync(copies)) renameSync(join(copies, name), at(name));
    rmSync(copies, { recursive: true });
  };
}
