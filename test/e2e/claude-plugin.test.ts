// The plugin in the real client: it validates, installs from a git marketplace, and `/mcp-proxy …` answers.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { clientVersions } from '../support/claude/client-binary.ts';
import { lookAround, textsOf } from '../support/claude/conversation.ts';
import { isReady } from '../support/claude/daemon-view.ts';
import { copyTree, installedRoot, pluginId, pluginVersion } from '../support/claude/marketplace.ts';
import { expectNothingLeft, usePreparedWorld } from '../support/claude/prepared-world.ts';
import { printSession, runClient, runPluginCommand } from '../support/claude/run-client.ts';
import { shareServers } from '../support/claude/shared-servers.ts';
import { endWorld, makeWorld, type World } from '../support/claude/world.ts';
import { eventually } from '../support/eventually.ts';

const longName = 'everything-under-a-rather-long-name';

describe.each(clientVersions)('the plugin in Claude Code %s', (version) => {
  const prepared = usePreparedWorld(version, ['alpha'], longName);
  // The older one knows no plugin directory, and of the root it validates the marketplace only.
  const profiles = version === '2.1.197' ? [[]] : [[], ['--profile', 'directory']];
  let world: World;
  beforeAll(() => {
    ({ world } = prepared);
  });

  /** What the model is told when the user types that, or undefined when nothing was sent. */
  async function typed(line: string): Promise<string | undefined> {
    const before = world.api.requests.length;
    await printSession(world, 'alpha', line);
    const sent = world.api.requests.slice(before).find((request) => request.path.endsWith('/v1/messages'));
    return sent && textsOf(sent).join('\n');
  }

  it('passes the strict validation without a warning: the repository, what it offers, and what is installed', async () => {
    // Given a manifest instead of its folder, the client looks at no hook and no skill.
    for (const folder of [root, join(root, 'plugin'), installedRoot(world, pluginVersion())]) {
      for (const profile of profiles) {
        const report = await runPluginCommand(world, 'validate', '--strict', ...profile, folder);
        expect(report).toContain('Validation passed');
        expect(report).not.toMatch(/\d+ (?:\w+ )*(?:warning|problem)/);
      }
    }
  });

  it('is installed complete, without a build', () => {
    const folder = installedRoot(world, pluginVersion());
    for (const file of [
      'dist/wrapper.cjs',
      'bin/mcp-proxy',
      'dist/hook.cjs',
      'dist/daemon.cjs',
      'dist/daemon-program.cjs',
    ]) {
      expect(existsSync(join(folder, file)), file).toBe(true);
    }
    expect(existsSync(join(folder, 'node_modules'))).toBe(false);
  });

  it('takes less than five megabytes on the disk of whoever installs it', () => {
    const folder = installedRoot(world, pluginVersion());
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name)).toEqual([]);
    expect(entries.filter(({ name }) => name === 'src' || name === 'test')).toEqual([]);
    // Folders count too, as `du` counts them.
    const bytes = entries.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(bytes).toBeLessThan(5_000_000);
  });

  it('answers /mcp-proxy status with the shared servers', async () => {
    const told = await typed('/mcp-proxy status');
    expect(told).toContain('The command has already run');
    for (const server of ['everything', 'memory', 'filesystem']) expect(told).toContain(server);
  });

  it('takes no word as status, and any other verb as it is', async () => {
    expect(await typed('/mcp-proxy')).toContain('everything');
    const listed = await typed('/mcp-proxy get memory');
    expect(listed).toContain('server-memory');
    expect(listed).not.toContain('server-everything');
    expect(await typed(`/mcp-proxy call everything echo '{"message": "typed by the user"}'`)).toContain(
      'Echo: typed by the',
    );
    // A mistake is an answer too: an exit code would hide the text from the user.
    expect(await typed('/mcp-proxy no-such-verb')).toContain('no-such-verb');
  });

  it('hands arguments over as data, whatever a shell would make of them', async () => {
    const hostile = ['get memory; touch broke', 'get $(touch broke)', 'get `touch broke`', 'get memory\ntouch broke'];
    for (const args of hostile) {
      await typed(`/mcp-proxy ${args} > broke & touch broke`);
      expect(readdirSync(world.project('alpha')), args).toEqual(['.git']);
    }
    expect(await typed("/mcp-proxy get 'no; such' $HOME")).toContain('no; such');
  });

  it('offers the knowledge to the model and keeps the command for the user', async () => {
    await printSession(world, 'alpha', world.api.script('skills', [{ text: 'done' }]));
    const request = JSON.stringify(world.api.of('skills')[0]?.body);
    expect(request).toContain('mcp-proxy-daemoning');
    expect(request).toContain('Use it when the user wants to share MCP servers');
    expect(request).not.toContain('Shows and steers the MCP servers');
  });

  it('gives every tool a name that the API takes, and calls the right one by a shortened name', async () => {
    // With the host's prefix of 25 characters, most tools of this server are longer than the 64 of the API.
    const offered: string[] = [];
    const shortened = (names: string[]) => names.filter((name) => /s__everything-.*__echo$/.test(name));
    const prompt = world.api.script('names', [
      lookAround(eventually(() => isReady(world, 1), { what: 'the servers' })),
      {
        calls: (names) => {
          offered.push(...names.filter((name) => name.startsWith('mcp__plugin_mcp-proxy_s__')));
          return shortened(names).map((tool) => ({ tool, input: { message: 'by any name' } }));
        },
      },
      { text: 'done' },
    ]);
    const run = await printSession(world, 'alpha', prompt, { env: { MCP_CONNECTION_NONBLOCKING: '0' } });
    expect(run.stdout).toBe('done\n');
    expect(world.api.results('names').slice(1)).toEqual([{ text: 'Echo: by any name', isError: false }]);
    const ofServer = (pattern: RegExp) => offered.filter((name) => pattern.test(name));
    expect(ofServer(/s__everything-/)).toHaveLength(ofServer(/s__everything__/).length);
    expect(Math.max(...offered.map((name) => name.length))).toBe(64);
  });

  it('leaves nothing running', () => expectNothingLeft(world));
});

describe.each(clientVersions)('a folder as marketplace in Claude Code %s', (version) => {
  it('is run in place', async () => {
    const world = await makeWorld(version, []);
    try {
      const clone = copyTree(join(world.root, 'clone'));
      await runPluginCommand(world, 'marketplace', 'add', clone);
      await runPluginCommand(world, 'install', pluginId);
      shareServers(world);
      const { stdout } = await runClient(world, ['mcp', 'list']);
      expect(stdout).toMatch(/plugin:mcp-proxy:s: node .*clone\/plugin\/bin\/run-mcp-proxy mcp-user .*Connected/);
      await expectNothingLeft(world);
    } finally {
      await endWorld(world);
    }
  });
});
