import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../../../src/config/load.ts';
import { visibleServers } from '../../../../src/config/visibility.ts';
import { applyPlan } from '../../../../src/migrate/change/apply.ts';
import { accept, findUnapproved, recordConsents } from '../../../../src/migrate/change/consent.ts';
import { undo } from '../../../../src/migrate/change/undo.ts';
import { collectSources } from '../../../../src/migrate/programs/collect-sources.ts';
import { createFixture, type Fixture, pluginOn } from '../world-fixture.ts';

const npx = (name: string) => ({ command: 'npx', args: ['-y', name] });
const deps = { now: () => new Date('2026-11-21T03:00:00Z'), startAndList: async () => ['tool'] };

let home: Fixture;
beforeEach(() => {
  home = createFixture();
  home.write('.claude/settings.json', pluginOn);
});
afterEach(() => home.remove());

/** Moves what these repositories bring, as `apply` with an approval for each does. */
async function move(folders: string[]): Promise<void> {
  const accepted = home
    .plan({}, folders)
    .servers.flatMap(({ places }) => places.flatMap((place) => place.needsApproval ?? []));
  const plan = home.plan({ accepted }, folders);
  const sources = collectSources(
    home.world,
    folders.map((name) => `${home.home}/${name}`),
  );
  await applyPlan(home.world, () => plan, deps);
  const fresh = sources.servers
    .filter((server) => server.place.scope === 'project')
    .map((server) => ({
      server,
      name: plan.servers.find(({ places }) => places.some((place) => place.file === server.place.file))?.name ?? '',
    }));
  recordConsents(home.world, fresh, deps.now());
}

const unapproved = (folder: string) =>
  findUnapproved(home.world, collectSources(home.world, [`${home.home}/${folder}`]));

function seenIn(folder: string): (string | undefined)[] {
  const loaded = loadConfig({ locations: home.world.locations, env: home.world.env });
  if (!loaded.ok) throw new Error('not loaded');
  expect(loaded.invalid).toEqual([]);
  return visibleServers(loaded.config.servers, folder).map((entry) => `${entry.shownName}: ${entry.args.at(-1)}`);
}

test('a changed definition runs nothing new until it is accepted, and then only where it was found', async () => {
  const [one, two] = [home.repo('one'), home.repo('two')];
  for (const name of ['one', 'two']) home.write(`${name}/.mcp.json`, { mcpServers: { lint: npx('lint') } });
  await move(['one', 'two']);
  expect([seenIn(one), seenIn(two)]).toEqual([['lint: lint'], ['lint: lint']]);
  expect(unapproved('one')).toEqual([]);
  const local = home.read('one/.claude/settings.local.json');

  home.write('one/.mcp.json', { mcpServers: { lint: npx('lint-evil') } });
  expect(seenIn(one)).toEqual(['lint: lint']);
  const [change] = unapproved('one');
  if (!change) throw new Error('no change');
  expect(change.diff.join('\n')).toMatch(/-.*"lint"[\s\S]*\+.*"lint-evil"/);

  accept(home.world, change, deps);
  expect(unapproved('one')).toEqual([]);
  expect([seenIn(one), seenIn(two)]).toEqual([['lint: lint-evil'], ['lint: lint']]);
  expect(home.json('one/.claude/settings.local.json')).toMatchObject({ mcpProxyMoved: ['lint=lint-one'] });
  undo(home.world, undefined);
  expect([seenIn(one), seenIn(two)]).toEqual([['lint: lint'], ['lint: lint']]);
  expect(home.read('one/.claude/settings.local.json')).toBe(local);
});

test('what a repository changes does not reach the person’s own server of the same launch', async () => {
  const repo = home.repo('app');
  home.write('.claude.json', { mcpServers: { lint: npx('lint') } });
  home.write('app/.mcp.json', { mcpServers: { lint: npx('lint') } });
  await move(['app']);
  expect(seenIn(home.home)).toEqual(['lint: lint']);
  home.write('app/.mcp.json', { mcpServers: { lint: npx('lint-next') } });
  const [change] = unapproved('app');
  if (!change) throw new Error('no change');
  accept(home.world, change, deps);
  expect([seenIn(repo), seenIn(home.home)]).toEqual([['lint: lint-next'], ['lint: lint']]);
});

test('the only place of a server gets the new launch under its own name, and keeps what the person added', async () => {
  const repo = home.repo('app');
  home.write('app/.mcp.json', { mcpServers: { lint: npx('lint') } });
  await move(['app']);
  const path = home.world.locations.configPath;
  writeFileSync(path, home.read(path).replace('"command"', '"sharing": "session",\n      "command"'));
  home.write('app/.mcp.json', { mcpServers: { lint: { type: 'http', url: 'https://lint.example/mcp' } } });
  const [change] = unapproved('app');
  if (!change) throw new Error('no change');
  accept(home.world, change, deps);
  expect(home.json(path)).toEqual({
    mcpServers: {
      lint: { sharing: 'session', type: 'http', url: 'https://lint.example/mcp', projects: [repo] },
    },
  });
});
