// Every kind of client file that people have: planned, applied and undone byte for byte, or left alone with the reason.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applyPlan } from '../../../src/migrate/change/apply.ts';
import { undo } from '../../../src/migrate/change/undo.ts';
import { planJson, planLines } from '../../../src/migrate/plan/report.ts';
import { createFixture, type Fixture, pluginOn } from './world-fixture.ts';

const folder = fileURLToPath(new URL('../../fixtures/configs', import.meta.url));

const targets: Record<string, string> = {
  'claude-user': '.claude.json',
  'claude-project': 'repo/.mcp.json',
  'claude-desktop': '.config/Claude/claude_desktop_config.json',
  cursor: '.cursor/mcp.json',
  vscode: '.config/Code/User/mcp.json',
  codex: '.codex/config.toml',
  opencode: '.config/opencode/opencode.json',
  pi: '.pi/agent/mcp.json',
};

/** What the file leads to; a pattern is the reason that must be given. */
const outcomes: Record<string, { moves: string[]; problem?: RegExp }> = {
  valid: { moves: ['alpha', 'beta'] },
  commented: { moves: ['alpha', 'beta'] },
  odd: { moves: ['alpha', 'beta'] },
  minified: { moves: ['alpha', 'beta'] },
  broken: { moves: [], problem: /not valid (?:JSON|TOML) \(.+line \d+, column \d+\)/ },
  empty: { moves: [] },
  'wrong-shape': { moves: [], problem: /mcpServers|servers|mcp that is no object|mcp_servers that is no object/ },
};

const files = Object.keys(targets).flatMap((client) =>
  readdirSync(join(folder, client)).map((name) => ({
    client,
    name: basename(name).replace(/\.\w+$/, ''),
    file: join(folder, client, name),
  })),
);

let home: Fixture;
beforeEach(() => {
  home = createFixture();
  home.write('.claude/settings.json', pluginOn);
});
afterEach(() => home.remove());

const letters = '<1000000 letters>';

function place(client: string, file: string): string[] {
  if (client === 'claude-project') home.repo('repo');
  const path = home.write(targets[client] ?? '', '');
  // Bytes, not text: some fixtures are not plain UTF-8 text. What is large in one is not stored.
  const bytes = readFileSync(file);
  const at = bytes.indexOf(letters);
  const grown = [bytes.subarray(0, at), Buffer.alloc(1_000_000, 'd'), bytes.subarray(at + letters.length)];
  home.writeBytes(path, at < 0 ? bytes : Buffer.concat(grown));
  return client === 'claude-project' ? ['repo'] : [];
}

function acceptAll(projects: string[]): string[] {
  return home
    .plan({}, projects)
    .servers.flatMap((server) => server.places.flatMap((place) => place.needsApproval ?? []));
}

const deps = { now: () => new Date(), startAndList: async () => ['tool'] };

test('there are at least 60 fixture files', () => {
  expect(files.length).toBeGreaterThanOrEqual(60);
});

for (const { client, name, file } of files.filter((entry) => outcomes[entry.name])) {
  test(`${client}/${name} is planned, applied and undone byte for byte, or left with its reason`, async () => {
    const expected = outcomes[name] ?? { moves: [] };
    const projects = place(client, file);
    const accepted = acceptAll(projects);
    const before = home.snapshot();
    const plan = home.plan({ accepted }, projects);
    expect(home.snapshot()).toEqual(before);
    expect(plan.refusals).toEqual([]);
    expect(plan.servers.filter((server) => server.moves).map((server) => server.name)).toEqual(expected.moves);
    if (expected.problem) expect(plan.problems.map((problem) => problem.reason).join('\n')).toMatch(expected.problem);
    else expect(plan.problems).toEqual([]);
    const text = [
      ...planLines({ world: home.world, plan }),
      JSON.stringify(planJson({ world: home.world, plan })),
    ].join('\n');
    expect(text).not.toContain('s3cr3t-alpha-value');
    expect(text).not.toContain('b3ta-secret-token');
    const result = await applyPlan(home.world, () => home.plan({ accepted }, projects), deps);
    if (expected.moves.length === 0) {
      expect(result).toBeUndefined();
      expect(home.snapshot()).toEqual(before);
      return;
    }
    expect(home.snapshot()).not.toEqual(before);
    const again = home.plan({ accepted }, projects);
    expect(again.servers.filter((server) => server.moves)).toEqual([]);
    expect(undo(home.world, undefined).isComplete).toBe(true);
    expect(home.snapshot()).toEqual(before);
  });
}

