// add, add-json, remove, enable, disable, list, get, explain on a config file of their own, with no daemon.
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliRig, createCliRig } from '../cli-rig.ts';

let rig: CliRig;
beforeEach(() => {
  rig = createCliRig();
});
afterEach(() => rig.remove());

const write = (text: string) => {
  mkdirSync(dirname(rig.configPath), { recursive: true });
  writeFileSync(rig.configPath, text, { mode: 0o600 });
};

describe('add', () => {
  it('creates the config with the server and says who shares it and when it counts', async () => {
    expect(
      await rig.run('add', 'memory', '-e', 'A=1', '--', 'npx', '-y', '@modelcontextprotocol/server-memory'),
    ).toEqual({
      code: 0,
      stdout: [
        'Added memory: npx -y @modelcontextprotocol/server-memory',
        'Shared by everyone. Its store must have one writer; several copies would',
        'overwrite each other’s file.',
        'Config: ~/.aitkit/lib/mcpproxy/mcp_proxy_config.json (created)',
        'No daemon runs now; the next session that opens has it.',
        '',
      ].join('\n'),
      stderr: '',
    });
    expect(rig.config()).toEqual({
      mcpServers: { memory: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-memory'], env: { A: '1' } } },
    });
    expect(statSync(rig.configPath).mode & 0o777).toBe(0o600);
  });

  it.each<[string, string[], unknown]>([
    [
      'a URL with a header behind it',
      ['x', 'https://a.test/mcp', '--header', 'A: b', '--sharing', 'session'],
      { type: 'http', url: 'https://a.test/mcp', headers: { A: 'b' }, sharing: 'session' },
    ],
    [
      'options of claude before and behind the command',
      ['-t', 'stdio', 'x', 'npx', '-y', 'p', '-e', 'A=1', '-s', 'user', '--flag'],
      { command: 'npx', args: ['-y', 'p', '--flag'], env: { A: '1' } },
    ],
    [
      'a command that has our option names',
      ['x', 'serve', '--project', '/p', '--sharing', 'no'],
      { command: 'serve', args: ['--project', '/p', '--sharing', 'no'] },
    ],
    [
      'several variables after one -e',
      ['-e', 'A=1', 'B=2', 'x', '--', 'cmd'],
      { command: 'cmd', args: [], env: { A: '1', B: '2' } },
    ],
  ])('takes %s', async (_what, words, definition) => {
    expect((await rig.run('add', ...words)).stderr).toBe('');
    expect(rig.config()).toEqual({ mcpServers: { x: definition } });
  });

  it('takes a preset under its own or another name', async () => {
    await rig.run('add', '--preset', 'git');
    await rig.run('add', 'repo', '--preset', 'git', '--project', '.');
    const definition = { command: 'uvx', args: ['mcp-server-git', '--repository', '${PROJECT_ROOT}'] };
    expect(rig.config()).toEqual({ mcpServers: { git: definition, repo: { ...definition, projects: [rig.project] } } });
    const { code, stderr } = await rig.run('add', '--preset', 'gti');
    expect({ code, stderr: stderr.split('\n')[1] }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean git?'),
    });
  });

  it('turns the local and project scopes into the project one stands in, and explains it', async () => {
    const { stdout } = await rig.run('add', '-s', 'local', 'x', '--', 'cmd');
    expect(stdout).toContain('Scope local: the entry stands in your own config, and only sessions in ~/shop');
    expect(rig.config()).toEqual({ mcpServers: { x: { command: 'cmd', args: [], projects: [rig.project] } } });
    expect(await rig.run('add', '-s', 'team', 'y', '--', 'cmd')).toMatchObject({ code: 2 });
  });

  it('keeps an existing entry unless told to replace it', async () => {
    await rig.run('add', 'x', '--', 'one');
    expect(await rig.run('add', 'x', '--', 'two')).toMatchObject({ code: 1, stdout: '' });
    expect(rig.config()).toEqual({ mcpServers: { x: { command: 'one', args: [] } } });
    await rig.run('add', '--replace', 'x', '--', 'two');
    expect(rig.config()).toEqual({ mcpServers: { x: { command: 'two', args: [] } } });
  });

  it('writes nothing when the words make no server', async () => {
    for (const words of [[], ['x'], ['x', 'y', '-t', 'http'], ['a/b', 'cmd'], ['x', '{"command":"y"}']]) {
      expect((await rig.run('add', ...words)).code).not.toBe(0);
    }
    expect(existsSync(rig.configPath)).toBe(false);
  });
});

