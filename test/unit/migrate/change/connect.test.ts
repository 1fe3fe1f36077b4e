import { rmSync, symlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findLostServers } from '../../../../src/hooks/findings.ts';
import { applyPlan } from '../../../../src/migrate/change/apply.ts';
import { connect, disconnect, leave, printedEntry } from '../../../../src/migrate/change/connect.ts';
import { accept, findUnapproved, recordConsents } from '../../../../src/migrate/change/consent.ts';
import { listManifests, lockJournals } from '../../../../src/migrate/change/journal.ts';
import { repair } from '../../../../src/migrate/change/repair.ts';
import { undo } from '../../../../src/migrate/change/undo.ts';
import { collectSources } from '../../../../src/migrate/programs/collect-sources.ts';
import { type ConnectableHost, filePlaces, hostIds } from '../../../../src/migrate/programs/hosts.ts';
import { createFixture, type Fixture, pluginOn } from '../world-fixture.ts';

const deps = { now: () => new Date('2026-11-21T03:00:00Z'), startAndList: async () => ['tool'] };
const files: Record<ConnectableHost, string> = {
  'claude-code': '.claude.json',
  'claude-desktop': '.config/Claude/claude_desktop_config.json',
  cursor: '.cursor/mcp.json',
  vscode: '.config/Code/User/mcp.json',
  codex: '.codex/config.toml',
  opencode: '.config/opencode/opencode.json',
  pi: '.pi/agent/mcp.json',
};

let home: Fixture;
beforeEach(() => {
  home = createFixture();
});
afterEach(() => home.remove());

