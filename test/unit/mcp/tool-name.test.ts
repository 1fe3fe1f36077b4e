import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverSlug } from '../../../src/config/server-name.ts';
import { hostPrefix, maxQualifiedChars, qualifyName, qualifyNames, serverPart } from '../../../src/mcp/tool-name.ts';
import { readPackedText } from '../../support/packed-json.ts';

type Server = { server: string; tools: { name: string }[] };
const file = new URL('../../fixtures/tool-search/catalog.json.br', import.meta.url);
const catalog: Server[] = JSON.parse(readPackedText(file));

function nameAll(servers: readonly Server[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { server, tools } of servers) {
    const own = qualifyNames(
      serverPart(serverSlug(server)),
      tools.map(({ name }) => name),
    );
    for (const [i, { name }] of tools.entries()) names.set(`${server}\n${name}`, own[i] ?? '');
  }
  return names;
}

describe('the 527 tools of the catalog', () => {
  const names = nameAll(catalog);

  it('have names that are unique, fit the host and keep the wildcard of their server', () => {
    expect(catalog.flatMap(({ tools }) => tools)).toHaveLength(527);
    expect(new Set(names.values()).size).toBe(names.size);
    expect(names.size).toBe(
      new Set(catalog.flatMap(({ server, tools }) => tools.map(({ name }) => `${server}\n${name}`))).size,
    );
    for (const [key, name] of names) {
      const [server = ''] = key.split('\n');
      expect(`mcp__plugin_mcp-proxy_s__${name}`.length, name).toBeLessThanOrEqual(64);
      expect(name).toMatch(/^[A-Za-z0-9_-]+$/);
      const part = serverPart(serverSlug(server));
      expect(name.startsWith(`${part}__`), name).toBe(true);
      expect(part).toMatch(/^[a-z0-9-]+$/);
      expect(part.includes('__')).toBe(false);
    }
    const parts = catalog.map(({ server }) => serverPart(serverSlug(server)));
    expect(new Set(parts).size).toBe(new Set(catalog.map(({ server }) => serverSlug(server))).size);
  });

  it('keep a name that fits as it is, and cut a longer one to a hash of five', () => {
    expect(names.get('bing-cn-mcp\nbing_search')).toBe('bing-cn-mcp__bing_search');
    const cut = [...names].filter(([key, name]) => !name.endsWith(`__${key.split('\n')[1]}`));
    expect(cut.length).toBeGreaterThan(0);
    for (const [, name] of cut) expect(name).toMatch(/_[0-9a-z]{5}$/);
  });

  it('are the same again, in any order of servers and tools, and whatever other servers there are', () => {
    expect(nameAll(catalog)).toEqual(names);
    const turned = catalog.toReversed().map(({ server, tools }) => ({ server, tools: tools.toReversed() }));
    for (const [key, name] of nameAll(turned)) expect(name).toBe(names.get(key));
    for (const server of catalog) for (const [key, name] of nameAll([server])) expect(name).toBe(names.get(key));
  });
});

/** Two names of characters that hosts do not take, and two that are too long: each pair has one hash of five characters. */
const sameHash: readonly string[] = ['查堘一', '查湉一'];
const sameCut: readonly string[] = [18_052, 18_769].map((i) => `create_pull_request_review_comment_reply_${i}`);

describe('a qualified name', () => {
  it('leaves 39 characters beside the prefix of the host', () => {
    expect(hostPrefix).toBe('mcp__plugin_mcp-proxy_s__');
    expect(maxQualifiedChars).toBe(39);
  });

  it('is the same on every machine', () => {
    expect(qualifyNames('github', ['create_pull_request_review_comment_reply', 'create_issue'])).toEqual([
      'github__create_pull_request_revie_5g7q7',
      'github__create_issue',
    ]);
    expect(serverPart('a-very-long-server-name-indeed')).toBe('a-very-long-gnuu6');
    expect(serverPart('exactly-18-chars-x')).toBe('exactly-18-chars-x');
  });

  it('is its own as long as it has only characters that hosts take, and has a hash otherwise', () => {
    expect(qualifyNames('s', ['a.b', 'a_b', 'a b'])).toEqual(['s__a_b-_fzmh4', 's__a_b', 's__a_b-_k91zm']);
    const lost = [
      '查询',
      '删除',
      'a.b',
      'é',
      'e\u0301',
      '🚀',
      '\ud83d',
      '\ude80',
      ' ',
      'x/y',
      'tool\n',
      `${'long.'.repeat(20)}`,
    ];
    for (const name of lost) expect(qualifyName('db', name)).toMatch(/^db__[A-Za-z0-9_-]*-_[0-9a-z]{5}$/);
    expect(new Set(lost.map((name) => qualifyName('db', name))).size).toBe(lost.length);
    // One that looks as if it had one has one: it can never be taken for the other.
    expect(qualifyName('s', 'a_b-_fzmh4')).toMatch(/^s__a_b-_fzmh4-_[0-9a-z]{5}$/);
  });

  it('never comes to mean another tool when tools come, go or change places', () => {
    const names = fc.uniqueArray(
      fc.oneof(
        fc.string({ unit: fc.constantFrom('查', '询', '删', 'é', '.', '/', 'a', '_', '-', '\ud83d'), maxLength: 5 }),
        fc.constantFrom(...sameHash, ...sameCut, 'getUser', 'getuser', 'get_user', 'get-user', 'get.user'),
        fc.stringMatching(/^[a-z]{0,3}-_[0-9a-z]{5}$/),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(fc.array(names, { minLength: 2, maxLength: 6 }), (lists) => {
        const meaning = new Map<string, string>();
        for (const list of lists) {
          const shown = qualifyNames('db', list);
          expect(new Set(shown).size).toBe(list.length);
          for (const [i, name] of list.entries()) {
            const before = meaning.get(shown[i] ?? '');
            // Of two with one hash neither has it while both are there; alone each would.
            if (!sameHash.includes(name) && !sameCut.includes(name)) expect(before ?? name).toBe(name);
            meaning.set(shown[i] ?? '', name);
          }
        }
      }),
    );
  });

  it('is neither of two that would be called the same, so that a held name never runs the other', () => {
    for (const [first = '', second = ''] of [sameHash, sameCut]) {
      expect(qualifyName('db', first)).toBe(qualifyName('db', second));
      const both = qualifyNames('db', [first, second]);
      expect(both).not.toContain(qualifyName('db', first));
      expect(new Set(both).size).toBe(2);
      expect(qualifyNames('db', [second, first])).toEqual(both.toReversed());
    }
  });

  it('is unique, fits and belongs to its tool alone, for any names in any order', () => {
    const names = fc.uniqueArray(fc.oneof(fc.string({ maxLength: 80 }), fc.stringMatching(/^[a-z_.]{1,60}$/)), {
      maxLength: 30,
    });
    const slug = fc.stringMatching(/^[a-z0-9]+(-[a-z0-9]+){0,5}$/);
    fc.assert(
      fc.property(slug, names, (server, tools) => {
        const part = serverPart(server);
        const qualified = qualifyNames(part, tools);
        expect(new Set(qualified).size).toBe(tools.length);
        for (const name of qualified) expect(name).toMatch(/^[A-Za-z0-9_-]{1,39}$/);
        const byName = new Map(tools.map((tool, i) => [tool, qualified[i]]));
        const turned = tools.toReversed();
        expect(qualifyNames(part, turned)).toEqual(turned.map((tool) => byName.get(tool)));
      }),
    );
  });
});
