// Variables come from the session that asks: they decide whose copy it gets, and their values are shown nowhere.
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';
import { at, LegacyHttpClient } from '../support/mcp-http-client.ts';
import { runFixture } from '../support/run-fixture.ts';

const all = { tools: { mode: 'all' } };
let rig: DaemonRig;
const open = (env: Record<string, string> = {}, more: Record<string, unknown> = {}) => rig.open({ env, ...more });
const pidOf = async (session: McpClient, server = 'github') => textOf(await session.call(`${server}__pid`));
const envOf = async (session: McpClient, name: string, server = 'github'): Promise<unknown> =>
  JSON.parse(textOf(await session.call(`${server}__env`, { names: [name] })))[name];

describe('variables of the sessions', () => {
  beforeEach(() => {
    rig = new DaemonRig();
    rig.writeConfig({ github: fixture('echo.mjs', { GITHUB_TOKEN: '${GITHUB_TOKEN}' }) }, all);
  });
  afterEach(() => rig.dispose());

  it('equal tokens share one copy, another token gets another, and each copy has its own', async () => {
    const tokens = ['token-of-ann', 'token-of-bob', 'token-of-ann'];
    const sessions = await Promise.all(tokens.map((token) => open({ GITHUB_TOKEN: token })));
    const [ann, bob, again] = await Promise.all(sessions.map((session) => pidOf(session)));
    expect(ann).toBe(again);
    expect(bob).not.toBe(ann);
    expect(await Promise.all(sessions.map((session) => envOf(session, 'GITHUB_TOKEN')))).toEqual(tokens);
    const status = await rig.status();
    const [server] = status.servers;
    const byKey = new Set(server?.instances.map(({ key }) => key));
    expect(byKey.size).toBe(2);
    expect(server?.instances.map(({ sessions: users }) => users.length).sort()).toEqual([1, 2]);
    const ids = status.sessions.map(({ id }) => id);
    expect(server?.instances.flatMap(({ sessions: users }) => users).sort()).toEqual(ids.sort());
  });

  it('a session without the token is told what is missing, whatever the session that started the daemon has', async () => {
    const [first, second] = [await open({ GITHUB_TOKEN: 'token-of-ann' }), await open()];
    expect(await envOf(first, 'GITHUB_TOKEN')).toBe('token-of-ann');
    const answer = await second.call('github__pid');
    expect(resultOf(answer)['isError']).toBe(true);
    expect(textOf(answer)).toContain('needs GITHUB_TOKEN');
    expect(rig.servers()).toHaveLength(1);
    const explained = await rig.cli(['explain', 'github']);
    expect(explained.stdout).toContain('needs GITHUB_TOKEN');
    expect(explained.stdout).toMatch(/Open here: session \d+: copy [0-9a-f]{8} \(github-1, ready\)/);
  });

  it('names that a reload brings are asked for, and calls meanwhile wait for the answer', async () => {
    const session = await open({ GITHUB_TOKEN: 'token-of-ann', LATER: 'came later', LATEST: 'came last' });
    const before = await pidOf(session);
    const env = { GITHUB_TOKEN: '${GITHUB_TOKEN}', LATER: '${LATER}' };
    // Two reloads at once: the answer to the first question must not pass for the second.
    rig.writeConfig({ github: fixture('echo.mjs', env) }, all);
    await rig.http('POST', '/reload');
    rig.writeConfig({ github: fixture('echo.mjs', { ...env, LATEST: '${LATEST}' }) }, all);
    await rig.http('POST', '/reload');
    expect(await envOf(session, 'LATEST')).toBe('came last');
    expect(await envOf(session, 'LATER')).toBe('came later');
    expect(await pidOf(session)).not.toBe(before);
    await eventually(() => rig.servers().length === 1, { what: 'the old copies to end' });
  });

  it('PATH and the like are of the session that starts a copy and do not make another one', async () => {
    rig.writeConfig({ plain: { ...fixture('echo.mjs', {}, { inheritEnv: ['KEPT_*'] }), command: 'own-node' } }, all);
    const bin = rig.project('bin');
    writeFileSync(join(bin, 'own-node'), `#!/bin/sh\nexec '${process.execPath}' "$@"\n`);
    chmodSync(join(bin, 'own-node'), 0o755);
    const path = `${bin}:${process.env['PATH']}`;
    const first = await open({ PATH: path, LANG: 'de_DE.UTF-8', KEPT_A: 'a', CLAUDE_CODE_TOKEN: 'x', OTHER: 'y' });
    const second = await open({ LANG: 'fr_FR.UTF-8', KEPT_A: 'a' });
    expect(await pidOf(first, 'plain')).toBe(await pidOf(second, 'plain'));
    expect(await envOf(second, 'LANG', 'plain')).toBe('de_DE.UTF-8');
    const names: unknown = JSON.parse(textOf(await first.call('plain__env')));
    expect(names).toEqual(expect.arrayContaining(['HOME', 'KEPT_A', 'LANG', 'PATH']));
    expect(names).toEqual(expect.not.arrayContaining(['CLAUDE_CODE_TOKEN']));
    for (const name of ['CLAUDE_CODE_TOKEN', 'OTHER', 'AITKIT_ROOT', 'MCPPROXY_PORT']) {
      expect(names, name).not.toContain(name);
    }
    const [server] = (await rig.status()).servers;
    expect(server?.instances[0]?.command).toBe(join(bin, 'own-node'));
    expect(server?.instances[0]?.environment).toEqual(expect.arrayContaining(['KEPT_A', 'LANG', 'PATH']));
  });
});

