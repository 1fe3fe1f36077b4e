// Changes of the config reach open sessions without a restart; every variable of the environment has its effect.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonRig, fixture, wrapperPath } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { errorOf, type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

const changed = 'notifications/tools/list_changed';
let rig: DaemonRig;
afterEach(() => rig.dispose());

describe('a change of the config', () => {
  let sessions: McpClient[];
  let before: number[];
  beforeEach(async () => {
    rig = new DaemonRig();
    rig.writeConfig({ keep: fixture('echo.mjs') });
    sessions = await Promise.all([rig.open(), rig.open({ project: rig.project('other') })]);
    for (const session of sessions) expect(await session.toolNames()).toContain('keep__echo');
    before = [...rig.daemons(), ...rig.servers().map(({ pid }) => pid)];
  });
  afterEach(() => {
    // Nothing of what did not change was restarted.
    const now = new Set(rig.processes().map(({ pid }) => pid));
    expect(before.filter((pid) => !now.has(pid))).toEqual([]);
  });

  /** Every session is told once and then sees what is expected. */
  async function reaches(expectation: (names: string[]) => void): Promise<void> {
    await Promise.all(
      sessions.map(async (session) => {
        const seen = session.notifications(changed).length;
        await session.notification(changed, Math.max(0, seen - 1));
        await eventually(
          async () => {
            expectation(await session.toolNames());
            return true;
          },
          { what: 'the new list' },
        );
      }),
    );
  }

  it('by add, disable, enable and remove reaches every open session', async () => {
    const echo = join(import.meta.dirname, '../fixtures/upstreams/echo.mjs');
    const run = async (...args: string[]) => expect(await rig.cli(args)).toMatchObject({ code: 0 });
    await run('add', '--sharing', 'shared', 'added', '--', process.execPath, echo);
    await reaches((names) => expect(names).toContain('added__echo'));
    await run('disable', 'added');
    await reaches((names) => expect(names).not.toContain('added__echo'));
    await run('enable', 'added');
    await reaches((names) => expect(names).toContain('added__echo'));
    expect(textOf(await (sessions[0] as McpClient).call('added__echo', { text: 'hello' }))).toBe('hello');
    await run('remove', 'added');
    await reaches((names) => expect(names).not.toContain('added__echo'));
    await eventually(() => rig.servers().length === 1, { what: 'the removed server to end' });
  });

  it('by an editor reaches every open session, and restarts only what changed', async () => {
    rig.writeConfig({ keep: fixture('echo.mjs'), added: fixture('echo.mjs', { ECHO_EXTRA_TOOLS: '1' }) });
    await reaches((names) => expect(names).toContain('added__extra_0'));
    rig.writeConfig({ keep: fixture('echo.mjs'), added: fixture('echo.mjs', { ECHO_EXTRA_TOOLS: '2' }) });
    await reaches((names) => expect(names).toContain('added__extra_1'));
    rig.writeConfig({ keep: fixture('echo.mjs') });
    await reaches((names) => expect(names.filter((name) => name.startsWith('added__'))).toEqual([]));
    const answer = await (sessions[0] as McpClient).call('added__extra_0');
    expect(errorOf(answer).message).toContain('added__extra_0');
  });

  it('that cannot be read changes nothing, and `status --json` shows the error until it is repaired', async () => {
    const [session] = sessions;
    const names = await session?.toolNames();
    rig.writeConfigText('{ "mcpServers": { "keep": { "command": "x" }, } ');
    await rig.statusUntil(({ config }) => config.error !== undefined, 'the error');
    const shown = await rig.cli(['status', '--json']);
    const { config } = JSON.parse(shown.stdout);
    expect(config.error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(rig.configPath) });
    for (const one of sessions) {
      expect(await one.toolNames()).toEqual(names);
      expect(textOf(await one.call('keep__echo', { text: 'as before' }))).toBe('as before');
      expect(one.notifications(changed)).toEqual([]);
    }
    rig.writeConfig({ keep: fixture('echo.mjs'), added: fixture('echo.mjs') });
    await reaches((list) => expect(list).toContain('added__echo'));
    expect((await rig.status()).config.error).toBeUndefined();
  });

  it('limits a server to its projects', async () => {
    rig.writeConfig({ keep: fixture('echo.mjs'), own: fixture('echo.mjs', {}, { projects: [rig.project('other')] }) });
    const [outside, inside] = sessions as [McpClient, McpClient];
    await eventually(async () => (await inside.toolNames()).includes('own__echo'), { what: 'the list' });
    expect(await outside.toolNames()).not.toContain('own__echo');
    expect(errorOf(await outside.call('own__echo')).code).toBe(-32602);
  });

  it('asks each session for variables that are mentioned now, and keeps their values apart', async () => {
    const mine = await rig.open({ env: { MY_TOKEN: 'token-of-mine' } });
    const yours = await rig.open({ env: { MY_TOKEN: 'token-of-yours' } });
    rig.writeConfig({ keep: fixture('echo.mjs'), secret: fixture('echo.mjs', { TOKEN: '${MY_TOKEN}' }) });
    const read = async (session: McpClient) =>
      textOf(await session.call('secret__env', { names: ['TOKEN', 'MY_TOKEN'] }));
    await eventually(async () => (await mine.toolNames()).includes('secret__env'), { what: 'the server' });
    await yours.toolNames();
    expect(JSON.parse(await read(mine))).toEqual({ TOKEN: 'token-of-mine', MY_TOKEN: null });
    expect(JSON.parse(await read(yours))).toEqual({ TOKEN: 'token-of-yours', MY_TOKEN: null });
    const answer = await (sessions[0] as McpClient).call('secret__env');
    expect(JSON.stringify(answer)).toContain('MY_TOKEN');
    expect(JSON.stringify(answer)).toContain('SERVER_NEEDS_VARIABLE');
    const { stdout } = await rig.cli(['status', '--json']);
    expect(stdout).not.toContain('token-of-');
  });
});

