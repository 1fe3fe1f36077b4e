import { describe, expect, it } from 'vitest';
import { createToolIndex, type ToolIndex } from '../../../src/search/tool-index.ts';

const files = [
  {
    name: 'read_file',
    description: 'Read the complete contents of a file. Works with text.',
    annotations: { readOnlyHint: true },
  },
  {
    name: 'writeFile',
    description: 'Create a new file or overwrite an existing file.',
    inputSchema: {
      type: 'object',
      properties: { content: { type: 'string' }, path: { type: 'string', description: 'Where to write' } },
      required: ['path'],
    },
  },
  {
    name: 'list_directory',
    description: 'List files and folders in a directory.',
    annotations: { readOnlyHint: true },
  },
];
const calendar = [
  { name: 'createEvent', description: 'Adds an appointment to the calendar of a person.' },
  { name: 'find_free_slot', description: 'Searches a calendar for a time when all attendees are available.' },
];
const rail = [
  { name: 'query_tickets', description: '查询火车票余票信息' },
  { name: 'station_code', description: '通过中文城市名查询车站代码' },
];

function sample(): ToolIndex {
  const index = createToolIndex();
  index.set('files', files, 'Access to the file system.');
  index.set('calendar', calendar, 'Appointments and people.');
  index.set('rail', rail, '中国铁路购票');
  return index;
}
const names = (index: ToolIndex, query: string, options = {}): string[] =>
  index.search(query, { limit: 5, ...options }).map(({ name }) => name);