for (const { client, file } of files.filter((entry) => entry.name === 'commented')) {
  test(`${client}: comments and unknown keys are there after the servers moved`, async () => {
    const projects = place(client, file);
    const accepted = acceptAll(projects);
    await applyPlan(home.world, () => home.plan({ accepted, removeFromRepo: true }, projects), deps);
    const text = home.read(targets[client] ?? '');
    const kept =
      client === 'codex'
        ? ['# why alpha', '# inside', '[profiles.fast]', '[mcp_servers.not_a_table]']
        : ['// settings of a careful person', '// the end', '"unknown"', '2.5'];
    for (const part of kept) expect(text).toContain(part);
    expect(text).not.toContain('alpha-mcp');
  });
}

for (const { client, file } of files.filter((entry) => entry.name === 'twice')) {
  test(`${client}: a file that declares one name twice is not edited`, async () => {
    const projects = place(client, file);
    const accepted = acceptAll(projects);
    const before = home.snapshot();
    const plan = home.plan({ accepted }, projects);
    const reasons = [
      ...plan.servers.flatMap((server) => server.stays),
      ...plan.problems.map((problem) => problem.reason),
    ];
    if (client === 'claude-project') return; // silenced by name elsewhere; the file itself is never edited
    expect(reasons.join('\n')).toMatch(/twice|not valid TOML/);
    expect(await applyPlan(home.world, () => home.plan({ accepted }, projects), deps)).toBeUndefined();
    expect(home.snapshot()).toEqual(before);
  });
}

test('codex: servers in one inline table stay, with the reason', () => {
  place('codex', join(folder, 'codex', 'inline.toml'));
  const plan = home.plan();
  expect(plan.servers.map((server) => server.moves)).toEqual([false, false]);
  expect(plan.servers[0]?.stays[0]).toMatch(/cannot be taken out alone \(one inline table\)/);
});

for (const { client, file } of files.filter((entry) => entry.name === 'hostile')) {
  test(`${client}: a hostile file is shown as it is and leads nowhere`, async () => {
    const projects = place(client, file);
    const accepted = acceptAll(projects);
    const before = home.snapshot();
    const plan = home.plan({ accepted }, projects);
    const text = planLines({ world: home.world, plan }).join('\n');
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/);
    expect(text).toContain('\\u202e');
    for (const server of plan.servers.filter((entry) => entry.moves))
      expect(server.name).toMatch(/^[a-z0-9][a-z0-9-]{0,17}$/);
    const started: string[] = [];
    const startAndList = async ({ name }: { name: string }) => {
      started.push(name);
      return ['tool'];
    };
    await applyPlan(home.world, () => home.plan({ accepted }, projects), { ...deps, startAndList });
    expect(started.every((name) => /^[a-z0-9-]+$/.test(name))).toBe(true);
    if (undoable()) undo(home.world, undefined);
    expect(home.snapshot()).toEqual(before);
  });
}

/** As many servers as nobody has, in a file with a megabyte of other things. */
function hugeFile(client: string): string {
  const entry = (i: number) =>
    client === 'opencode' ? { type: 'local', command: [`server-${i}`] } : { command: `server-${i}` };
  const names = Array.from({ length: 200 }, (_, i) => `server-${i}`);
  if (client === 'codex') {
    const tables = names.map((name, i) => `[mcp_servers.${name}]\ncommand = "server-${i}"\n`);
    return `model = "x"\n\n${tables.join('\n')}\n[notes]\ntext = "${'n'.repeat(1_000_000)}"\n`;
  }
  const container = client === 'vscode' ? 'servers' : client === 'opencode' ? 'mcp' : 'mcpServers';
  const servers = Object.fromEntries(names.map((name, i) => [name, entry(i)]));
  return `${JSON.stringify({ notes: 'n'.repeat(1_000_000), [container]: servers, last: true }, undefined, 2)}\n`;
}

for (const client of Object.keys(targets)) {
  test(`${client}: a huge file is planned, applied and undone byte for byte`, { timeout: 120_000 }, async () => {
    if (client === 'claude-project') home.repo('repo');
    home.write(targets[client] ?? '', hugeFile(client));
    const projects = client === 'claude-project' ? ['repo'] : [];
    const accepted = acceptAll(projects);
    const before = home.snapshot();
    const result = await applyPlan(home.world, () => home.plan({ accepted }, projects), deps);
    expect(result?.moved).toHaveLength(200);
    expect(undo(home.world, undefined).isComplete).toBe(true);
    expect(home.snapshot()).toEqual(before);
  });
}

function undoable(): boolean {
  return home.has('.aitkit/lib/mcpproxy/backups/RESTORE.md');
}