describe('the next request after a change', () => {
  const echo = join(import.meta.dirname, '../fixtures/upstreams/echo.mjs');
  let session: McpClient;
  beforeEach(async () => {
    rig = new DaemonRig();
    rig.writeConfig({ keep: fixture('echo.mjs') });
    session = await rig.open();
    expect(textOf(await session.call('keep__echo', { text: 'a' }))).toBe('a');
  });
  const servers = async () => [...new Set((await session.toolNames()).map((name) => name.split('__')[0]))].sort();
  const refused = async () => {
    const answer = await session.call('keep__echo', { text: 'a' });
    return 'error' in answer;
  };

  it('sees what an editor saved, in lists and in calls', async () => {
    for (let i = 0; i < 5; i += 1) {
      rig.writeConfig({ keep: fixture('echo.mjs'), more: fixture('echo.mjs') });
      expect(await servers()).toEqual(['keep', 'more']);
      rig.writeConfig({ more: fixture('echo.mjs') });
      expect(await refused()).toBe(true);
      expect(await servers()).toEqual(['more']);
      rig.writeConfig({ keep: fixture('echo.mjs') });
      expect(await refused()).toBe(false);
      expect(await servers()).toEqual(['keep']);
    }
  });

  it('sees what a verb of the command line did', async () => {
    const run = async (...args: string[]) => {
      const outcome = await rig.cli(args);
      expect(outcome).toMatchObject({ code: 0, stdout: expect.stringContaining('The running daemon has taken it') });
    };
    await run('add', '--sharing', 'shared', 'added', '--', process.execPath, echo);
    expect(await servers()).toEqual(['added', 'keep']);
    await run('disable', 'keep');
    expect(await refused()).toBe(true);
    await run('enable', 'keep');
    expect(await refused()).toBe(false);
    await run('remove', 'added');
    expect(await servers()).toEqual(['keep']);
  });

  it('sees nothing of half a file, and `status` shows at once what is wrong with a whole one', async () => {
    rig.writeConfigText('{ "mcpServers": { "more": ');
    expect(await servers()).toEqual(['keep']);
    expect((await rig.status()).config.error?.message).toContain(rig.configPath);
    rig.writeConfigText('{ "mcpServers": { "more": { "command": 5 } } }');
    expect((await rig.status()).problems[0]?.message).toContain('more.command');
    rig.writeConfig({ keep: fixture('echo.mjs') });
    expect((await rig.status()).problems).toEqual([]);
  });

  it('is not asked of a daemon that does not answer: the command says so and ends', async () => {
    const [daemon] = rig.daemons();
    process.kill(daemon as number, 'SIGSTOP');
    try {
      const outcome = await rig.cli(['disable', 'keep']);
      expect(outcome.code).toBe(0);
      expect(outcome.stdout.replace(/\s+/g, ' ')).toContain('did not say that it has taken this');
    } finally {
      process.kill(daemon as number, 'SIGCONT');
    }
    expect(await refused()).toBe(true);
  });
});

