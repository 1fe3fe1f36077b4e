// Doctor beside a daemon at work. Breaks when something that is as it should be is a finding: whoever is warned of nothing
// stops to read.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { DaemonRig, fixture, wrapperPath } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
afterEach(() => rig.dispose());

it('finds nothing while sessions with the plugin use servers of every sharing, and after them', async () => {
  rig = new DaemonRig();
  rig.writeConfig({
    echo: fixture('echo.mjs'),
    mine: fixture('echo.mjs', { TOKEN_FILE: '/etc/hostname' }, { sharing: 'session' }),
    ours: { ...fixture('echo.mjs', {}, { sharing: 'project' }), args: fixtureArgs('${PROJECT_ROOT}') },
  });
  installPlugin();
  const sessions = [await rig.open(), await rig.open({ args: ['--alone'] })];
  for (const session of sessions)
    for (const server of ['echo', 'mine', 'ours'])
      expect(textOf(await session.call(`${server}__echo`, { text: server }))).toBe(server);
  // A wrapper installs its version and the launchers a moment after its start.
  await eventually(() => readFileSync(join(rig.root, 'bin', 'mcp-proxy')).length > 0, { what: 'the launchers' });
  expect(await findings()).toEqual([0, []]);
  for (const session of sessions) await session.close();
  await eventually(() => rig.daemons().length === 0, { what: 'the daemons to end' });
  expect(await findings()).toEqual([0, []]);
});

const fixtureArgs = (...more: string[]) => [
  join(dirname(wrapperPath), '..', 'test', 'fixtures', 'upstreams', 'echo.mjs'),
  ...more,
];

async function findings(): Promise<[number, unknown]> {
  const { code, stdout } = await rig.cli(['doctor', '--json']);
  const report: unknown = JSON.parse(stdout);
  return [code, Object(report).findings];
}

/** As Claude Code keeps it after an installation. */
function installPlugin(): void {
  const folder = join(rig.home, '.claude', 'plugins');
  const plugin = join(folder, 'cache', 'mcp-proxy');
  cpSync(join(dirname(wrapperPath), '..', 'plugin'), plugin, { recursive: true, dereference: true });
  mkdirSync(folder, { recursive: true });
  const plugins = { 'mcp-proxy@aitkit': [{ scope: 'user', installPath: plugin, version: '0.1.0' }] };
  writeFileSync(join(folder, 'installed_plugins.json'), JSON.stringify({ version: 2, plugins }));
  const settings = { enabledPlugins: { 'mcp-proxy@aitkit': true } };
  writeFileSync(join(rig.home, '.claude', 'settings.json'), JSON.stringify(settings));
}
