import { describe, expect, it } from 'vitest';
import { arrayElements, findMember, objectMembers } from '../../../src/base/json-scan.ts';
import { joinLists, type ListSource } from '../../../src/catalog/joint-list.ts';
import type { ListItem } from '../../../src/catalog/listing.ts';
import { createListing } from '../../../src/catalog/server-face.ts';
import type { ListName } from '../../../src/mcp/lists.ts';

function source(slug: string, definitions: string, options: Partial<ListSource> & { key?: string } = {}): ListSource {
  const bytes = Buffer.from(definitions);
  const items = arrayElements(bytes, { start: 0, end: bytes.length }).map((at): ListItem => {
    const raw = Buffer.from(bytes.subarray(at.start, at.end));
    const nameSpan = findMember(objectMembers(raw), options.key ?? 'name');
    if (!nameSpan) throw new Error('a definition without a name');
    return { raw, nameSpan, name: JSON.parse(raw.toString('utf8', nameSpan.start, nameSpan.end)) };
  });
  const { key: _key, ...rest } = options;
  return { slug, part: slug, listing: createListing(items), isAlwaysLoaded: false, ...rest };
}

const text = (list: ListName, sources: ListSource[]) => joinLists(list, sources).result.toString();

describe('a joint list', () => {
  it('changes the name and leaves every other byte of a definition', () => {
    const tool = '{ "x-a":1.50,"name" : "do\\u0020it", "inputSchema":{"maximum":12345678901234567890} }';
    expect(text('tools', [source('one', `[${tool}]`)])).toBe(
      `{"tools":[${tool.replace('"do\\u0020it"', '"one__do_it-_ixb4r"')}]}`.replace(' }]}', ' ,"title":"do it"}]}'),
    );
  });

  it.each(['tools', 'prompts'] as const)('keeps in the title of %s what a name lost', (list) => {
    const [item] = joinLists(list, [
      source('db', '[{"name":"查询"},{"name":"plain"},{"name":"a.b","title":"Own"}]'),
    ]).items;
    expect(JSON.parse(String(item?.raw))).toMatchObject({ title: '查询' });
    const all = joinLists(list, [source('db', '[{"name":"plain"},{"name":"a.b","title":"Own"}]')]).items;
    expect(all.map(({ raw }) => JSON.parse(String(raw)).title)).toEqual([undefined, 'Own']);
  });

  it('keeps two servers with one tool name apart, and finds both back', () => {
    const { targets, items } = joinLists('tools', [source('a', '[{"name":"go"}]'), source('b', '[{"name":"go"}]')]);
    expect(items.map(({ name }) => name)).toEqual(['a__go', 'b__go']);
    expect(targets.get('b__go')).toEqual({ slug: 'b', name: 'go' });
    expect(targets.get('go')).toBeUndefined();
  });

  it('leaves names as they are for one server alone', () => {
    expect(text('tools', [source('a', '[{"name":"x y z"}]', { part: undefined })])).toBe(
      '{"tools":[{"name":"x y z"}]}',
    );
  });

  it('marks only a URI that another server has already', () => {
    const uris = '[{"uri":"file:///a"},{"uri":"file:///b"}]';
    const joined = joinLists('resources', [
      source('one', uris, { key: 'uri' }),
      source('two', '[{"uri":"file:///b"}]', { key: 'uri' }),
    ]);
    expect(joined.items.map(({ name }) => name)).toEqual(['file:///a', 'file:///b', 'two+file:///b']);
    expect(joined.targets.get('two+file:///b')).toEqual({ slug: 'two', name: 'file:///b' });
    const again = joinLists(
      'resources',
      ['1', '2'].map((slug) => source(slug, '[{"uri":"x:"}]', { key: 'uri' })),
    );
    expect(again.items.map(({ name }) => URL.canParse(name))).toEqual([true, true]);
  });

  it('gives what is no URI a form that is one, and finds it under both', () => {
    const uris = '[{"uri":"README.md"},{"uri":"//a b"},{"uri":""},{"uri":"urn:a:b"}]';
    const sources = ['one', 'two'].map((slug) => source(slug, uris, { key: 'uri' }));
    const { items, targets } = joinLists('resources', sources);
    const own = (part: string) => [`mcp+${part}:README.md`, `mcp+${part}:%2F%2Fa%20b`, `mcp+${part}:`];
    expect(items.map(({ name }) => name)).toEqual([...own('one'), 'urn:a:b', ...own('two'), 'two+urn:a:b']);
    expect(targets.get('mcp+two:README.md')).toEqual({ slug: 'two', name: 'README.md' });
    expect(targets.get('README.md')).toEqual({ slug: 'one', name: 'README.md' });
    expect(text('resources', [source('one', uris, { key: 'uri', part: undefined })])).toContain('"README.md"');
  });

  it('shows half of a character nowhere, and still knows what its server calls the thing', () => {
    const joined = joinLists('resources', [source('one', '[{"uri":"x://\\ud83d"}]', { key: 'uri' })]);
    expect(joined.result.toString()).toBe('{"resources":[{"uri":"x://\ufffd"}]}');
    expect(joined.targets.get('x://\ufffd')).toEqual({ slug: 'one', name: 'x://\ud83d' });
    expect(text('tools', [source('one', '[{"name":"a \\ud83d"}]')])).toBe(
      '{"tools":[{"name":"one__a__-_eh09l","title":"a \ufffd"}]}',
    );
  });

  it.each([
    ['{"name":"t"}', '{"name":"s__t","_meta":{"anthropic/alwaysLoad":true}}'],
    ['{"name":"t","_meta":{}}', '{"name":"s__t","_meta":{"anthropic/alwaysLoad":true}}'],
    ['{"name":"t","_meta":{"a":1}}', '{"name":"s__t","_meta":{"anthropic/alwaysLoad":true,"a":1}}'],
  ])('says in %s that it is always loaded', (tool, expected) => {
    expect(text('tools', [source('s', `[${tool}]`, { isAlwaysLoaded: true })])).toBe(`{"tools":[${expected}]}`);
  });

  it('has an etag that changes with its bytes alone', () => {
    const etag = (sources: ListSource[]) => joinLists('tools', sources).etag;
    expect(etag([source('a', '[{"name":"go"}]')])).toBe(etag([source('a', '[{"name":"go"}]')]));
    expect(etag([source('a', '[{"name":"go"}]')])).not.toBe(etag([source('a', '[{"name":"go" }]')]));
    expect(joinLists('prompts', []).result.toString()).toBe('{"prompts":[]}');
  });
});
