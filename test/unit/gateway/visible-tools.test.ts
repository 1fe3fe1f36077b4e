import { describe, expect, it } from 'vitest';
import type { SessionView } from '../../../src/calls/views.ts';
import { type JointList, joinLists } from '../../../src/catalog/joint-list.ts';
import { createListing } from '../../../src/catalog/server-face.ts';
import { checkServer } from '../../../src/config/server-entry.ts';
import { ToolFinder } from '../../../src/gateway/visible-tools.ts';

const definition = (name: string, description: string) => JSON.stringify({ name, description, inputSchema: {} });

function viewOf(slug: string, tools: readonly (readonly [string, string])[]): SessionView {
  const items = tools.map(([name, description]) => {
    const raw = Buffer.from(definition(name, description));
    const start = raw.indexOf(JSON.stringify(name), 8);
    return { raw, name, nameSpan: { start, end: start + JSON.stringify(name).length } };
  });
  const joint: JointList = joinLists('tools', [
    { slug, part: slug, listing: createListing(items), isAlwaysLoaded: false },
  ]);
  return {
    servers: [],
    unknown: [],
    missing: () => [],
    entry: () => undefined,
    resolution: () => {
      throw new Error('nobody asks');
    },
    list: () => joint,
    find: (_list, name) => joint.targets.get(name),
  };
}

const search = (finder: ToolFinder, view: SessionView, query: string) => {
  const visible = finder.of(view);
  return finder.index.search(query, { limit: 10, accepts: visible.has }).map(({ name }) => name);
};

describe('what a session finds', () => {
  it("is what its own identity was shown of a server, not another one's", () => {
    const [mine, theirs] = [
      viewOf('github', [['list_issues', 'Lists issues.']]),
      viewOf('github', [['delete_org', 'Deletes.']]),
    ];
    const finder = new ToolFinder(() => [mine, theirs]);
    expect(search(finder, mine, '')).toEqual(['list_issues']);
    expect(search(finder, theirs, '')).toEqual(['delete_org']);
    expect(search(finder, mine, 'delete org')).toEqual([]);
    expect(finder.of(mine).find('github__delete_org')).toBeUndefined();
  });

  it('is built again only for what changed, and what nobody sees is forgotten', () => {
    const old = viewOf('files', [['read_file', 'Reads.']]);
    let live = [old];
    const finder = new ToolFinder(() => live);
    expect(search(finder, old, 'read file')).toEqual(['read_file']);
    expect(finder.of(old)).toBe(finder.of(old));
    const now = viewOf('files', [
      ['read_file', 'Reads.'],
      ['write_file', 'Writes.'],
    ]);
    live = [now];
    expect(search(finder, now, 'write file')).toContain('write_file');
    expect(finder.index.size).toBe(2);
    // Back again, as after a reload that was taken back.
    live = [old];
    expect(search(finder, old, 'read file')).toEqual(['read_file']);
  });

  it('is found by what a server calls itself, under whatever name it is shown', () => {
    const { entry } = checkServer('other-name', { command: 'x', as: 'zeb' }, '/home');
    const neighbour = checkServer('zeb', { command: 'y', as: 'plain' }, '/home').entry;
    if (!entry || !neighbour) throw new Error('no entry');
    const none = createListing([]);
    const faceOf = (name: string) => ({
      introduction: {
        raw: JSON.stringify({ serverInfo: { name } }),
        ...{ capabilities: { tools: {} }, protocolVersion: '2025-06-18', instructions: '' },
      },
      lists: { tools: none, prompts: none, resources: none, resourceTemplates: none },
    });
    const view = {
      ...viewOf('zeb', [['do_it', 'Does it.']]),
      // The name that one entry is shown by is the other's own.
      servers: [
        { entry: neighbour, face: faceOf('Sansibar') },
        { entry, face: faceOf('Zanzibar') },
      ],
    };
    const finder = new ToolFinder(() => [view]);
    expect(search(finder, view, 'zanzibar')).toEqual(['do_it']);
    expect(search(finder, view, 'sansibar')).toEqual([]);
  });

  it('has a tool whose name was cut under its whole name too', () => {
    const long = 'a_tool_with_a_name_that_is_far_too_long_for_the_programs_that_call_it';
    const finder = new ToolFinder(() => []);
    const visible = finder.of(viewOf('server', [[long, 'Long.']]));
    expect(visible.find(`server__${long}`)).toMatchObject({ name: long });
    expect(visible.idOf('server', long)?.length).toBeLessThan(40);
  });
});
