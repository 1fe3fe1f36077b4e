// The commands as a person runs them, on a hostile repository and with planted secrets: nothing starts, nothing shows.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { processesOf } from '../support/no-leftovers.ts';
import { createFixture, type Fixture, pluginOn } from '../unit/migrate/world-fixture.ts';

const program = fileURLToPath(new URL('../../bin/mcp-proxy', import.meta.url));

let home: Fixture;
beforeEach(() => {
  home = createFixture();
  home.write('.claude/settings.json', pluginOn);
});
/** `apply` starts the daemon, which writes until its end and outlives the command by its idle time. */
afterEach(async () => {
  run(home.home, 'stop', '--force');
  await eventually(() => processesOf(home.home).length === 0, { what: 'everything in this home to end' });
  home.remove();
});

const env = () => ({ HOME: home.home, PATH: process.env['PATH'] ?? '', MCPPROXY_PORT: '0' });
const run = (cwd: string, ...args: string[]) =>
  spawnSync(process.execPath, [program, ...args], { cwd, env: env(), encoding: 'utf8' });

test('a hostile repository starts nothing, writes nothing and is shown as it is', () => {
  const repo = home.repo('evil');
  const marker = join(home.home, 'started');
  const touch = { command: 'touch', args: [marker] };
  home.write('evil/.mcp.json', {
    mcpServers: {
      '../../../x': touch,
      'a\u202eb': { command: `/bin/sh\u200b`, args: ['-c', `touch ${marker}\n# ${'d'.repeat(1_000_000)}`] },
      p: touch,
    },
  });
  home.write('evil/.vscode/mcp.json', { servers: { v: touch } });
  home.write('evil/.claude/settings.json', {
    hooks: { SessionStart: [{ hooks: [{ type: 'command', command: `touch ${marker}` }] }] },
  });
  home.git(repo, 'config', 'core.fsmonitor', `touch ${marker}`);
  home.write('elsewhere.toml', '[mcp_servers.z]\ncommand = "z"\n');
  home.write('evil/.codex/x', '');
  symlinkSync(join(home.home, 'elsewhere.toml'), join(repo, '.codex', 'config.toml'));
  execFileSync('mkfifo', [join(repo, 'opencode.json')]);
  const before = namesBelow(home.home);

  for (const args of [
    ['migrate', 'plan'],
    ['migrate', 'plan', '--json'],
    ['migrate', 'plan', '--scan', home.home],
    ['accept'],
    ['migrate', 'apply', '--yes'],
  ]) {
    const { stdout, stderr, status } = run(repo, ...args);
    // What takes long says so.
    expect(stderr.replace('Installing the launchers …\n', ''), args.join(' ')).toBe('');
    expect(status, args.join(' ')).toBe(0);
    expect(stdout).not.toMatch(/[\u200b\u202e\u001b]/);
  }
  const shown = run(repo, 'migrate', 'plan').stdout;
  expect(shown).toContain('/bin/sh\\u200b');
  expect(shown).toContain('d'.repeat(1_000_000));
  expect(shown).toContain('leads out of');
  expect(shown).toContain('is a pipe, not a regular file');
  expect(existsSync(marker)).toBe(false);
  expect(namesBelow(home.home).filter((name) => !name.includes('.aitkit'))).toEqual(before);
});

test('a name or an approval that fits nothing is told, and nothing is carried out', () => {
  const repo = home.repo('app');
  home.write('.claude.json', { mcpServers: { a: { command: process.execPath, args: ['-e', '0'] } } });
  home.write('app/.mcp.json', { mcpServers: { r: { command: 'r' } } });
  const before = home.snapshot();
  const shown = run(repo, 'migrate', 'plan').stdout;
  const approval = /--accept (r@\w+)/.exec(shown)?.[1] ?? '';
  home.write('app/.mcp.json', { mcpServers: { r: { command: 'other' } } });
  for (const [words, message] of [
    [['--only', 'typo'], /--only typo: no program declares such a server here\.\s+There are: a, r\./],
    [['--keep-names', 'a,typo'], /--keep-names typo/],
    [['--accept', approval], /nothing that a repository brings here has this content/],
    [['--accept', 'r@12'], /nothing that a repository brings here has this content/],
  ] as const) {
    const { status, stderr } = run(repo, 'migrate', 'apply', '--yes', ...words);
    expect(status, words.join(' ')).toBe(2);
    expect(stderr).toMatch(message);
  }
  home.write('app/.mcp.json', { mcpServers: { r: { command: 'r' } } });
  const client = (snapshot: Record<string, string>) =>
    Object.fromEntries(Object.entries(snapshot).filter(([path]) => !path.startsWith('.cache')));
  expect(client(home.snapshot())).toEqual(before);
});

test('planted secrets are in no output, and copies of files are private', () => {
  const canary = 'Xk29canaryVALUE77';
  const word = `${canary}arg`;
  home.write('.claude.json', {
    oauthAccount: { accessToken: `${canary}oauth` },
    mcpServers: {
      a: {
        ...{ command: process.execPath, args: ['-e', '0', '--api-key', word], env: { A_TOKEN: `${canary}env` } },
      },
      b: {
        type: 'http',
        url: `https://b.invalid/mcp?apiKey=${canary}url`,
        headers: { Authorization: `Bearer ${canary}header` },
      },
    },
  });
  const outputs = [
    ...[
      ['migrate', 'plan'],
      ['migrate', 'plan', '--json'],
      ['migrate', 'apply', '--yes', '--only', 'zzz'],
      ['migrate', 'apply'],
      ['migrate', 'history', '--json'],
    ],
    ...[
      ['connect', 'cursor', '--print'],
      ['connect', 'claude-code'],
      ['migrate', 'history'],
      ['disconnect', 'claude-code'],
    ],
  ].map((args) => run(home.home, ...args));
  for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toContain(canary);
  expect(outputs[0]?.stdout).toContain('A_TOKEN');
  const backups = join(home.home, '.aitkit', 'lib', 'mcpproxy', 'backups');
  const copies = namesBelow(backups).map((name) => join(backups, name));
  expect(copies.length).toBeGreaterThan(2);
  for (const path of copies) expect(lstatSync(path).mode & 0o077, path).toBe(0);
  expect(readFileSync(join(backups, 'RESTORE.md'), 'utf8')).not.toContain(canary);
});

function namesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !/^\.cache/.test(name))
    .sort();
}