describe('programs without a wrapper', () => {
  beforeEach(() => {
    rig = new DaemonRig({ MCPPROXY_PORT: '0', GITHUB_TOKEN: 'token-of-the-daemon' });
    const env = { GITHUB_TOKEN: '${GITHUB_TOKEN}', REGION: '${REGION:-here}' };
    rig.writeConfig({ github: fixture('echo.mjs', env) }, { ...all, daemon: { idleExitMs: 5_000 } });
  });
  afterEach(() => rig.dispose());

  async function client(): Promise<LegacyHttpClient> {
    const { daemon } = await rig.statusUntil((status) => status.daemon.port !== undefined, 'a port');
    const token = readFileSync(rig.locations.tokenPath, 'utf8').trim();
    const one = new LegacyHttpClient({ url: `http://127.0.0.1:${daemon.port}/mcp`, token });
    await one.open();
    return one;
  }
  const call = async (one: LegacyHttpClient, name: string, args = {}) =>
    String(at(await one.request(name, 'tools/call', { name, arguments: args }), 'result', 'content', 0, 'text'));

  it('have the env file, defaults, and else hear what is missing; a change of the file reaches them', async () => {
    const starter = await open();
    expect(await envOf(starter, 'GITHUB_TOKEN')).toBe('token-of-the-daemon');
    const one = await client();
    // The daemon itself has the variable, from the session that started it. It is not theirs.
    expect(await call(one, 'github__pid')).toContain('needs GITHUB_TOKEN');

    writeFileSync(rig.locations.envFilePath, 'GITHUB_TOKEN=token-of-the-file\n', { mode: 0o600 });
    const names = ['GITHUB_TOKEN', 'REGION'];
    const first = await eventually(
      async () => {
        const text = await call(one, 'github__env', { names });
        return text.startsWith('{') && text;
      },
      { what: 'the env file to be read' },
    );
    expect(JSON.parse(first)).toEqual({ GITHUB_TOKEN: 'token-of-the-file', REGION: 'here' });
    const cli = await rig.cli(['call', 'github', 'env', JSON.stringify({ names })]);
    expect(cli.stdout).toContain('token-of-the-file');

    writeFileSync(rig.locations.envFilePath, "GITHUB_TOKEN='another token'\nexport REGION=there\n", { mode: 0o600 });
    await eventually(async () => (await call(one, 'github__env', { names })).includes('another token'), {
      what: 'the changed env file to be read',
    });
    expect(JSON.parse(await call(one, 'github__env', { names }))).toEqual({
      GITHUB_TOKEN: 'another token',
      REGION: 'there',
    });
    expect(await envOf(starter, 'GITHUB_TOKEN')).toBe('token-of-the-daemon');
    await one.fetch('DELETE');
  });
});

describe('headers of a remote server', () => {
  beforeEach(() => {
    rig = new DaemonRig();
  });
  afterEach(() => rig.dispose());

  it('are each session’s own, cost no second copy, and show nobody another identity’s lists', async () => {
    const echo = join(import.meta.dirname, '../fixtures/upstreams/http-echo.mjs');
    rig.writeConfig(
      {
        web: {
          ...{ command: process.execPath, args: [echo], env: { PORT: '${PORT}' }, sharing: 'shared' },
          url: 'http://127.0.0.1:${PORT}/mcp',
          headers: { 'X-Extra-Tools': '${RIGHTS}' },
        },
      },
      all,
    );
    const sessions = await Promise.all(['1', '3', '1'].map((rights) => open({ RIGHTS: rights })));
    const extras = async () =>
      Promise.all(sessions.map(async (one) => (await one.toolNames()).filter((name) => name.includes('extra')).length));
    expect(await extras()).toEqual([1, 3, 1]);
    expect(new Set(await Promise.all(sessions.map((session) => pidOf(session, 'web')))).size).toBe(1);
    expect(await extras()).toEqual([1, 3, 1]);
    // Also from what is remembered, when the server and the daemon start anew.
    await rig.closeSessions();
    await rig.nothingLeft();
    const later = await open({ RIGHTS: '3' });
    expect((await later.toolNames()).filter((name) => name.includes('extra'))).toHaveLength(3);
  });
});