describe('tool index', () => {
  it('finds a camelCase name by its words, in any inflection', () => {
    expect(names(sample(), 'writing files')[0]).toBe('writeFile');
    expect(names(sample(), 'create events')[0]).toBe('createEvent');
  });

  it('finds tools by synonyms of what they say', () => {
    expect(names(sample(), 'show the content of a folder')[0]).toBe('list_directory');
  });

  it('forgives a typo in a word that no tool uses', () => {
    expect(names(sample(), 'calender appointmnt')[0]).toBe('createEvent');
  });

  it('searches Chinese descriptions by words inside a sentence', () => {
    expect(names(sample(), '查询车站代码')[0]).toBe('station_code');
    expect(names(sample(), '我要买火车票')[0]).toBe('query_tickets');
  });

  it('gives each step of a task a tool', () => {
    const found = names(sample(), 'Find a free slot in my calendar, then save it to /home/me/plan.md', { limit: 3 });
    expect(found).toContain('find_free_slot');
    expect(found).toContain('writeFile');
  });

  it('describes a hit by server, one line, arguments with the required ones first, and a score', () => {
    const [hit] = sample().search('write file', { limit: 1 });
    expect(hit).toMatchObject({
      server: 'files',
      name: 'writeFile',
      description: 'Create a new file or overwrite an existing file.',
      args: ['path*', 'content'],
    });
    expect(hit?.score).toBeGreaterThan(0);
  });

  it('filters by server, by read-only hint and by what the session may see', () => {
    expect(names(sample(), 'file calendar', { servers: ['calendar'] }).sort()).toEqual([
      'createEvent',
      'find_free_slot',
    ]);
    expect(names(sample(), 'file', { readOnly: true })).not.toContain('writeFile');
    expect(names(sample(), 'file', { accepts: (_: string, tool: string) => tool !== 'read_file' })).not.toContain(
      'read_file',
    );
  });

  it('says of a tool that it only reads or destroys where its server says so, and else nothing', () => {
    const index = createToolIndex();
    const hinted = (name: string, annotations?: unknown) => ({ name, description: 'Does a thing.', annotations });
    index.set('s', [
      hinted('reads', { readOnlyHint: true, destructiveHint: false }),
      hinted('destroys', { destructiveHint: true }),
      hinted('silent'),
      hinted('odd', { destructiveHint: 'yes', readOnlyHint: 1 }),
    ]);
    const hints = index.search('', { limit: 9 }).map(({ readOnly, destructive }) => [readOnly, destructive]);
    expect(hints).toEqual([
      [true, undefined],
      [undefined, true],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it.each([
    ['fs', 'fs'],
    ['filesystem', 'fs'],
    ['the filesystem server', 'fs'],
    ['my aud', 'my-aud'],
    ['every', 'every'],
    ['every server', 'every'],
  ])('finds the tools of a server by its name alone: %s', (query, server) => {
    const index = sample();
    index.set('fs', [{ name: 'tree' }, { name: 'move' }], '', ['fs', 'secure-filesystem-server']);
    index.set('my-aud', [{ name: 'run_raw' }]);
    index.set('every', [{ name: 'ping', description: 'Says something about every fs.' }, { name: 'sum' }]);
    const found = index.search(query, { limit: 10 });
    const own = found.filter((hit) => hit.server === server);
    expect(found.slice(0, own.length)).toEqual(own);
    expect(own.length).toBe(server === 'my-aud' ? 1 : 2);
  });

  it('ranks the tools of a server that is named among other words by those', () => {
    const index = sample();
    index.set('fs', [{ name: 'tree' }, { name: 'move' }, { name: 'remove_event' }], '');
    expect(names(index, 'move something on fs')).toEqual(['move', 'remove_event', 'tree']);
    expect(names(index, 'move something on fs', { accepts: (_: string, tool: string) => tool !== 'tree' })).toEqual([
      'move',
      'remove_event',
    ]);
  });

  it('does not take a word that tells nothing for a name, nor what every server is', () => {
    const index = sample();
    index.set('every', [{ name: 'sum' }]);
    index.set('my-mcp-server', [{ name: 'run_raw' }]);
    expect(names(index, 'read every file in my folder')).not.toContain('sum');
    expect(names(index, 'my file')).not.toContain('run_raw');
    expect(names(index, 'server')).not.toContain('run_raw');
  });

  it('lists everything by server and name for an empty query', () => {
    expect(names(sample(), ' ', { limit: 3 })).toEqual(['createEvent', 'find_free_slot', 'read_file']);
  });

  it('forgets a removed server and replaces one that is set again', () => {
    const index = sample();
    index.remove('files');
    expect(names(index, 'file directory')).toEqual([]);
    index.set('calendar', [{ name: 'delete_event', description: 'Deletes an appointment.' }]);
    expect(index.size).toBe(3);
    expect(names(index, 'appointment')).toEqual(['delete_event']);
  });

  it('answers like a new index after many servers came, changed and went', () => {
    const lists = [files, calendar, rail, [...files, ...calendar], []];
    const index = createToolIndex();
    const last = new Map<string, (typeof lists)[number]>();
    for (let step = 0; step < 120; step += 1) {
      const key = `server-${(step * 7) % 11}`;
      const list = lists[(step * 5) % lists.length] ?? [];
      if (step % 4 === 3) {
        index.remove(key);
        last.delete(key);
      } else {
        index.set(key, list);
        last.set(key, list);
      }
      // A request between two changes makes the index turn its lists around.
      if (step % 9 === 0) index.search('calendar file', { limit: 3 });
    }
    const fresh = createToolIndex();
    for (const [key, list] of last) fresh.set(key, list);
    expect(index.size).toBe(fresh.size);
    for (const query of ['read a file', 'appointment in the calendar', '查询车站', 'directory of folders']) {
      const found = (of: ToolIndex) => of.search(query, { limit: 50 }).map(({ server, name }) => `${server} ${name}`);
      expect(found(index), query).toEqual(found(fresh));
    }
  });

  it('answers the same whatever the order in which servers were set', () => {
    const other = createToolIndex();
    other.set('rail', rail, '中国铁路购票');
    other.set('calendar', []);
    other.set('files', files, 'Access to the file system.');
    other.set('calendar', calendar, 'Appointments and people.');
    const query = 'read the calendar file and find a directory';
    expect(other.search(query, { limit: 7 })).toEqual(sample().search(query, { limit: 7 }));
  });

  it('survives tools whose schema or description is not what it should be', () => {
    const index = createToolIndex();
    index.set('odd', [
      { name: 'a_tool', description: null, inputSchema: 'nonsense' },
      { name: 'b_tool', inputSchema: { properties: { x: null, constructor: 5 } }, annotations: 3 },
    ]);
    expect(index.search('b tool constructor', { limit: 2 }).map(({ name }) => name)).toContain('b_tool');
    expect(names(index, '__proto__ constructor toString')).toEqual(['b_tool']);
  });
});