describe('connect', () => {
  test.each(hostIds)('%s: the entry is written, found again and taken back', (host) => {
    const before = home.snapshot();
    expect(connect(home.world, { host, isEach: false }, deps)).toBeDefined();
    const text = home.read(files[host]);
    expect(text).toContain(`${home.home}/.aitkit/bin/run-mcp-proxy`);
    expect(text).not.toMatch(/token/i);
    expect(connect(home.world, { host, isEach: false }, deps)).toBeUndefined();
    expect(disconnect(home.world, [host], deps).undone[0]?.isComplete).toBe(true);
    expect(home.snapshot()).toEqual(before);
  });

  test.each(hostIds)('%s: what --print shows is what is written', (host) => {
    const printed = printedEntry(home.world, { host, isEach: false });
    connect(home.world, { host, isEach: false }, deps);
    expect(home.read(files[host]).trim()).toBe(printed.trim());
  });

  const http = { port: 12476, token: 'T0ken-of-forty-three-characters' };
  const takesAddress = hostIds.filter((host) => host !== 'claude-desktop');

  test.each(takesAddress)('%s over HTTP: written for this user alone, never planned to move, taken back', (host) => {
    home.write('.claude/settings.json', pluginOn);
    const before = home.snapshot();
    expect(connect(home.world, { host, isEach: false, http }, deps)).toBeDefined();
    const text = home.read(files[host]);
    expect(text).toContain('http://127.0.0.1:12476/mcp');
    expect(text).toContain(`Bearer ${http.token}`);
    expect(home.snapshot()[files[host]]).toMatch(/^600 /);
    expect(home.plan().servers).toEqual([]);
    expect(connect(home.world, { host, isEach: false, http }, deps)).toBeUndefined();
    expect(connect(home.world, { host, isEach: false, http: { ...http, token: 'new-one' } }, deps)).toBeDefined();
    expect(home.read(files[host])).not.toContain(http.token);
    expect(disconnect(home.world, [host], deps).undone.every(({ isComplete }) => isComplete)).toBe(true);
    expect(home.snapshot()).toEqual(before);
  });

  test.each<[ConnectableHost, unknown]>([
    ['cursor', { mcpServers: { 'mcp-proxy': { url: 'URL', headers: { Authorization: 'Bearer <token>' } } } }],
    [
      'opencode',
      {
        mcp: {
          'mcp-proxy': { type: 'remote', url: 'URL', headers: { Authorization: 'Bearer <token>' }, enabled: true },
        },
      },
    ],
  ])('%s over HTTP is printed in the form that it reads', (host, expected) => {
    const printed = printedEntry(home.world, { host, isEach: false, http: { port: 12476, token: '<token>' } });
    expect(JSON.parse(printed.replace('http://127.0.0.1:12476/mcp', 'URL'))).toEqual(expected);
  });

  test('Codex over HTTP is printed in the form that it reads, one entry for each server', () => {
    home.write('.aitkit/lib/mcpproxy/mcp_proxy_config.json', { mcpServers: { a: { command: 'a' } } });
    const printed = printedEntry(home.world, { host: 'codex', isEach: true, http: { port: 12476, token: '<token>' } });
    expect(printed).toBe(
      '[mcp_servers.a]\nurl = "http://127.0.0.1:12476/mcp/a"\n\n[mcp_servers.a.http_headers]\nAuthorization = "Bearer <token>"\n',
    );
  });

  test('a token is not written where others could read it', () => {
    const write = () => connect(home.world, { host: 'cursor', isEach: false, http }, deps);
    home.write('.cursor/mcp.json', { mcpServers: {} });
    expect(write).toThrow(/can be read by others/);
    home.repo('dotfiles');
    home.write('dotfiles/mcp.json', { mcpServers: {} });
    rmSync(`${home.home}/.cursor/mcp.json`);
    symlinkSync(`${home.home}/dotfiles/mcp.json`, `${home.home}/.cursor/mcp.json`);
    expect(write).toThrow(/lies in the repository/);
    expect(() => connect(home.world, { host: 'claude-desktop', isEach: false, http }, deps)).toThrow(
      /takes no address/,
    );
    expect(home.read('dotfiles/mcp.json')).not.toContain(http.token);
  });

  test('two changes of one second are undone newest first', () => {
    connect(home.world, { host: 'cursor', isEach: false }, deps);
    connect(home.world, { host: 'pi', isEach: false }, deps);
    undo(home.world, undefined);
    expect([home.has('.cursor/mcp.json'), home.has('.pi/agent/mcp.json')]).toEqual([true, false]);
  });

  test('a file that the person edited since keeps that edit', () => {
    home.write('.cursor/mcp.json', { mcpServers: {} });
    connect(home.world, { host: 'cursor', isEach: false }, deps);
    home.write(
      '.cursor/mcp.json',
      home.read('.cursor/mcp.json').replace('"mcpServers": {', '"mcpServers": {\n    "own": { "command": "x" },'),
    );
    disconnect(home.world, ['cursor'], deps);
    expect(home.json('.cursor/mcp.json')).toEqual({ mcpServers: { own: { command: 'x' } } });
  });

  test('--each writes one entry a server and replaces none of the person', () => {
    home.write('.aitkit/lib/mcpproxy/mcp_proxy_config.json', {
      mcpServers: { a: { command: 'a' }, b: { command: 'b' } },
    });
    connect(home.world, { host: 'pi', isEach: true }, deps);
    expect(home.json('.pi/agent/mcp.json')).toMatchObject({
      mcpServers: { a: { args: ['mcp-user', '--server', 'a'] }, b: {} },
    });
    home.write('.cursor/mcp.json', { mcpServers: { a: { command: 'mine' } } });
    expect(() => connect(home.world, { host: 'cursor', isEach: true }, deps)).toThrow(
      /already has an entry "a" of its own/,
    );
    expect(home.json('.cursor/mcp.json')).toEqual({ mcpServers: { a: { command: 'mine' } } });
  });

  test('a broken file is refused with the place', () => {
    home.write('.cursor/mcp.json', '{ "mcpServers": { ');
    expect(() => connect(home.world, { host: 'cursor', isEach: false }, deps)).toThrow(/not valid JSON .*line 1/);
  });

  test('every program has its place on each system', () => {
    for (const host of hostIds) expect(filePlaces(host, home.world).map(({ file }) => file)).not.toContain('');
    expect(filePlaces('claude-desktop', home.world).at(-1)?.file).toBe('%APPDATA%\\Claude\\claude_desktop_config.json');
  });
});

