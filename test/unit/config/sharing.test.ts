import { describe, expect, it } from 'vitest';
import { knownServersTable } from '../../../src/config/known-servers-table.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { presets } from '../../../src/config/presets.ts';
import type { KnownServer } from '../../../src/config/schema.ts';
import { checkServer } from '../../../src/config/server-entry.ts';
import { decideSharing } from '../../../src/config/sharing.ts';
import { matchesWildcard } from '../../../src/config/wildcard.ts';

function decide(definition: Record<string, unknown>, extra?: KnownServer[]) {
  const { entry, errors } = checkServer('srv', definition, '/home/me');
  if (!entry) throw new Error(JSON.stringify(errors));
  return decideSharing(entry, extra);
}
const words = (line: string) => {
  const [command = '', ...args] = line.split(' ');
  return { command, args };
};

describe('decideSharing', () => {
  it.each([
    // project
    ['uvx --from serena-agent serena start-mcp-server', 'project'],
    ['uvx --from git+https://github.com/oraios/serena serena start-mcp-server', 'project'],
    ['serena start-mcp-server --project-from-cwd', 'project'],
    ['/usr/local/bin/serena-mcp-server', 'project'],
    ['npx -y @modelcontextprotocol/server-filesystem /data', 'project'],
    ['npx -y @modelcontextprotocol/server-filesystem@2025.1.1 /data', 'project'],
    ['docker run -i --rm --mount type=bind,src=/a,dst=/b mcp/filesystem /b', 'project'],
    ['node /opt/servers/src/filesystem/dist/index.js /data', 'project'],
    ['node /usr/lib/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js', 'project'],
    ['uvx mcp-server-git', 'project'],
    ['python3 -m mcp_server_git', 'project'],
    ['uv run --directory /src python -m mcp_server_git', 'project'],
    ['npx -y cclsp@latest', 'project'],
    ['mcp-language-server --lsp gopls', 'project'],
    ['gopls mcp', 'project'],
    ['uvx code-index-mcp', 'project'],
    ['uvx --from git+https://github.com/ast-grep/ast-grep-mcp ast-grep-server', 'project'],
    // session
    ['npx @playwright/mcp@latest', 'session'],
    ['npx -y --package=@playwright/mcp@0.0.83 mcp-server-playwright', 'session'],
    ['bunx @playwright/mcp', 'session'],
    ['pnpm dlx @playwright/mcp', 'session'],
    ['npm exec -- @playwright/mcp@latest', 'session'],
    ['bun x @playwright/mcp', 'session'],
    ['cmd /c npx -y @playwright/mcp@latest', 'session'],
    ['C:\\nodejs\\npx.cmd -y @playwright/mcp', 'session'],
    ['env A=1 npx @playwright/mcp', 'session'],
    ['docker run -i --rm --init --pull=always mcr.microsoft.com/playwright/mcp', 'session'],
    ['npx -y @modelcontextprotocol/server-puppeteer', 'session'],
    ['npx chrome-devtools-mcp@latest', 'session'],
    ['uvx --from browser-use[cli]==0.8 browser-use --mcp', 'session'],
    ['uvx --python 3.12 jupyter-mcp-server@latest', 'session'],
    ['pipx run ipython-mcp', 'session'],
    // shared
    ['npx -y @modelcontextprotocol/server-memory', 'shared'],
    ['docker run -i -v claude-memory:/app/dist --rm mcp/memory', 'shared'],
    ['npx memory-mcp-sqlite', 'shared'],
    ['uvx mcp-server-sqlite --db-path /data/x.db', 'shared'],
    ['uvx mcp-server-fetch', 'shared'],
    ['uv tool run mcp-server-fetch', 'shared'],
    ['npx -y @modelcontextprotocol/server-brave-search', 'shared'],
    ['npx -y tavily-mcp@0.1.2', 'shared'],
    ['npx -y exa-mcp-server', 'shared'],
    ['uvx duckduckgo-mcp-server', 'shared'],
    ['uvx mcp-server-time --local-timezone=Europe/Berlin', 'shared'],
    ['npx -y @modelcontextprotocol/server-sequential-thinking', 'shared'],
    ['npx -y @modelcontextprotocol/server-everything', 'shared'],
    ['npx -y @upstash/context7-mcp --api-key x', 'shared'],
    ['npx mcp-remote https://example.com/mcp', 'shared'],
    // what is not known, or only looks known, is not shared between projects
    ['npx -y some-other-server', 'project'],
    ['node /home/me/mcp-server-fetch/tools/other/index.js', 'project'],
    ['npx -y evil-mcp-server-fetch', 'project'],
    ['gopls serve', 'project'],
    ['npx supergateway --stdio x', 'project'],
    ['docker run -i ghcr.io/org/thing:latest', 'project'],
  ])('%s is %s', (line, sharing) => {
    expect(decide(words(line)).sharing).toBe(sharing);
  });

  it.each<[Record<string, unknown>, string, string]>([
    [{ ...words('npx @playwright/mcp'), sharing: 'shared' }, 'shared', 'The configuration says "shared".'],
    [{ ...words('uvx mcp-server-fetch ${SESSION_ID}') }, 'session', 'It mentions ${SESSION_ID}.'],
    [{ ...words('uvx mcp-server-fetch ${PROJECT_ROOT}') }, 'project', 'It mentions ${PROJECT_ROOT}.'],
    [
      { ...words('npx @playwright/mcp --output-dir ${PROJECT_ROOT}/o') },
      'session',
      'Its browser has one current page; two sessions would click in each other’s tabs.',
    ],
    [{ ...words('uvx mcp-server-fetch ${SESSION_FOLDER}') }, 'project', 'It mentions ${SESSION_FOLDER}.'],
    [{ url: 'https://h/${PROJECT_ROOT}' }, 'project', 'It mentions ${PROJECT_ROOT}.'],
    [words('./server.sh'), 'project', '"./server.sh" is a path that counts from the session\'s folder.'],
    [words('node build/index.js'), 'project', '"build/index.js" is a path that counts from the session\'s folder.'],
    [
      words('uvx mcp-server-fetch --config=../c'),
      'project',
      '"--config=../c" is a path that counts from the session\'s folder.',
    ],
    [
      { ...words('uvx mcp-server-fetch'), cwd: '.' },
      'project',
      '"." is a path that counts from the session\'s folder.',
    ],
    [{ url: 'https://h/mcp' }, 'shared', 'It runs elsewhere and keeps each session apart itself.'],
    [words('anything'), 'project', 'It is not known to be safe to share between projects.'],
  ])('%j is %s because: %s', (definition, sharing, reason) => {
    expect(decide(definition)).toEqual({ sharing, reason });
  });

  it('asks the own rows first', () => {
    const extra: KnownServer[] = [
      { names: ['my-*', 'mcp-server-fetch'], arguments: ['--x'], sharing: 'session', reason: 'Mine.' },
    ];
    expect(decide(words('uvx My-Thing --x'), extra)).toEqual({ sharing: 'session', reason: 'Mine.' });
    expect(decide(words('uvx mcp-server-fetch --x'), extra).sharing).toBe('session');
    expect(decide(words('uvx mcp-server-fetch'), extra).sharing).toBe('shared');
  });
});