describe('a planted secret', () => {
  const planted = {
    CANARY_ENV: 'canary-env-"quoted"-1f0e9d',
    CANARY_HEADER: 'canary-header-5b7a2c',
    CANARY_ARG: 'canary-arg-93d1f4',
    CANARY_URL: 'canary-url-a/b+c 77e2',
  };
  const literal = 'canary-literal-40cc1e';
  const marks = [...Object.values(planted), literal, '"quoted"-1f0e9d', encodeURIComponent(planted.CANARY_URL)];
  beforeEach(() => {
    rig = new DaemonRig({ MCPPROXY_PORT: '0' });
  });
  afterEach(() => rig.dispose());

  it('appears in no log, status, argv of ours, snapshot, face or error', async () => {
    const [web, locked] = [
      await runFixture('http-echo.mjs'),
      await runFixture('http-echo.mjs', { HTTP_TOKEN: 'other' }),
    ];
    try {
      const remote = (port: number) => ({
        type: 'http',
        url: `http://127.0.0.1:${port}/mcp?key=\${CANARY_URL}`,
        headers: { Authorization: 'Bearer ${CANARY_HEADER}', 'X-Api-Key': '${CANARY_HEADER}' },
      });
      const secrets = { GITHUB_TOKEN: '${CANARY_ENV}', API_KEY: literal };
      const talkative = 'console.error(process.argv, process.env); process.exit(3)';
      rig.writeConfig(
        {
          local: fixture('echo.mjs', secrets, { args: [fixtureArgs(), '--token', '${CANARY_ARG}'] }),
          dies: { command: process.execPath, args: ['-e', talkative, '--', '--api-key=${CANARY_ARG}'], env: secrets },
          missing: { command: 'no-such-program', args: ['--token', '${CANARY_ARG}'], env: secrets },
          web: remote(web.port),
          locked: remote(locked.port),
          gone: remote(1),
        },
        all,
      );
      const session = await open(planted);
      await session.toolNames();
      expect(textOf(await session.call('local__echo', { text: 'hello' }))).toBe('hello');
      expect(textOf(await session.call('web__echo', { text: 'hello' }))).toBe('hello');
      // What a server prints itself, and its last words in an error.
      for (const line of [planted.CANARY_ENV, `token ${planted.CANARY_ARG} and ${literal}`]) {
        await session.call('local__stderr', { line }).catch(() => {});
      }
      const failures = ['local__crash', 'dies__x', 'missing__x', 'locked__x', 'gone__x'];
      for (const name of failures) expect(resultOf(await session.call(name))['isError'], name).toBe(true);

      const shown = [
        JSON.stringify(await rig.status()),
        ...(await Promise.all(
          [
            ['status'],
            ['status', '--json'],
            ['doctor'],
            ...['local', 'dies', 'missing', 'web', 'locked', 'gone'].flatMap((name) => [
              ['explain', name, '--json'],
              ['logs', name],
              ['get', name],
            ]),
          ].map(async (words) => {
            const { stdout, stderr } = await rig.cli(words, planted);
            return `${words.join(' ')}: ${stdout}${stderr}`;
          }),
        )),
        // The lines that a server was made to print are arguments of this very session, so they are not among these.
        ...session.lines,
        ...rig
          .processes()
          .filter(({ command }) => !command.includes('/fixtures/upstreams/'))
          .map(({ command }) => command),
      ];
      expect(shown.join('\n')).toContain('[redacted]');
      // What stands in a server's own arguments is readable by everyone whatever we do: doctor says so.
      for (const name of ['local', 'dies', 'missing'])
        expect(shown.join('\n')).toContain(`The arguments of "${name}" carry`);
      await session.close();
      await rig.nothingLeft();
      const files = filesBelow(rig.home).filter((path) => path !== rig.configPath);
      const names = files.map((path) => path.slice(rig.home.length));
      for (const part of ['/mcp-proxy.log', '/logs/local.log', '/snapshots/', '/faces/']) {
        expect(
          names.filter((name) => name.includes(part)),
          part,
        ).not.toEqual([]);
      }
      const texts = [...shown, ...files.map((path) => `${path}: ${readFileSync(path, 'utf8')}`)];
      for (const mark of marks)
        expect(
          texts.filter((text) => text.includes(mark)),
          mark,
        ).toEqual([]);
    } finally {
      await Promise.all([web.stop(), locked.stop()]);
    }
  });

  const fixtureArgs = () => join(import.meta.dirname, '../fixtures/upstreams/echo.mjs');
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? dirname(folder), entry.name));
}
