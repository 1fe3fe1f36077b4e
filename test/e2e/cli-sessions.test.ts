// What the commands say and do while real sessions are open on the real wrapper.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root as repository } from '../../scripts/build-defines.ts';
import { type McpSession, openMcpSession } from '../../src/cli/demo/mcp-session.ts';
import { eventually } from '../support/eventually.ts';
import { type CliHome, openCliHome, outcomeOf } from '../support/run-cli.ts';

let cli: CliHome;
let sessions: McpSession[] = [];
beforeEach(() => {
  cli = openCliHome();
});
afterEach(async () => {
  await Promise.all(sessions.map((session) => session.close()));
  sessions = [];
  await cli.close();
});

async function open(project: string): Promise<McpSession> {
  const cwd = join(cli.home, project);
  mkdirSync(join(cwd, '.git'), { recursive: true });
  const env = { ...cli.env, CLAUDE_PROJECT_DIR: cwd };
  const args = [join(repository, 'bin', 'run-mcp-proxy'), '--mode', 'all'];
  const session = await openMcpSession({ args, env, cwd }, new AbortController().signal);
  sessions.push(session);
  return session;
}

const pidOf = async (session: McpSession, tool: string) => (await session.call(tool))['pid'];

describe('status with open sessions', () => {
  it('shows who uses which copy and what that costs against one copy for each session', async () => {
    const [a, b] = [await open('shop'), await open('blog')];
    for (const session of [a, b]) {
      await session.call('notes__list_notes');
      await session.call('project-files__list_files');
    }
    const { stdout } = await cli.run('status');
    expect(stdout).toContain('Sessions (2)');
    expect(stdout).toMatch(/^ {2}~\/shop +mcp-proxy-demo/m);
    expect(stdout).toMatch(/^ {2}notes +ready +by everyone +1 +1 +\d+ MiB( rss)? +2 sessions$/m);
    expect(stdout).toMatch(/^ {2}project-files +ready +by project +2 +2 +\d+ MiB( rss)? +2 sessions$/m);
    expect(stdout).toMatch(/^ {4}~\/blog: ready, pid \d+, \d+ MiB( rss)?, 1 session \(\d+\)$/m);
    // Daemon and wrappers count as well: with two tiny servers and two sessions there is nothing to gain yet.
    expect(stdout).toMatch(/^Saved {3}nothing yet\n {8}now 6, \d+ MiB; with one copy for each session 4, \d+ MiB$/m);
  });
});

describe('stop and restart with open sessions', () => {
  it('leave the sessions open and working', async () => {
    const a = await open('shop');
    await a.call('notes__list_notes');
    const first = cli.daemonPid();
    expect((await cli.run('restart')).stdout).toContain(`(was ${first})`);
    const second = cli.daemonPid();
    await eventually(() => a.call('notes__list_notes'), { what: 'a call after the restart' });
    expect(cli.daemonPid()).toBe(second);

    expect((await cli.run('stop')).stdout).toContain(
      '1 session stayed open; the next call from it starts a daemon again.',
    );
    expect(cli.daemonPid()).toBeUndefined();
    await eventually(() => a.call('notes__list_notes'), { what: 'a call after the stop' });
    expect(cli.daemonPid()).not.toBe(second);
  });

  it('of one server change only that server', async () => {
    const a = await open('shop');
    const before = [await pidOf(a, 'notes__list_notes'), await pidOf(a, 'project-files__list_files')];
    expect(await cli.run('restart', 'project-files', '--project', join(cli.home, 'shop'))).toMatchObject({ code: 0 });
    const after = [await pidOf(a, 'notes__list_notes'), await pidOf(a, 'project-files__list_files')];
    expect([after[0] === before[0], after[1] === before[1]]).toEqual([true, false]);
  });
});

describe('the launcher that the wrapper installs', () => {
  it('is what hints name, and runs everything without the plugin folder', async () => {
    await open('shop');
    const launcher = join(cli.root, 'bin', 'mcp-proxy');
    await eventually(() => existsSync(launcher), { what: 'the launcher' });
    expect((await cli.run('nonsense')).stderr).not.toContain(repository);
    expect((await cli.run()).stdout).toContain('Usage: ~/.aitkit/bin/mcp-proxy <command>');
    const demo = await outcomeOf(spawn(launcher, ['demo'], { env: cli.env, cwd: cli.home }));
    expect({ code: demo.code, stderr: demo.stderr }).toEqual({ code: 0, stderr: '' });
  });
});