describe('leave', () => {
  test('undoes everything in reverse, removes entries of ours that nobody recorded, and stops the daemon last', async () => {
    home.write('.claude/settings.json', pluginOn);
    home.write('.claude.json', { mcpServers: { a: { command: 'a' } } });
    home.write('.cursor/mcp.json', { mcpServers: { b: { command: 'b' } } });
    const before = home.snapshot();
    await applyPlan(home.world, () => home.plan(), deps);
    connect(home.world, { host: 'codex', isEach: false }, deps);
    home.write('.pi/agent/mcp.json', { mcpServers: { 'mcp-proxy': { command: '/elsewhere/bin/run-mcp-proxy' } } });
    const result = await leave(home.world, { ...deps, stopDaemon: async () => {} });
    expect(result.isComplete).toBe(true);
    expect(home.json('.pi/agent/mcp.json')).toEqual({ mcpServers: {} });
    const { '.pi/': _pi, '.pi/agent/': _agent, '.pi/agent/mcp.json': _file, ...rest } = home.snapshot();
    expect(rest).toEqual(before);
    // A second time there is nothing to bring back.
    await leave(home.world, { ...deps, stopDaemon: async () => {} });
    expect(home.json('.pi/agent/mcp.json')).toEqual({ mcpServers: {} });
  });
});

describe('consent', () => {
  const declare = (command: string) =>
    home.write('app/.mcp.json', { mcpServers: { r: { command, env: { T: 'sekret-value' } } } });
  const unapproved = () => findUnapproved(home.world, collectSources(home.world, [`${home.home}/app`]));

  test('a changed definition is not approved any more, and accepting it changes what runs', async () => {
    home.repo('app');
    home.write('.claude/settings.json', pluginOn);
    declare('one');
    const [found] = unapproved();
    if (!found) throw new Error('nothing found');
    accept(home.world, found, deps);
    expect(unapproved()).toEqual([]);
    const accepted = [found]
      .map(({ server }) => server)
      .flatMap(() => home.plan({}, ['app']).servers.flatMap((s) => s.places.flatMap((p) => p.needsApproval ?? [])));
    await applyPlan(home.world, () => home.plan({ accepted }, ['app']), deps);
    recordConsents(home.world, [{ server: found.server, name: 'r' }], new Date());
    declare('two');
    const [changed] = unapproved();
    expect(changed?.diff.join('\n')).toMatch(/-\s+"command": "one"[\s\S]*\+\s+"command": "two"/);
    expect(home.json('.aitkit/lib/mcpproxy/mcp_proxy_config.json')).toMatchObject({
      mcpServers: { r: { command: 'one' } },
    });
    if (changed) accept(home.world, changed, deps);
    expect(home.json('.aitkit/lib/mcpproxy/mcp_proxy_config.json')).toMatchObject({
      mcpServers: { r: { command: 'two', projects: [`${home.home}/app`] } },
    });
    expect(unapproved()).toEqual([]);
  });
});

test('a silenced server that the daemon does not have is found at session start and brought back', async () => {
  const repo = home.repo('app');
  home.write('.claude/settings.json', pluginOn);
  home.write('app/.mcp.json', { mcpServers: { r: { command: 'r' }, no: { command: 'n' } } });
  home.write('app/.claude/settings.local.json', { disabledMcpjsonServers: ['no'] });
  const accepted = home.plan({}, ['app']).servers.flatMap((s) => s.places.flatMap((p) => p.needsApproval ?? []));
  await applyPlan(home.world, () => home.plan({ accepted }, ['app']), deps);
  expect(findLostServers(home.world.locations, repo)).toEqual([]);
  home.write('.aitkit/lib/mcpproxy/mcp_proxy_config.json', { mcpServers: {} });
  expect(findLostServers(home.world.locations, repo)).toEqual(['r']);
  expect(repair(home.world, [repo], deps).names).toEqual(['r']);
  expect(home.json('app/.claude/settings.local.json')).toEqual({ disabledMcpjsonServers: ['no'] });
  expect(findLostServers(home.world.locations, repo)).toEqual([]);
});

