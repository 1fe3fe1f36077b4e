import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LoadResult, loadConfig, parseConfig } from '../../../src/config/load.ts';
import { visibleServers } from '../../../src/config/visibility.ts';

const file = '/x/c.json';
const parse = (text: string, env: Record<string, string> = {}) =>
  parseConfig({ file, text, env: { HOME: '/home/me', ...env } });
const servers = (definitions: Record<string, unknown>) => parse(JSON.stringify({ mcpServers: definitions }));

function good(result: LoadResult) {
  if (!result.ok) throw new Error(result.problem.message);
  return result;
}
function bad(result: LoadResult) {
  if (result.ok) throw new Error('loaded');
  return result.problems;
}

describe('loadConfig', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'config-load-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));
  const load = (path: string) => loadConfig({ locations: { configPath: path }, env: { HOME: home } });

  it('gives no servers and the defaults for an absent file', () => {
    const { exists, config, warnings, invalid } = good(load(join(home, 'none.json')));
    expect({ exists, warnings, invalid }).toEqual({ exists: false, warnings: [], invalid: [] });
    expect(config).toEqual({
      servers: [],
      transport: 'streamable-http',
      knownServers: [],
      daemon: {
        idleExitMs: 30_000,
        maxMessageBytes: 67_108_864,
        startLimit: 4,
        startTimeoutMs: 60_000,
        maxQueued: 1_000,
      },
      http: { port: 12_476, host: '127.0.0.1', auth: 'token', keepDaemon: false },
      tools: { mode: 'auto', topK: 10, toolsLimit: 50, clients: {} },
      shield: {
        arrayItems: 50,
        stringChars: 8_192,
        heavyFieldBytes: 256,
        maxResultBytes: 65_536,
        maxResults: 100,
        maxStoredBytes: 33_554_432,
        keepMs: 1_800_000,
      },
    });
  });

  it('says that a folder in place of the file cannot be read', () => {
    const [problem] = bad(load(home));
    expect(problem?.code).toBe('CONFIG_UNREADABLE');
    expect(problem?.message).toBe(`${home} is a folder, not a regular file.`);
  });

  it.skipIf(process.getuid?.() === 0)('names chmod when the file may not be read (not as root)', () => {
    const path = join(home, 'c.json');
    writeFileSync(path, '{}');
    chmodSync(path, 0o000);
    expect(bad(load(path))[0]?.hint).toBe(`Run: chmod u+r "${path}"`);
  });

  it('freezes the whole config', () => {
    const { config } = good(servers({ a: { command: 'x', args: ['1'] } }));
    expect(Object.isFrozen(config.servers[0]?.args) && Object.isFrozen(config.http)).toBe(true);
  });

  it('resolves links in the folders that may see a server, and knows what lies below them', () => {
    mkdirSync(join(home, 'real', 'deep'), { recursive: true });
    symlinkSync(join(home, 'real'), join(home, 'link'));
    const text = JSON.stringify({ mcpServers: { a: { command: 'x', projects: ['~/link/', '/opt'] } } });
    const [entry] = good(parseConfig({ file, text, env: { HOME: home } })).config.servers;
    if (!entry) throw new Error('no entry');
    expect(visibleServers([entry], join(home, 'real')).length === 1).toBe(true);
    expect(visibleServers([entry], join(home, 'real', 'deep')).length === 1).toBe(true);
    expect(visibleServers([entry], join(home, 'really')).length === 1).toBe(false);
    expect(visibleServers([entry], '').length === 1).toBe(false);
  });
});