describe('the environment', () => {
  it('MCPPROXY_CONFIG_PATH names the config', async () => {
    rig = new DaemonRig({ MCPPROXY_CONFIG_PATH: '~/elsewhere.json' });
    writeFileSync(join(rig.home, 'elsewhere.json'), JSON.stringify({ mcpServers: { there: fixture('echo.mjs') } }));
    const session = await rig.open();
    expect(await session.toolNames()).toContain('there__echo');
    expect((await rig.status()).config.path).toBe(join(rig.home, 'elsewhere.json'));
  });

  it('MCPPROXY_DATA_DIR moves everything under lib/mcpproxy', async () => {
    rig = new DaemonRig({ MCPPROXY_DATA_DIR: '~/data' });
    rig.writeConfig({ echo: fixture('echo.mjs') });
    expect(rig.configPath).toBe(join(rig.home, 'data', 'mcp_proxy_config.json'));
    const session = await rig.open();
    expect(textOf(await session.call('echo__cwd'))).toBe(join(rig.home, 'data', 'work', 'echo'));
    expect(existsSync(join(rig.home, 'data', 'mcp-proxy.log'))).toBe(true);
    expect(existsSync(join(rig.root, 'lib'))).toBe(false);
    expect(existsSync(join(rig.root, 'run', 'mcp-proxy-mcp-user.pid'))).toBe(true);
  });

  it('AITKIT_ROOT moves all, and its default is ~/.aitkit', async () => {
    rig = new DaemonRig({ AITKIT_ROOT: '' });
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const session = await rig.open();
    expect((await rig.status()).daemon.socket).toBe(join(rig.home, '.aitkit', 'run', 'mcp-proxy-mcp-user.v1.sock'));
    await session.close();
    await rig.nothingLeft();
    const moved = new DaemonRig({ AITKIT_ROOT: join(rig.home, 'moved') });
    try {
      moved.writeConfig({});
      await moved.open();
      expect((await moved.status()).daemon.dataDir).toBe(join(rig.home, 'moved', 'lib', 'mcpproxy'));
    } finally {
      await moved.dispose();
    }
  });

  it('MCPPROXY_PORT is over the file: a number, 0 for any, off for none', async () => {
    rig = new DaemonRig({ MCPPROXY_PORT: '0' });
    rig.writeConfig({}, { http: { port: 'off' } });
    const first = await rig.open();
    const { daemon } = await rig.statusUntil((status) => status.daemon.port !== undefined, 'a port');
    expect(daemon.port).toBeGreaterThan(1_023);
    await first.close();
    await rig.nothingLeft();
    // The port that was free a moment ago, by number.
    const session = await rig.open({ env: { MCPPROXY_PORT: String(daemon.port) } });
    await rig.statusUntil((status) => status.daemon.port === daemon.port, 'that port');
    await session.close();
    await rig.nothingLeft();
    const off = await rig.open({ env: { MCPPROXY_PORT: 'off' } });
    const status = await rig.status();
    expect([status.daemon.port, status.daemon.portProblem]).toEqual([undefined, undefined]);
    await off.close();
  });

  it('MCPPROXY_TOP_K and MCPPROXY_TOOLS_LIMIT are over the file; a bad value is named and changes nothing', async () => {
    rig = new DaemonRig({ MCPPROXY_TOP_K: '7', MCPPROXY_TOOLS_LIMIT: '0x20' });
    rig.writeConfig({}, { tools: { topK: 3, toolsLimit: 44 } });
    await rig.open();
    const { daemon, config } = await rig.status();
    expect(daemon.settings).toMatchObject({ topK: 7, toolsLimit: 44 });
    expect(JSON.stringify(config.warnings)).toContain('MCPPROXY_TOOLS_LIMIT');
  });

  it.each([
    ['MCPPROXY_TRANSPORT=stdio', { env: { MCPPROXY_TRANSPORT: 'stdio' } }],
    ['--alone', { args: ['--alone'] }],
  ])('%s gives a session a daemon and servers of its own, which end with it', async (_what, options) => {
    rig = new DaemonRig();
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const shared = await rig.open();
    const alone = await rig.open(options);
    expect(textOf(await alone.call('echo__pid'))).not.toBe(textOf(await shared.call('echo__pid')));
    expect(rig.daemons()).toHaveLength(2);
    await alone.close();
    await eventually(() => rig.daemons().length === 1 && rig.servers().length === 1, { what: 'its daemon to end' });
    expect(readdirSync(join(rig.root, 'run')).filter((name) => name.includes('alone-'))).toEqual([]);
    expect(textOf(await shared.call('echo__echo', { text: 'shared' }))).toBe('shared');
  });

  it('a daemon whose only session was killed before it came ends by itself', async () => {
    rig = new DaemonRig();
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const bundle = join(dirname(wrapperPath), '..', 'dist', 'daemon.cjs');
    const daemon = rig.spawn(process.execPath, [bundle, '--name', 'alone-4194303-abc', '--alone'], {
      AITKIT_DAEMON: '1',
    });
    await eventually(() => daemon.exitCode === 0, { what: 'it to end' });
    expect(readdirSync(join(rig.root, 'run')).filter((name) => name.includes('alone-'))).toEqual([]);
  });

  it.each([
    ['MCPPROXY_CONFIG_PATH', '/nowhere/other.json'],
    ['MCPPROXY_PORT', '4711'],
  ])('%s that differs from the running daemon is an error that names both values', async (name, value) => {
    rig = new DaemonRig();
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const shared = await rig.open();
    const session = rig.session({ env: { [name]: value } });
    await session.initialize();
    const answer = await session.call('echo__echo', { text: 'x' });
    const text = JSON.stringify(answer);
    expect(text).toContain('SETTINGS_DIFFER');
    expect(text).toContain(value);
    expect(text).toContain(name === 'MCPPROXY_PORT' ? 'off' : rig.configPath);
    expect(resultOf(await shared.call('echo__echo', {}))['isError']).toBeUndefined();
    expect((await rig.status()).sessions).toHaveLength(1);
  });

  it('MCPPROXY_DATA_DIR that differs is an error that names both folders', async () => {
    rig = new DaemonRig();
    rig.writeConfig({ echo: fixture('echo.mjs') });
    await rig.open();
    const other = join(rig.home, 'other-data');
    mkdirSync(other, { mode: 0o700 });
    const session = rig.session({ env: { MCPPROXY_DATA_DIR: other } });
    await session.initialize();
    const text = JSON.stringify(await session.call('echo__echo', {}));
    expect(text).toContain(other);
    expect(text).toContain(rig.locations.dataDir);
  });
});