describe('add-json', () => {
  it('writes the entry as the JSON says, with keys that we do not know', async () => {
    const { code } = await rig.run('add-json', 'x', '{"command":"y","args":["z"],"own":{"a":1}}', '--project', '.');
    expect(code).toBe(0);
    expect(rig.config()).toEqual({
      mcpServers: { x: { command: 'y', args: ['z'], own: { a: 1 }, projects: [rig.project] } },
    });
  });

  it('refuses what is no object and what is no server', async () => {
    expect(await rig.run('add-json', 'x', '{command}')).toMatchObject({ code: 2 });
    expect(await rig.run('add-json', 'x', '["y"]')).toMatchObject({ code: 2 });
    expect(await rig.run('add-json', 'x', '{"args":[]}')).toMatchObject({ code: 1 });
  });
});

describe('remove, enable and disable', () => {
  const before = '{\n  // mine\n  "mcpServers": { "a": { "command": "x" }, "b": { "command": "y" } } // two\n}\n';

  it('change their server and leave comments and the others as they are', async () => {
    write(before);
    expect((await rig.run('disable', 'b')).stdout).toContain('Disabled b\n');
    expect((await rig.run('list')).stdout).toMatch(/^b +disabled/m);
    expect((await rig.run('disable', 'b')).stdout).toBe('b is disabled already.\n');
    expect((await rig.run('enable', 'b')).stdout).toContain('Enabled b\n');
    expect((await rig.run('remove', 'a', '-s', 'user')).stdout).toContain('Removed a\n');
    expect((await rig.run('list')).stdout).toMatch(/^b +enabled/m);
    expect((await rig.run('list')).stdout).not.toMatch(/^a /m);
  });

  it('name the nearest server for one that is not there', async () => {
    write('{ "mcpServers": { "github": { "command": "x" } } }');
    for (const verb of ['remove', 'enable', 'disable', 'get', 'explain']) {
      const { code, stderr } = await rig.run(verb, 'gihtub');
      expect({ verb, code, near: stderr.includes('Did you mean') && stderr.includes('github') }).toEqual({
        verb,
        code: 1,
        near: true,
      });
    }
  });
});

describe('list and get', () => {
  const config = JSON.stringify({
    mcpServers: {
      api: {
        type: 'http',
        url: 'https://a.test/mcp?api_key=geheim123',
        headers: { Authorization: 'Bearer geheim456', 'X-Ref': 'Bearer ${TOKEN}' },
      },
      local: {
        command: 'srv',
        args: ['--token', 'geheim789', '--port', '1'],
        env: { API_KEY: 'geheim000', LEVEL: 'debug' },
      },
      broken: { args: [] },
    },
  });

  it('show every server, the broken one with its reason', async () => {
    write(config);
    const { stdout } = await rig.run('list');
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'NAME    STATE    SHARED       WHAT',
      "api     enabled  by everyone  'https://a.test/mcp?api_key=(hidden)'",
      'local   enabled  by project   srv --token (hidden) --port 1',
      'broken  invalid',
    ]);
    expect(stdout).toContain('mcpServers.broken has no command or url');
    const rows: unknown = JSON.parse((await rig.run('list', '--json')).stdout);
    expect(rows).toMatchObject([
      { name: 'api', state: 'enabled', sharing: 'shared' },
      { name: 'local', sharing: 'project' },
      { name: 'broken', state: 'invalid' },
    ]);
  });

  it('never print a secret that stands in the file, but show references to variables', async () => {
    write(config);
    const texts = [
      await rig.run('list'),
      await rig.run('list', '--json'),
      await rig.run('get', 'api'),
      await rig.run('get', 'local'),
    ];
    expect(texts.map(({ stdout }) => stdout).join('\n')).not.toContain('geheim');
    expect(texts[2]?.stdout).toContain('X-Ref: Bearer ${TOKEN}');
    expect(texts[3]?.stdout).toContain('LEVEL=debug');
  });

  it('fail with file, line and column when the config does not parse', async () => {
    write('{ "mcpServers": \n  oops }');
    const { code, stderr } = await rig.run('list');
    expect(code).toBe(1);
    expect(stderr).toContain('mcp_proxy_config.json:2:3:');
    expect((await rig.run('status')).stdout).toContain(':2:3:');
  });
});