describe('a file', () => {
  it("may be Claude Code's own, with comments and trailing commas", () => {
    const result = good(
      parse(`\ufeff{ // mine
        "mcpServers": {
          "files": { "type": "stdio", "command": "npx", "args": ["-y", "pkg"], "env": { "A": "1" }, "alwaysLoad": true, "timeout": 5000, },
          "web": { "type": "http", "url": "https://example.com/mcp", "headers": { "X": "y" } },
        },
      }`),
    );
    expect(result.warnings).toEqual([]);
    expect(result.config.servers.map(({ name, kind, timeoutMs }) => [name, kind, timeoutMs])).toEqual([
      ['files', 'stdio', 5000],
      ['web', 'http', undefined],
    ]);
  });

  it.each([
    ['', '/x/c.json:1:1: the file is empty.'],
    ['  \n', '/x/c.json:1:1: the file is empty.'],
    ['{ "a": }', '/x/c.json:1:8: a value is expected.'],
    ['{\n  "a": 1\n  "b": 2\n}', '/x/c.json:3:3: a comma is missing before this.'],
    ['{ "a": 1', '/x/c.json:1:9: a closing } is missing.'],
    ['[]', '/x/c.json:1:1: the file holds a list.'],
    ['{ "mcpServers": [] }', '/x/c.json:1:3: mcpServers is a list.'],
  ])('that is %j does not load', (text, message) => {
    expect(bad(parse(text))[0]?.message).toBe(message);
  });

  it('that ends too early says so once', () => {
    const problems = bad(parse('{ "mcpServers": { "a": { "args": [{'));
    expect(problems.map(({ message }) => message)).toEqual([
      '/x/c.json:1:36: a closing } is missing.',
      '/x/c.json:1:36: a closing ] is missing.',
    ]);
  });

  it('nested a hundred thousand levels deep does not load and does not crash', () => {
    expect(bad(parse('['.repeat(100_000)))[0]?.code).toBe('CONFIG_INVALID');
  });

  it('with wrong settings lists all errors at once, those of servers too', () => {
    const problems = bad(
      parse(
        '{\n "http": { "port": 99999, "host": "0.0.0.0", "auth": "none" },\n "mcpServers": { "a": { "type": "htp" } }\n}',
      ),
    );
    expect(problems.map(({ message, hint }) => [message, hint])).toEqual([
      ['/x/c.json:2:12: http.port is 99999.', 'Write 65535 or less.'],
      [
        '/x/c.json:2:27: http.host is "0.0.0.0".',
        'Only 127.0.0.1 exists: whoever reaches the endpoint can run every tool. Remove "host".',
      ],
      [
        '/x/c.json:2:46: http.auth is "none".',
        'Only "token" exists: without it any program or web page here could run every tool.',
      ],
      [
        '/x/c.json:3:25: mcpServers.a.type is "htp".',
        'Did you mean "http"? Write "stdio", "http", "streamable-http", "sse" or "ws".',
      ],
    ]);
  });

  it('keeps unknown keys, names the nearest known one and is not refused', () => {
    const { warnings } = good(
      parse(
        '{ "htpp": {}, "http": { "prot": 1 }, "mcpServers": { "a": { "command": "x", "time_out_ms": 3, "zzz": 1 } } }',
      ),
    );
    expect(warnings.map(({ message, hint }) => [message, hint])).toEqual([
      ['/x/c.json:1:3: htpp is not a key we know; it is kept and has no effect.', 'Did you mean "http"?'],
      ['/x/c.json:1:25: http.prot is not a key we know; it is kept and has no effect.', 'Did you mean "port"?'],
      [
        '/x/c.json:1:77: mcpServers.a.time_out_ms is not a key we know; it is kept and has no effect.',
        'Did you mean "timeoutMs"?',
      ],
      ['/x/c.json:1:95: mcpServers.a.zzz is not a key we know; it is kept and has no effect.', undefined],
    ]);
  });

  it('with a key twice says that only the last counts', () => {
    const { warnings, config } = good(parse('{ "mcpServers": { "a": { "command": "x" }, "a": { "command": "y" } } }'));
    expect(warnings[0]?.message).toBe('/x/c.json:1:44: mcpServers.a is written twice; only the last one counts.');
    expect(config.servers.map(({ command }) => command)).toEqual(['y']);
  });
});

