// Whether Claude Code really has our server and our hooks. Breaks when an enabled plugin that is not installed, or lost
// its registration, is called healthy, and when a healthy one is not.
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root as repository } from '../../../../scripts/build-defines.ts';
import { isRecord } from '../../../../src/base/guards.ts';
import { hookFindings } from '../../../../src/cli/doctor/claude.ts';
import { readClaudeSettings } from '../../../../src/migrate/programs/claude-settings.ts';
import { createFixture } from '../../migrate/world-fixture.ts';
import { type CliRig, createCliRig } from '../cli-rig.ts';

let rig: CliRig;
let plugin: string;
const write = (path: string, value: unknown) => {
  mkdirSync(dirname(join(rig.home, path)), { recursive: true });
  writeFileSync(join(rig.home, path), JSON.stringify(value), { mode: 0o600 });
};
const state = (servers: Record<string, unknown>, projects = {}) =>
  write('.claude.json', { mcpServers: servers, projects });
const enable = (isEnabled = true) =>
  write('.claude/settings.json', { enabledPlugins: { 'mcp-proxy@aitkit': isEnabled } });
const install = () => {
  const plugins = { 'mcp-proxy@aitkit': [{ scope: 'user', installPath: plugin, version: '0.1.0' }] };
  write('.claude/plugins/installed_plugins.json', { version: 2, plugins });
};

beforeEach(() => {
  rig = createCliRig();
  mkdirSync(dirname(rig.configPath), { recursive: true, mode: 0o700 });
  writeFileSync(rig.configPath, JSON.stringify({ mcpServers: {}, http: { port: 'off' } }), { mode: 0o600 });
  plugin = join(rig.home, '.claude', 'plugins', 'cache', 'mcp-proxy');
  for (const file of ['bin/run-mcp-proxy', 'dist/wrapper.cjs', 'dist/daemon.cjs', 'dist/daemon-program.cjs'])
    write(join('.claude/plugins/cache/mcp-proxy', file), '');
  write('.claude/plugins/cache/mcp-proxy/dist/hook.cjs', '');
  cpSync(join(repository, 'hooks'), join(plugin, 'hooks'), { recursive: true });
  cpSync(join(repository, 'plugin/.claude-plugin'), join(plugin, '.claude-plugin'), { recursive: true });
  enable();
  install();
});
afterEach(() => rig.remove());

async function findings(): Promise<Record<string, unknown>[]> {
  const { stdout } = await rig.run('doctor', '--json');
  const report: unknown = JSON.parse(stdout);
  if (!isRecord(report) || !Array.isArray(report['findings'])) throw new Error(stdout);
  return report['findings'].filter(isRecord);
}

describe('the plugin', () => {
  it('is no finding as it is released', async () => {
    expect(await findings()).toEqual([]);
  });

  it('enabled but not installed is an error that says how to install it', async () => {
    rmSync(join(rig.home, '.claude', 'plugins', 'installed_plugins.json'));
    expect(await findings()).toMatchObject([
      {
        check: 'claude',
        severity: 'error',
        what: expect.stringContaining('enabled but not installed'),
        fix: 'claude plugin install mcp-proxy@aitkit --scope user',
      },
    ]);
  });

  it('whose files register no server or not both hooks is an error for each', async () => {
    const at = '.claude/plugins/cache/mcp-proxy';
    write(`${at}/.claude-plugin/plugin.json`, {});
    write(`${at}/hooks/hooks.json`, { hooks: {} });
    expect(await findings()).toMatchObject([
      { severity: 'error', what: expect.stringMatching(/plugin\.json does not register our server/) },
      { severity: 'error', what: expect.stringMatching(/hooks\.json .*SessionStart and SessionEnd/) },
    ]);
    cpSync(join(repository, 'plugin/.claude-plugin'), join(plugin, '.claude-plugin'), { recursive: true });
    const ours = [{ hooks: [{ type: 'command', command: 'node "${CLAUDE_PLUGIN_ROOT}/dist/hook.cjs"' }] }];
    write(`${at}/hooks/hooks.json`, { hooks: { SessionStart: ours, SessionEnd: [] } });
    expect(await findings()).toMatchObject([{ what: expect.stringMatching(/our hook for SessionEnd:/) }]);
  });
});

describe("an administrator's hooks only", () => {
  const settingsWith = (managed: object) => {
    const fixture = createFixture();
    fixture.write('managed/managed-settings.json', managed);
    const found = hookFindings(fixture.world, readClaudeSettings(fixture.world, []));
    fixture.remove();
    return found;
  };

  it('is noted with what it costs', () => {
    expect(settingsWith({ allowManagedHooksOnly: true })).toMatchObject([
      { severity: 'note', what: expect.stringMatching(/allowManagedHooksOnly.*seen only while connected/) },
    ]);
  });

  it('is nothing where the administrator switched our plugin on', () => {
    expect(settingsWith({ allowManagedHooksOnly: true, enabledPlugins: { 'mcp-proxy@aitkit': true } })).toEqual([]);
    expect(settingsWith({})).toEqual([]);
  });
});

describe('entries that lead to the daemon twice', () => {
  const own = (...args: string[]) => ({ command: join(rig.home, '.aitkit/bin/run-mcp-proxy'), args });

  it('are a warning: two of a person, and one beside the plugin', async () => {
    enable(false);
    state({ a: own('mcp-user'), b: own() });
    const double = (await findings()).filter(({ check }) => check === 'duplicates');
    expect(double).toMatchObject([
      {
        severity: 'warning',
        what: expect.stringMatching(/^~\/\.claude\.json:1 \(a\) and .*\(b\) lead to the same daemon/),
        fix: 'Keep one. claude mcp remove b --scope user',
      },
    ]);
    enable();
    state({ b: own('mcp-user') });
    expect(await findings()).toMatchObject([
      {
        check: 'duplicates',
        severity: 'warning',
        what: expect.stringMatching(/^the plugin mcp-proxy@aitkit and .*\(b\)/),
      },
    ]);
  });

  it('are none where they lead elsewhere, are switched off, or never meet', async () => {
    enable(false);
    const [one, two] = [join(rig.home, 'one'), join(rig.home, 'two')];
    for (const folder of [one, two]) mkdirSync(folder);
    const projects = {
      [one]: { mcpServers: { x: own('mcp-user', '--server', 'notes') } },
      [two]: { mcpServers: { y: own('mcp-user', '--server=notes') } },
    };
    state({ all: own('mcp-user'), other: own('work'), git: own('mcp-user', '--server', 'git') }, projects);
    expect((await findings()).filter(({ check }) => check === 'duplicates')).toEqual([]);
  });
});