describe('apply', () => {
  beforeEach(() => {
    home.write('.claude/settings.json', pluginOn);
    home.write('.claude.json', { mcpServers: { a: { command: 'a' }, b: { command: 'b' } } });
  });

  test('a server that does not answer leaves everything as before', async () => {
    const before = home.snapshot();
    const startAndList = async ({ name }: { name: string }) => {
      if (name === 'b') throw new Error('no such program');
      return ['tool'];
    };
    await expect(applyPlan(home.world, () => home.plan(), { ...deps, startAndList })).rejects.toThrow(
      /b does not answer.*no such program.*as before/,
    );
    expect(home.snapshot()).toEqual(before);
    expect(home.has('.aitkit/lib/mcpproxy/mcp_proxy_config.json')).toBe(false);
    expect(listManifests(home.world).map(({ state }) => state)).toEqual(['rolled-back']);
  });

  test('a file that its program writes meanwhile keeps that, and everything is as before', async () => {
    const theirs = '{ "mcpServers": { "a": { "command": "a" } }, "theirs": true }\n';
    const startAndList = async () => {
      home.write('.claude.json', theirs);
      return ['tool'];
    };
    await expect(applyPlan(home.world, () => home.plan(), { ...deps, startAndList })).rejects.toThrow(
      /changed by another program/,
    );
    expect(home.read('.claude.json')).toBe(theirs);
    expect(home.has('.aitkit/lib/mcpproxy/mcp_proxy_config.json')).toBe(false);
  });

  test('mode and link of a file stay', async () => {
    const { chmodSync, lstatSync, renameSync, statSync, symlinkSync } = await import('node:fs');
    home.write('dotfiles/x', '');
    renameSync(`${home.home}/.claude.json`, `${home.home}/dotfiles/claude.json`);
    symlinkSync(`${home.home}/dotfiles/claude.json`, `${home.home}/.claude.json`);
    chmodSync(`${home.home}/dotfiles/claude.json`, 0o664);
    await applyPlan(home.world, () => home.plan(), deps);
    expect(lstatSync(`${home.home}/.claude.json`).isSymbolicLink()).toBe(true);
    expect(statSync(`${home.home}/dotfiles/claude.json`).mode & 0o777).toBe(0o664);
    expect(home.json('dotfiles/claude.json')).toEqual({ mcpServers: {} });
  });

  test('a person’s file that is a link out of the home is refused', async () => {
    const { mkdtempSync, renameSync, rmSync, symlinkSync, readFileSync } = await import('node:fs');
    const outside = mkdtempSync('/tmp/mcp-outside-');
    renameSync(`${home.home}/.claude.json`, `${outside}/claude.json`);
    symlinkSync(`${outside}/claude.json`, `${home.home}/.claude.json`);
    const text = readFileSync(`${outside}/claude.json`, 'utf8');
    expect(home.plan().problems[0]?.reason).toMatch(/leads out of/);
    expect(await applyPlan(home.world, () => home.plan(), deps)).toBeUndefined();
    expect(readFileSync(`${outside}/claude.json`, 'utf8')).toBe(text);
    rmSync(outside, { recursive: true });
  });

  test('two migrations at once do not meet', async () => {
    const release = lockJournals(home.world);
    await expect(applyPlan(home.world, () => home.plan(), deps)).rejects.toThrow(/Another migration runs/);
    release();
  });

  test('an undo after edits elsewhere keeps them and says what conflicts', async () => {
    await applyPlan(home.world, () => home.plan(), deps);
    home.write('.claude.json', { numStartups: 5, mcpServers: { a: { command: 'other' } } });
    const result = undo(home.world, undefined);
    expect(result.isComplete).toBe(false);
    expect(result.files.find((file) => file.conflicts.length > 0)).toMatchObject({
      conflicts: ['mcpServers.a: changed since by somebody else'],
      backup: expect.stringMatching(/before$/),
    });
    expect(home.json('.claude.json')).toEqual({
      numStartups: 5,
      mcpServers: { a: { command: 'other' }, b: { command: 'b' } },
    });
  });
});