describe('a server entry', () => {
  it('that is wrong leaves the others in place', () => {
    const result = good(servers({ bad: { args: [] }, good: { command: 'x' } }));
    expect(result.config.servers.map(({ name }) => name)).toEqual(['good']);
    expect(result.invalid.map(({ name, problem }) => [name, problem.path])).toEqual([['bad', 'mcpServers.bad']]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['command', { command: 'x' }, 'stdio'],
    ['url', { url: 'https://h/mcp' }, 'http'],
    ['url that ends in /sse', { url: 'https://h/sse' }, 'sse'],
    ['wss url', { url: 'wss://h/' }, 'ws'],
    ['url that is a variable', { type: 'http', url: '${BASE}/mcp' }, 'http'],
    ['url with a variable as host', { url: 'https://${HOST}/mcp' }, 'http'],
    ['alias', { type: 'streamable-http', url: 'http://h' }, 'http'],
    ['both', { command: 'x', url: 'http://127.0.0.1:${PORT}/mcp' }, 'started-http'],
    ['both with a fixed port', { command: 'x', url: 'http://[::1]:900/sse' }, 'started-sse'],
    ['both with type sse', { type: 'sse', command: 'x', url: 'http://localhost:1/' }, 'started-sse'],
  ])('with %s has its kind', (_, definition, kind) => {
    expect(good(servers({ a: definition })).config.servers.map((entry) => entry.kind)).toEqual([kind]);
  });

  it.each<[string, unknown, string, string | undefined]>([
    ['nothing', {}, 'mcpServers.a has no command or url.', 'Add "command": "npx" or "url": "https://…".'],
    ['null', null, 'mcpServers.a is null.', 'Write an object in { }.'],
    ['type without url', { type: 'sse' }, 'mcpServers.a has no url.', 'Add "url": "https://…".'],
    ['http with a command only', { type: 'http', command: 'x' }, 'mcpServers.a has type "http" but no url.', undefined],
    [
      'stdio with url only',
      { type: 'stdio', url: 'http://x' },
      'mcpServers.a has type "stdio" and a url but no command.',
      'Write "type": "http".',
    ],
    [
      'stdio with both',
      { type: 'stdio', command: 'c', url: 'http://x' },
      'mcpServers.a has type "stdio" and a url.',
      undefined,
    ],
    [
      'ws started',
      { type: 'ws', command: 'c', url: 'ws://localhost' },
      'mcpServers.a.type is "ws" for a command.',
      undefined,
    ],
    ['no URL', { url: 'nonsense' }, 'mcpServers.a.url is not a URL.', undefined],
    [
      'wrong scheme',
      { type: 'http', url: 'file:///etc' },
      'mcpServers.a.url starts with "file:" but the type is "http".',
      undefined,
    ],
    [
      'started elsewhere',
      { command: 'x', url: 'http://example.com' },
      'mcpServers.a.url names the host "example.com" for a server started here.',
      undefined,
    ],
    [
      'port without url',
      { command: 'x', args: ['${PORT}'] },
      'mcpServers.a mentions ${PORT}, which exists only for a server with command and url.',
      undefined,
    ],
    ['command list', { command: ['npx', 'x'] }, 'mcpServers.a.command is a list.', 'Write a text in quotes.'],
    [
      'number argument',
      { command: 'x', args: ['a', 'b', 80] },
      'mcpServers.a.args[2] is 80.',
      'Write it as text: "80".',
    ],
    [
      'secret of a wrong kind',
      { command: 'x', env: { T: 123456 } },
      'mcpServers.a.env.T is a number.',
      'Write a text in quotes.',
    ],
    [
      'all variables',
      { command: 'x', inheritEnv: ['*'] },
      'mcpServers.a.inheritEnv[0] is "*".',
      'Write a variable name such as GITHUB_TOKEN, or a start such as AWS_*.',
    ],
    [
      'relative project',
      { command: 'x', projects: ['work'] },
      'mcpServers.a.projects[0] is "work", a relative folder.',
      undefined,
    ],
    ['negative time', { command: 'x', idleStopMs: -1 }, 'mcpServers.a.idleStopMs is -1.', 'Write 0 or more.'],
    [
      'wrong sharing',
      { command: 'x', sharing: 'projects' },
      'mcpServers.a.sharing is "projects".',
      'Did you mean "project"? Write "auto", "shared", "project" or "session".',
    ],
  ])('with %s is refused with what to write instead', (_, definition, message, hint) => {
    const { invalid } = good(servers({ a: definition }));
    expect(invalid[0]?.problem.message).toBe(`/x/c.json:1:${invalid[0]?.problem.column}: ${message}`);
    if (hint) expect(invalid[0]?.problem.hint).toBe(hint);
  });

  it.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ disabled: true }, { enabled: false }],
    [{ enabled: true, disabled: true }, { enabled: false }],
    [{ timeout: 1000 }, { timeoutMs: 1000 }],
    [{ timeout: 9000, timeoutMs: 100 }, { timeoutMs: 100 }],
    [{ cwd: '~/x' }, { cwd: '/home/me/x' }],
    [
      {},
      { enabled: true, sharing: 'auto', idleStopMs: 600_000, keepAlive: false, onAmbiguous: 'refuse', sampling: false },
    ],
    [{ tools: { deny: ['a*'] } }, { tools: { deny: ['a*'] } }],
  ])('%j becomes %j', (definition, part) => {
    const [entry] = good(servers({ a: { command: 'x', ...definition } })).config.servers;
    expect(entry).toMatchObject(part);
  });

  it('with a timeout below a second has no limit, as in Claude Code, and is told so', () => {
    const { config, warnings } = good(servers({ a: { command: 'x', timeout: 999 } }));
    expect(config.servers[0]).not.toHaveProperty('timeoutMs');
    expect(warnings[0]?.message).toContain('mcpServers.a.timeout is 999 ms and is ignored, as in Claude Code');
  });

  it('has one hash whatever the order of its keys, and another for another argument', () => {
    const hash = (text: string) => good(parse(`{ "mcpServers": { "a": ${text} } }`)).config.servers[0]?.definitionHash;
    const one = hash('{ "command": "x", "args": ["1"] }');
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(hash('{ /* c */ "args": ["1"],\n "command": "x", }')).toBe(one);
    expect(hash('{ "command": "x", "args": ["2"] }')).not.toBe(one);
    expect(hash('{ "command": "x", "args": ["1"], "unknown": 1 }')).not.toBe(one);
  });

  it('that is shared and mentions the project is told that it is not', () => {
    const { warnings } = good(servers({ a: { command: 'x', args: ['${PROJECT_ROOT}'], sharing: 'shared' } }));
    expect(warnings[0]?.message).toContain('mcpServers.a.sharing is "shared" but the entry mentions ${PROJECT_ROOT}');
  });
});