describe('the table of known servers', () => {
  it('has lower-case names, each once, and a sentence for people in each row', () => {
    const names = knownServersTable.flatMap((row) => row.names);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    expect(names.filter((name) => name !== name.toLowerCase())).toEqual([]);
    for (const { reason } of knownServersTable) expect(reason).toMatch(/^[A-Z].*\.$/);
  });
});

describe('matchesWildcard', () => {
  it.each<[string, string, boolean]>([
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', '', true],
    ['a*', 'a', true],
    ['*a', 'ba', true],
    ['a*b*c', 'aXbYc', true],
    ['a*a', 'a', false],
    ['a.c', 'abc', false],
    ['*-*', 'a-b', true],
  ])('%j and %j: %s', (pattern, text, expected) => {
    expect(matchesWildcard(pattern, text)).toBe(expected);
  });

  it('takes no long time for many stars', () => {
    expect(matchesWildcard('*a'.repeat(40), `${'a'.repeat(5_000)}b`)).toBe(false);
  });
});

describe('presets', () => {
  it('all load without a warning and share as their note says', () => {
    const mcpServers = Object.fromEntries(Object.entries(presets).map(([name, { definition }]) => [name, definition]));
    const result = parseConfig({ file: 'c', text: JSON.stringify({ mcpServers }), env: {} });
    if (!result.ok) throw new Error(result.problem.message);
    expect([result.warnings, result.invalid]).toEqual([[], []]);
    expect(
      Object.fromEntries(result.config.servers.map((entry) => [entry.name, decideSharing(entry).sharing])),
    ).toEqual({
      serena: 'project',
      playwright: 'session',
      filesystem: 'project',
      git: 'project',
      memory: 'shared',
      fetch: 'shared',
      context7: 'shared',
      github: 'shared',
    });
  });
});