describe('explain without a daemon', () => {
  it.each([
    [{ command: 'files', args: ['.'] }, '~/shop/packages/web'],
    [{ command: 'files', args: ['${PROJECT_ROOT}'] }, '~/shop/packages/web'],
    [{ command: 'files', sharing: 'session' }, '~/shop/packages/web'],
    [{ command: 'serena', args: ['--project', '${PROJECT_ROOT}'] }, '~/shop'],
    [{ command: 'files', cwd: 'project' }, '~/shop'],
    [{ command: 'files', cwd: '/srv' }, '/srv'],
  ])('says for a folder of a repository where %j starts: %s', async (entry, folder) => {
    write(JSON.stringify({ mcpServers: { x: entry } }));
    mkdirSync(`${rig.project}/packages/web`, { recursive: true });
    const { stdout } = await rig.run('explain', 'x', '--project', 'packages/web');
    expect(stdout).toContain(`\n  folder     ${folder}\n`);
  });

  it('says from the file whether a project sees the server and who shares it', async () => {
    write(JSON.stringify({ mcpServers: { x: { command: 'y', projects: [rig.home.concat('/other')] } } }));
    expect((await rig.run('explain', 'x')).stdout).toBe(
      [
        'x',
        '  project    ~/shop',
        '  seen here  no',
        '  shared     by project',
        '             It is not known to be safe to share between projects.',
        'No daemon runs; a running one also knows the variables of the sessions and the copies.',
        '',
      ].join('\n'),
    );
  });
});

describe('without a daemon', () => {
  it('status, logs and health say so and start none; the exit code of health is 1', async () => {
    expect(await rig.run('status')).toMatchObject({ code: 0 });
    expect(await rig.run('logs')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'Nothing was written yet: ~/.aitkit/lib/mcpproxy/mcp-proxy.log\n',
    });
    expect(await rig.run('health', '--json')).toMatchObject({ code: 1, stdout: '{"status":"absent"}\n' });
    expect(await rig.run('stop')).toMatchObject({ code: 0, stdout: 'No daemon runs.\n' });
    expect(await rig.run('stop', 'x')).toMatchObject({ code: 1 });
    expect(existsSync(rig.home.concat('/.aitkit'))).toBe(false);
  });

  it('commands that never end are refused to the slash command', async () => {
    for (const words of [['status', '--watch'], ['logs', '-f'], ['run']]) {
      const { code, stdout } = await rig.run('--from-skill', ...words);
      expect({ code, refused: stdout.includes('Run it in a terminal.') }).toEqual({ code: 0, refused: true });
    }
  });
});

describe('words for programs and words too many', () => {
  it('prints one server as JSON without its secrets, also with --json in front', async () => {
    write('{"mcpServers":{"api":{"url":"https://x.test/mcp","headers":{"Authorization":"Bearer abcdef123456"}}}}');
    const after = await rig.run('get', 'api', '--json');
    expect(JSON.parse(after.stdout)).toMatchObject({ name: 'api', isEnabled: true, kind: 'http', sharing: 'shared' });
    expect(after.stdout).not.toContain('abcdef123456');
    expect(await rig.run('--json', 'get', 'api')).toEqual(after);
    expect(JSON.parse((await rig.run('--json', 'status')).stdout)).toMatchObject({ running: false });
    expect(JSON.parse((await rig.run('stop', '--json')).stdout)).toEqual({ stopped: false });
    expect(await rig.run('--json')).toMatchObject({ code: 2 });
  });

  it.each([
    ['start', 'nope'],
    ['call', 'nope', 't'],
  ])('%s %s starts nothing for a server that nobody knows', async (...words) => {
    write('{"mcpServers":{"api":{"url":"https://x.test/mcp"}}}');
    const { code, stderr } = await rig.run(...words);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('There is no server "nope"') });
    expect(existsSync(`${rig.home}/.aitkit/run`)).toBe(false);
  });

  it('refuses a word that demo does not know', async () => {
    expect(await rig.run('demo', 'extra')).toMatchObject({ code: 2, stderr: expect.stringContaining('"extra"') });
  });
});