describe('server names', () => {
  it.each([
    '..',
    'a/b',
    'a\\b',
    'a\0b',
    'a\nb',
    '',
    '  ',
    'x'.repeat(65),
    'CON',
    'nul',
    'a\u200bb',
    'a\u202eb',
    '\ud800',
    '../../etc',
  ])('%j is refused', (name) => {
    const result = good(servers({ [name]: { command: 'x' }, fine: { command: 'y' } }));
    expect(result.config.servers.map((entry) => entry.name)).toEqual(['fine']);
    expect(result.invalid.map((entry) => entry.name)).toEqual([name]);
    // Neither raw control characters nor 300 characters reach a terminal.
    expect(result.invalid[0]?.problem.message).toMatch(/^[^\x00-\x1f\u200b\u202e]{1,300}$/);
  });

  it.each([
    ['github', 'github'],
    ['My Server_2', 'my-server-2'],
    ['a__b', 'a-b'],
    ['%2e%2e', '2e-2e'],
    ['Café', 'cafe'],
    ['__proto__', 'proto'],
    ['constructor', 'constructor'],
  ])('%j has the short name %j', (name, slug) => {
    const [entry] = good(parse(`{ "mcpServers": { ${JSON.stringify(name)}: { "command": "x" } } }`)).config.servers;
    expect([entry?.name, entry?.slug]).toEqual([name, slug]);
  });

  it('that look alike get short names that differ', () => {
    const result = good(
      servers({ github: { command: 'x' }, gіthub: { command: 'y' }, 日本: { command: 'z' }, 中国: { command: 'w' } }),
    );
    const slugs = result.config.servers.map(({ slug }) => slug);
    expect(new Set(slugs).size).toBe(4);
    for (const slug of slugs) expect(slug).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it('with the same short name are an error that names both; the first stays', () => {
    const { config, invalid } = good(servers({ 'a b': { command: 'x' }, 'A-b': { command: 'y' } }));
    expect(config.servers.map(({ name }) => name)).toEqual(['a b']);
    expect(invalid[0]?.problem.message).toContain('mcpServers.A-b has the same short name "a-b" as "a b"');
    expect(invalid[0]?.problem.hint).toBe('Rename "A-b" or "a b".');
  });
});

describe('the environment', () => {
  const settings = (env: Record<string, string>, text = '{ "http": { "port": 4000 }, "tools": { "topK": 7 } }') => {
    const { config, warnings } = good(parse(text, env));
    const { http, tools, transport } = config;
    return {
      port: http.port,
      topK: tools.topK,
      limit: tools.toolsLimit,
      transport,
      said: warnings.map((w) => w.message),
    };
  };
  it.each<[Record<string, string>, Record<string, unknown>]>([
    [{}, { port: 4000, topK: 7, limit: 50, transport: 'streamable-http' }],
    [
      { MCPPROXY_PORT: '5000', MCPPROXY_TOP_K: '3' },
      { port: 5000, topK: 3 },
    ],
    [{ MCPPROXY_PORT: '0' }, { port: 0 }],
    [{ MCPPROXY_PORT: 'off' }, { port: 'off' }],
    [{ MCPPROXY_PORT: '' }, { port: 4000, said: [] }],
    [
      { MCPPROXY_TOOLS_LIMIT: '80', MCPPROXY_TRANSPORT: 'stdio' },
      { limit: 80, transport: 'stdio' },
    ],
    [
      { MCPPROXY_PORT: '0x10' },
      { port: 4000, said: ['The environment variable MCPPROXY_PORT is "0x10"; 4000 stays.'] },
    ],
    [
      { MCPPROXY_PORT: '70000' },
      { port: 4000, said: ['The environment variable MCPPROXY_PORT is "70000"; 4000 stays.'] },
    ],
    [{ MCPPROXY_TOP_K: '0' }, { topK: 7, said: ['The environment variable MCPPROXY_TOP_K is "0"; 7 stays.'] }],
    [
      { MCPPROXY_TOOLS_LIMIT: 'many' },
      { limit: 50, said: ['The environment variable MCPPROXY_TOOLS_LIMIT is "many"; 50 stays.'] },
    ],
    [
      { MCPPROXY_TRANSPORT: 'sse' },
      {
        transport: 'streamable-http',
        said: ['The environment variable MCPPROXY_TRANSPORT is "sse"; "streamable-http" stays.'],
      },
    ],
  ])('%j over the file gives %j', (env, expected) => {
    expect(settings(env)).toMatchObject(expected);
  });
});
