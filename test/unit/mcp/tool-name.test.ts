import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serverSlug } from '../../../src/config/server-name.ts';
import { hostPrefix, maxQualifiedChars, qualifyNames, serverPart } from '../../../src/mcp/tool-name.ts';
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

  it('of a plain name is never taken by one that had to be changed to the same', () => {
    expect(qualifyNames('s', ['a.b', 'a_b', 'a b'])[1]).toBe('s__a_b');
    expect(new Set(qualifyNames('s', ['a.b', 'a_b', 'a b'])).size).toBe(3);
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
