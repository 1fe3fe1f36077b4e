// Results for the tests of shield and store: recorded ones (test/fixtures/tool-results/record.ts), hand-made ones in the
// shapes of well-known servers, and generated ones.
import fc from 'fast-check';
import { z } from 'zod';
import { readPackedJson } from '../../support/packed-json.ts';

const recordedShape = z.array(z.object({ server: z.string(), tool: z.string(), result: z.unknown() }));
const file = new URL('../../fixtures/tool-results/recorded.json.br', import.meta.url);

export const recordedResults = (): { name: string; result: unknown }[] =>
  recordedShape
    .parse(readPackedJson(file))
    .map(({ server, tool, result }, index) => ({ name: `${index} ${server} ${tool}`, result }));

const text = (value: string): unknown => ({ type: 'text', text: value });
const json = (value: unknown, indent?: number): unknown => text(JSON.stringify(value, undefined, indent));
const issues = (count: number): unknown[] =>
  Array.from({ length: count }, (_, n) => ({
    id: n + 1,
    number: 1_000 + n,
    title: `Issue ${n}`,
    state: n % 2 ? 'open' : 'closed',
    user: { login: `user-${n % 7}`, avatar_url: `https://example.org/avatar/${n}.png` },
    body: `Steps to reproduce ${n}. ${'It fails with a long trace. '.repeat(20)}`,
    labels: [{ name: 'bug' }],
  }));

/** Made by hand after the answers of issue trackers, databases, browsers and log viewers; not recorded. */
export const handMadeResults = (): { name: string; result: unknown }[] => [
  { name: 'issue list as JSON', result: { content: [json(issues(212))] } },
  {
    name: 'issue list, pretty',
    result: { content: [json({ total: 212, items: issues(212) }, 2)], _meta: { page: 1 } },
  },
  {
    name: 'rows as NDJSON',
    result: {
      content: [
        text(
          issues(90)
            .map((row) => JSON.stringify(row))
            .join('\n'),
        ),
      ],
    },
  },
  {
    name: 'CSV with quoted line feeds',
    result: {
      content: [
        text(
          ['id,name,note', ...Array.from({ length: 400 }, (_, n) => `${n},"name, ${n}","line 1\nline ${n}"`)].join(
            '\n',
          ),
        ),
      ],
    },
  },
  {
    name: 'Markdown table',
    result: {
      content: [
        text(['| a | b |', '|---|---|', ...Array.from({ length: 300 }, (_, n) => `| ${n} | value ${n} |`)].join('\n')),
      ],
    },
  },
  {
    name: 'log of one long text',
    result: { content: [text('2026-01-01 GET /index 200\n'.repeat(9_000))], isError: true },
  },
  {
    name: 'ids beyond a double',
    result: {
      content: [
        text(`[${Array.from({ length: 80 }, (_, n) => `{"id":90071992547409${10_000 + n},"ratio":1.50}`).join(',')}]`),
      ],
    },
  },
  {
    name: 'one map of many keys',
    result: { content: [json(Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`key ${n}`, n])))] },
  },
  {
    name: 'many small blocks',
    result: { content: Array.from({ length: 3_000 }, (_, n) => text(`block ${n} ${'x'.repeat(60)}`)) },
  },
  {
    name: 'many links',
    result: {
      content: Array.from({ length: 900 }, (_, n) => ({
        type: 'resource_link',
        uri: `file:///a/${n}`,
        name: `n${n}`,
        description: 'd'.repeat(80),
      })),
    },
  },
  {
    name: 'screenshots',
    result: {
      content: [
        text('shots'),
        ...Array.from({ length: 3 }, (_, n) => ({
          type: 'image',
          mimeType: 'image/png',
          data: `${n}`.repeat(400_000),
        })),
      ],
    },
  },
  {
    name: 'images over their budget',
    result: {
      content: Array.from({ length: 4 }, (_, n) => ({
        type: 'image',
        mimeType: 'image/png',
        data: `${n}`.repeat(1_500_000),
      })),
    },
  },
  {
    name: 'embedded text resource',
    result: {
      content: [
        {
          type: 'resource',
          resource: { uri: 'file:///big.txt', mimeType: 'text/plain', text: 'line of text\n'.repeat(8_000) },
        },
      ],
    },
  },
  {
    name: 'structured list with its text',
    result: { content: [json({ issues: issues(150) })], structuredContent: { issues: issues(150) } },
  },
  { name: 'structured content alone', result: { content: [], structuredContent: { rows: issues(60) } } },
  {
    name: 'a list with one text for each item',
    result: { content: issues(120).map((issue) => json(issue, 2)), structuredContent: { result: issues(120) } },
  },
  {
    name: 'CSV with giant cells',
    result: {
      content: [
        text(['id,note', ...Array.from({ length: 90 }, (_, n) => `${n},"${'a ""b"", '.repeat(n * 16)}"`)].join('\n')),
      ],
    },
  },
  { name: 'one JSON string', result: { content: [json('say "yes"\n'.repeat(9_000))] } },
  {
    name: 'a drawing',
    result: {
      content: [
        {
          type: 'resource',
          resource: { uri: 'a:b', mimeType: 'image/svg+xml', text: `<svg>${'<g/>'.repeat(20_000)}</svg>` },
        },
      ],
    },
  },
  {
    name: 'nested five hundred deep',
    result: { content: [text(`${'{"a":['.repeat(500)}1${']}'.repeat(500)}`), text('y'.repeat(70_000))] },
  },
  {
    name: 'a key named __proto__',
    result: { content: [text(`[${'{"__proto__":{"x":1},"constructor":"c"},'.repeat(90)}{"id":1}]`)] },
  },
];

const leaf = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 200, maxLength: 3_000, unit: 'grapheme' }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 30 }).map((part) => part.repeat(700)) },
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('tree'), { maxLength: 12 }),
    fc.dictionary(fc.string({ minLength: 1, maxLength: 12 }), tie('tree'), { maxKeys: 12 }),
  ),
}));
const rows = fc
  .tuple(
    fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), leaf, { minKeys: 1, maxKeys: 8 }),
    fc.integer({ min: 1, max: 300 }),
  )
  .map(([row, count]) => Array.from({ length: count }, (_, id) => ({ id, ...row })));
const block = fc.oneof(
  { weight: 3, arbitrary: tree.map((value) => json(value)) },
  { weight: 3, arbitrary: rows.map((value) => json(value, 2)) },
  { weight: 1, arbitrary: rows.map((list) => text(list.map((row) => JSON.stringify(row)).join('\n'))) },
  {
    weight: 2,
    arbitrary: fc
      .string({ maxLength: 60 })
      .chain((part) => fc.integer({ min: 1, max: 2_000 }).map((n) => text(part.repeat(n)))),
  },
  {
    weight: 1,
    arbitrary: fc
      .base64String({ maxLength: 40 })
      .map((data) => ({ type: 'image', mimeType: 'image/png', data: data.repeat(2_000) })),
  },
);
/** Objects as upstreams send them: through JSON once. */
export const anyResult = fc
  .record(
    {
      content: fc.array(block, { maxLength: 6 }),
      structuredContent: fc.record({ data: tree, rows }),
      isError: fc.boolean(),
      _meta: fc.constant({ 'x/y': 1 }),
    },
    { requiredKeys: ['content'] },
  )
  .map((result): unknown => JSON.parse(JSON.stringify(result)));
