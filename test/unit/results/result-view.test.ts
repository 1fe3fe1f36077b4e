// What a model is shown of a stored result: paths that it is told lead where they say, and searches find what can be read.
import { describe, expect, it } from 'vitest';
import { type ResultView, type ViewRequest, viewResult } from '../../../src/results/result-view.ts';

const text = (value: unknown) => ({ content: [{ type: 'text', text: JSON.stringify(value) }] });
type Page = Exclude<ResultView, { kind: 'media' }>;
function view(result: object, request: ViewRequest = {}): Page {
  const shown = viewResult(result, request);
  if (shown.kind === 'media') throw new Error('a picture');
  return shown;
}

describe('a path to what is larger than a page', () => {
  it('leads into the row when it was mapped over rows', () => {
    const items = Array.from({ length: 5 }, (_, id) => ({ id, 'odd key': [{ body: `${id}${'Q'.repeat(40_000)}` }] }));
    const { tooLarge, nextOffset } = view(text({ items }), { path: '$.items[*]["odd key"][0].body', offset: 1 });
    expect(tooLarge?.path).toBe('$.items[1]["odd key"][0].body');
    expect(nextOffset).toBe(2);
    expect(view(text({ items }), { path: tooLarge?.path, limit: 3 })).toMatchObject({ kind: 'string', data: '1QQ' });
  });

  it('leads into the first of two mappings, and the second still maps', () => {
    const a = [{ b: [{ c: 1 }] }, { b: [{ c: 'x'.repeat(30_000) }, { c: 'y'.repeat(30_000) }] }];
    const first = view(text({ a }), { path: 'a[*].b[*].c', offset: 1 });
    expect(first.tooLarge?.path).toBe('$.a[1].b[*].c');
    const second = view(text({ a }), { path: first.tooLarge?.path, offset: 1 });
    expect(second.tooLarge?.path).toBe('$.a[1].b[1].c');
    expect(view(text({ a }), { path: second.tooLarge?.path })).toMatchObject({ total: 30_000 });
  });

  it('leads through the dots of a field', () => {
    const result = text({ by: { name: 'n'.repeat(40_000) } });
    const { tooLarge } = view(result, { fields: ['by.name'] });
    expect(view(result, { path: tooLarge?.path })).toMatchObject({ kind: 'string', total: 40_000 });
  });
});

describe('a search', () => {
  const rows = Array.from({ length: 100 }, (_, id) => ({
    id,
    msg: id === 77 ? 'he said "hello" at C:\\Users\nnew' : `x ${id}`,
  }));

  it.each([
    '"hello"',
    'C:\\Users',
    'at c:\\users\nNEW',
    'HELLO',
    '"id":77',
  ])('finds %j in rows as it reads', (search) => {
    expect(view(text(rows), { search })).toMatchObject({ total: 1, rows: [77], data: [{ id: 77 }] });
  });

  it('does not take a backslash before a letter for a line feed', () => {
    expect(view(text([{ path: 'C:\\new' }, { path: 'C:\new' }]), { search: '\n' })).toMatchObject({ rows: [1] });
  });

  it('finds a number that a double cannot hold by its digits', () => {
    const result = { content: [{ type: 'text', text: '[{"id":9007199254740993001},{"id":9007199254740993002}]' }] };
    expect(view(result, { search: '993002' })).toMatchObject({ rows: [1] });
  });

  it('finds inside an object, with the path to it and what stands around', () => {
    const items = Array.from({ length: 500 }, (_, id) => ({
      id,
      msg: `${id === 77 ? 'needle' : 'x'}${'z'.repeat(300)}`,
    }));
    const found = view(text({ meta: { needles: 2 }, items }), { search: 'needle' });
    expect(found).toEqual({
      kind: 'array',
      path: '$',
      total: 2,
      offset: 0,
      data: [
        { path: '$.meta.needles', at: 0, text: 'needles' },
        { path: '$.items[77].msg', at: 0, text: `needle${'z'.repeat(200)}` },
      ],
    });
    expect(view(text({ items }), { path: '$.items[77]', search: '77' })).toMatchObject({
      data: [{ path: '$.items[77].id', text: '77' }],
    });
    expect(view(text({ a: { b: 'needle' }, c: 'needle' }), { search: 'needle', fields: ['a.b'] })).toMatchObject({
      data: [{ path: '$.a.b', at: 0, text: 'needle' }],
    });
  });

  it('finds in what is nested deeper than a function could follow', () => {
    const result = { content: [{ type: 'text', text: `{"a":${'['.repeat(60_000)}"needle"${']'.repeat(60_000)}}` }] };
    const found = view(result, { search: 'needle' });
    expect(found).toMatchObject({ total: 1, data: [{ path: `$.a${'[0]'.repeat(99)}`, text: 'needle' }] });
  });
});

describe('a page', () => {
  const bytesOf = (page: Page): number =>
    Buffer.byteLength(JSON.stringify({ content: [{ type: 'text', text: JSON.stringify(page) }] }));
  const results = [
    text(Array.from({ length: 3_000 }, (_, id) => ({ id, q: '"""' }))),
    text(Array.from({ length: 3_000 }, (_, n) => n % 10)),
    text(Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`key ${n}`, `"${n}"`]))),
    { content: [{ type: 'text', text: '"漢字\n'.repeat(5_000) }] },
  ];

  it.each([1_024, 4_096, 65_536])('fits a budget of %d bytes and goes on to the end', (maxBytes) => {
    for (const result of results) {
      for (const more of [{}, { search: '"' }, { search: '1' }]) {
        for (let offset: number | undefined = 0, pages = 0; offset !== undefined && pages < 200; pages += 1) {
          const page: Page = view(result, { ...more, offset, limit: 10_000, maxBytes });
          expect(bytesOf(page)).toBeLessThanOrEqual(maxBytes);
          expect(page.nextOffset ?? Number.POSITIVE_INFINITY).toBeGreaterThan(offset);
          offset = page.nextOffset;
        }
      }
    }
  });
});
