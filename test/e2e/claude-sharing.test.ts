// Several real sessions at once: one set of servers, also while the plugin is updated under them.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { clientVersions } from '../support/claude/client-binary.ts';
import { lookAround, textsOf, toolNamesOf } from '../support/claude/conversation.ts';
import { isReady, leases, locationsOf, records, viewDaemon } from '../support/claude/daemon-view.ts';
import { buildTreeAs, installedRoot, pluginId, pluginVersion } from '../support/claude/marketplace.ts';
import { expectNothingLeft, gate, usePreparedWorld } from '../support/claude/prepared-world.ts';
import { printSession, runPluginCommand } from '../support/claude/run-client.ts';
import { copiesOf, toolName } from '../support/claude/shared-servers.ts';
import { signal, type World } from '../support/claude/world.ts';
import { eventually } from '../support/eventually.ts';

const projects = ['alpha', 'beta', 'gamma'];
const laterVersion = '99.0.0';

// A print session gives its servers 2 s and goes on without them; three cold starts at once on a busy machine need more.
const waitForServers = { MCP_CONNECTION_NONBLOCKING: '0' };
const echo = (message: string) => ({ calls: [{ tool: toolName('everything', 'echo'), input: { message } }] });

describe.each(clientVersions)('sessions of Claude Code %s', (version) => {
  const prepared = usePreparedWorld(version, projects);
  let world: World;
  beforeAll(() => {
    ({ world } = prepared);
    for (const project of projects) writeFileSync(join(world.project(project), 'own.txt'), `file of ${project}`);
  });

  const answered = (name: string, count: number) =>
    eventually(() => world.api.results(name).length >= count && world.api.results(name), {
      what: `${count} results in ${name}`,
    });

  it('share each server in three projects at once, each with its own files', async () => {
    // A server that was never seen may speak after a session's first list; what it offers comes to the client at a moment
    // that a script of turns cannot wait for.
    const known = eventually(() => isReady(world, 1), { what: 'the servers of a first session' });
    const first = world.api.script('first', [lookAround(known), { text: 'done' }]);
    expect(await printSession(world, 'alpha', first, { env: waitForServers })).toMatchObject({ code: 0 });

    const allReady = eventually(() => isReady(world, 3), { what: 'three sessions and their servers' });
    const allWrote = Promise.all(projects.map((project) => answered(project, 4)));
    const observed = gate();
    const pids: number[] = [];
    const sessions = projects.map((project) => {
      const prompt = world.api.script(project, [
        lookAround(allReady),
        {
          calls: [
            ...echo(`hello from ${project}`).calls,
            { tool: toolName('memory', 'create_entities'), input: entity(project) },
            {
              tool: toolName('filesystem', 'read_text_file'),
              input: { path: join(world.project(project), 'own.txt') },
            },
          ],
        },
        { after: allWrote, calls: [{ tool: toolName('memory', 'read_graph') }] },
        { after: observed.passed, text: 'done' },
      ]);
      return printSession(world, project, prompt, { env: waitForServers, onStart: (pid) => pids.push(pid) });
    });
    const results = await Promise.all(projects.map((project) => answered(project, 5)));

    expect(copiesOf(world, 'everything')).toHaveLength(1);
    expect(copiesOf(world, 'memory')).toHaveLength(1);
    expect(copiesOf(world, 'filesystem')).toHaveLength(3);
    expect(await leases(world)).toEqual([...pids].sort((a, b) => a - b));
    expect(records(world)).toEqual([...pids].sort((a, b) => a - b));
    const view = await viewDaemon(world);
    expect(view?.sessions.map(({ isActive }) => isActive)).toEqual([true, true, true]);

    // A fourth session asks, as the user would.
    await printSession(world, 'alpha', '/mcp-proxy status');
    const told = world.api.requests.flatMap(textsOf).findLast((text) => text.includes('has already run'));
    for (const project of projects) expect(told).toContain(`/projects/${project} `);

    observed.open();
    for (const run of await Promise.all(sessions)) expect(run).toMatchObject({ code: 0, stdout: 'done\n' });
    for (const [index, project] of projects.entries()) {
      const [, echoed, , file, graph] = results[index] ?? [];
      expect(echoed).toEqual({ text: `Echo: hello from ${project}`, isError: false });
      expect(file?.text).toContain(`file of ${project}`);
      for (const other of projects) expect(graph?.text).toContain(`note-of-${other}`);
      const offered = world.api.of(project).map(toolNamesOf).at(-1);
      for (const name of ['everything__echo', 'memory__read_graph', 'filesystem__read_text_file']) {
        expect(offered).toContain(`mcp__plugin_mcp-proxy_s__${name}`);
      }
    }
  });

  it('have every tool in their first request, without being told to wait', async () => {
    await printSession(
      world,
      'beta',
      world.api.script(
        'second',
        ['at once'].map((text) => ({ text })),
      ),
    );
    const [first] = world.api.of('second');
    const offered = first === undefined ? [] : toolNamesOf(first);
    expect(offered).toContain(toolName('everything', 'echo'));
    expect(offered).toContain(toolName('memory', 'read_graph'));
    expect(offered).toContain(toolName('filesystem', 'read_text_file'));
  });

  it('go on through an update of the plugin, the end of its old folder and of the daemon', async () => {
    const [updated, orphaned, finished] = [gate(), gate(), gate()];
    const prompt = world.api.script('held', [
      echo('before'),
      { after: updated.passed, ...echo('after the update') },
      { after: orphaned.passed, ...echo('without the old folder') },
      { after: finished.passed, text: 'done' },
    ]);
    const held = printSession(world, 'alpha', prompt, { env: waitForServers });
    await answered('held', 1);

    prepared.marketplace.publish(buildTreeAs(laterVersion, join(world.root, 'later')));
    await runPluginCommand(world, 'marketplace', 'update', 'aitkit');
    await runPluginCommand(world, 'update', pluginId);
    const stable = join(locationsOf(world).appDir, laterVersion, 'dist', 'daemon.cjs');
    const installed = eventually(() => existsSync(stable), { what: 'the stable copy of the update' });
    const later = world.api.script('fresh', [echo('new build'), { after: installed, text: 'done' }]);
    const fresh = await printSession(world, 'beta', later, { env: waitForServers });
    expect(fresh).toMatchObject({ code: 0, stdout: 'done\n' });
    expect(world.api.results('fresh')).toEqual([{ text: 'Echo: new build', isError: false }]);
    updated.open();
    expect((await answered('held', 2)).at(-1)).toEqual({ text: 'Echo: after the update', isError: false });

    // What the client does 14 days later, and a crash on top.
    rmSync(installedRoot(world, pluginVersion()), { recursive: true });
    const killed = (await viewDaemon(world))?.daemon.pid ?? 0;
    signal(killed, 'SIGKILL');
    // A call that meets the dying daemon is answered with an error, as it may have run; the next one must work.
    await eventually(
      async () => {
        const view = await viewDaemon(world);
        return view?.sessions.length === 1 && view.daemon.pid !== killed;
      },
      { what: 'the next daemon with the held session' },
    );
    orphaned.open();
    expect((await answered('held', 3)).at(-1)).toEqual({ text: 'Echo: without the old folder', isError: false });
    expect((await viewDaemon(world))?.daemon.build.version).toBe(laterVersion);
    finished.open();
    expect((await held).code).toBe(0);
  });

  it('leave nothing behind', () => expectNothingLeft(world));
});

function entity(project: string): Record<string, unknown> {
  return { entities: [{ name: `note-of-${project}`, entityType: 'note', observations: ['written by a session'] }] };
}
