// What a shortened result may take, whatever part of it is large, and what it keeps when the budget is small.
import { describe, expect, it } from 'vitest';
import { structureRule } from '../../../src/results/compile-schema.ts';
import { ResultStore } from '../../../src/results/result-store.ts';
import { shieldResult } from '../../../src/results/shield.ts';
import { defaultShieldPolicy, type ShieldPolicy } from '../../../src/results/shrink.ts';

type Result = {
  content: { type: string; text: string }[];
  structuredContent: Record<string, unknown>;
  _meta: Record<string, unknown>;
  toolResult: string;
};
const store = new ResultStore({ now: () => 0, spillFolder: '/nonexistent/spill' });
const text = (value: unknown) => ({ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) });
const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

function shield(result: object, policy: Partial<ShieldPolicy> = {}): { result: Result; ref: string; note: string } {
  const shielded = shieldResult(result, { ...defaultShieldPolicy, ...policy }, store.of('me'));
  const shown: Result = JSON.parse(JSON.stringify(shielded.result));
  return { result: shown, ref: shielded.ref ?? '', note: shown.content?.at(-1)?.text ?? '' };
}

describe('the budget of a shortened result', () => {
  it('holds for _meta: small members stay, a giant one is left out and can be fetched', () => {
    const big = 'm'.repeat(200_000);
    const { result, ref, note } = shield({ content: [text('hi')], _meta: { big, small: { a: 1 } } });
    expect(bytes(result)).toBeLessThan(66_000);
    expect(result).toMatchObject({ content: [text('hi'), {}], _meta: { small: { a: 1 }, 'aitkit/shield': { ref } } });
    expect(note).toContain('- $$._meta: without big');
    expect(store.get('me', ref, { path: '$$._meta.big', offset: 199_999 })).toMatchObject({
      total: 200_000,
      data: 'm',
    });
  });

  it('holds for results without content, which get the note as content', () => {
    const { result, ref, note } = shield({ toolResult: 'z'.repeat(300_000) });
    expect(bytes(result)).toBeLessThan(66_000);
    expect(result.toolResult).toMatch(/^z+ … \[291808 characters cut\] … z+$/);
    expect(note).toContain('- $$.toolResult: 8192 of 300000 characters');
    expect(store.get('me', ref, { path: '$$.toolResult', offset: 299_999 })).toMatchObject({ total: 300_000 });
    const structure = shield({ structuredContent: { a: 'q'.repeat(100_000) } });
    expect(structure.note).toContain('- $.a: 8192 of 100000 characters');
  });

  it('leaves what is not finished alone: a host reads its state back exactly', () => {
    const asks = { resultType: 'input_required', requestState: 's'.repeat(100_000) };
    expect(shieldResult(asks, defaultShieldPolicy, store.of('me')).result).toBe(asks);
  });

  it('holds for a text that looks like what stands for a number', () => {
    const { result } = shield({ content: [text('x')], structuredContent: { s: `\u0000#${'k'.repeat(200_000)}` } });
    expect(bytes(result)).toBeLessThan(66_000);
  });

  it('holds under a schema that refuses the note in the middle of a text', async () => {
    const data = 'A'.repeat(300_000);
    const rule = await structureRule({
      type: 'object',
      properties: { data: { type: 'string', pattern: '^[A-Za-z0-9+/=]*$' } },
    });
    if (!rule) throw new Error('the schema must compile');
    const { result, note } = shield(
      { content: [text({ data })], structuredContent: { data } },
      { isValidStructure: rule.passes },
    );
    expect(result.structuredContent).toEqual({ data: 'A'.repeat(8_192) });
    expect(result.content[0]).toEqual(text(result.structuredContent));
    expect(note).toContain('- $.data: 8192 of 300000 characters');
  });

  it('says so where a schema asks for the whole structure', () => {
    const structure = { data: 'A'.repeat(100_000) };
    const isValidStructure = (value: unknown) => JSON.stringify(value) === JSON.stringify(structure);
    const { result, note } = shield({ content: [text(structure)], structuredContent: structure }, { isValidStructure });
    expect(result.structuredContent).toEqual(structure);
    expect(note).toContain('structuredContent is whole, 100011 bytes: its schema asks for it');
  });

  it('leaves a result alone that fits, to the last byte', () => {
    const result = { content: Array.from({ length: 8 }, () => text('a'.repeat(8_000))) };
    const maxTotalBytes = bytes(result);
    expect(shieldResult(result, { ...defaultShieldPolicy, maxTotalBytes }, store.of('me')).result).toBe(result);
    expect(bytes(shield(result, { maxTotalBytes: maxTotalBytes - 1 }).result)).toBeLessThan(maxTotalBytes);
  });

  it('shows small results, and the start of large ones, under the smallest budget there is', () => {
    const small = { content: [text({ mode: 'fast', count: 1 })] };
    const policy = { maxTotalBytes: 1_024 };
    expect(shield(small, policy).result).toEqual(small);
    const rows = Array.from({ length: 500 }, (_, id) => ({ id, name: `name ${id}`, body: 'b'.repeat(400) }));
    for (const large of [
      { content: [text(rows)] },
      { content: [text('word '.repeat(5_000))] },
      { content: [text({ rows })], structuredContent: { rows } },
      { content: [], structuredContent: { rows }, _meta: { a: 'a'.repeat(3_000), b: 1 } },
      { content: Array.from({ length: 300 }, (_, n) => text(`block ${n} 漢字`)), isError: true },
    ]) {
      const { result, note } = shield(large, policy);
      expect(bytes(result)).toBeLessThanOrEqual(1_024);
      expect(note).toContain('gateway_get_result');
      expect(bytes({ ...result, _meta: 0 })).toBeGreaterThan(note.length + 80);
    }
  });

  it('holds for a note of long names in another script', () => {
    const row = () =>
      Object.fromEntries([
        ['id', '1'],
        ...Array.from({ length: 12 }, (_, n) => [`${'字'.repeat(200)}${n}`, 'v'.repeat(300)]),
      ]);
    const block = () => text(Array.from({ length: 6 }, row));
    const { result } = shield({ content: [...Array.from({ length: 12 }, block), text('p'.repeat(70_000))] });
    expect(bytes(result)).toBeLessThanOrEqual(65_536);
  });

  it('keeps what is nested deep and fits', () => {
    const deep = JSON.parse(`${'{"a":['.repeat(300)}1${']}'.repeat(300)}`);
    const result = { content: [text(deep)], structuredContent: deep };
    expect(shield(result).result).toEqual(result);
  });
});

describe('the note of a shortened result', () => {
  it('says the same cut of many rows once, and where names are that it has no room for', () => {
    const rows = Array.from({ length: 10 }, (_, id) => ({
      ...{ id, message: 'm'.repeat(9_000) },
      ...Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`field_${n}`, 'v'.repeat(400)])),
    }));
    const { note, ref } = shield({ content: [text(rows)] });
    expect(note.split('\n').slice(1)).toEqual([
      '- $[*]: without field_0, field_1, field_2, field_3, field_4, field_5, field_6, field_7, field_8, field_9, field_10, field_11 and 8 more, see $[0]',
      '- $[*].message, 10 times: 4096 of 9000 characters at $[0].message]',
    ]);
    expect(store.get('me', ref, { path: '$[0]' })).toMatchObject({ data: { field_19: 'v'.repeat(400) } });
  });
});

it('says of thousands of small blocks which are left out', () => {
  const content = Array.from({ length: 3_000 }, (_, n) => text(`block ${n} ${'q'.repeat(50)}`));
  const { result, note, ref } = shield({ content });
  const first = result.content.length - 1;
  expect(note).toContain(`\n- blocks ${first} to 2999 left out: text, `);
  expect(note.split('\n')).toHaveLength(2);
  expect(store.get('me', ref, { block: first })).toMatchObject({ data: content[first]?.text });
});

describe('texts that are cut', () => {
  it('stay one JSON string', () => {
    const { result, ref } = shield({ content: [text(JSON.stringify('\n'.repeat(10_000)))] });
    expect(JSON.parse(result.content[0]?.text ?? '')).toMatch(/^\n+ … \[1808 characters cut\] … \n+$/);
    expect(store.get('me', ref, { offset: 9_999 })).toMatchObject({ total: 10_000, data: '\n' });
  });

  it('are never drawings: those stay whole or go', () => {
    const svg = (shapes: number) => ({
      type: 'resource',
      resource: { uri: 'a:b', mimeType: 'image/svg+xml', text: `<svg>${'<g/>'.repeat(shapes)}</svg>` },
    });
    const { result, ref, note } = shield({ content: [svg(3_000), svg(20_000)] });
    expect(result.content.slice(0, -1)).toEqual([svg(3_000)]);
    expect(note).toContain('- block 1 left out: resource image/svg+xml, 80011 characters');
    expect(store.get('me', ref, { block: 1, offset: 80_005 })).toMatchObject({ data: '</svg>' });
  });

  it('lose no row of a table from between others', () => {
    const lines = [
      'id,name,body',
      ...Array.from({ length: 120 }, (_, n) => `${n},n${n},"${n === 3 ? 'B""'.repeat(5_000) : 'b'}"`),
    ];
    const { result, ref, note } = shield({ content: [text(lines.join('\n'))] });
    const kept = (result.content[0]?.text ?? '').split('\n');
    expect(kept).toHaveLength(51);
    expect(kept[4]).toMatch(/^3,n3,"(B"")+B?"?"? … \[\d+ characters cut\] … B?("")?(B"")+"$/);
    expect(note).toContain('- $: 51 of 121 items\n- $[4]: ');
    expect(store.get('me', ref, { offset: 51, limit: 1 })).toMatchObject({ data: [lines[51]] });
    expect(store.get('me', ref, { path: '$[4]', limit: 20_000 })).toMatchObject({ total: lines[4]?.length });
  });

  it('take a quote inside a cell for a sign of inches', () => {
    const lines = ['a,b,c', ...Array.from({ length: 3_000 }, (_, n) => (n === 30 ? '30,5" pipe,x' : `${n},yyyy,z`))];
    const { ref, note } = shield({ content: [text(lines.join('\n'))] });
    expect(note).toContain('- $: 51 of 3001 items');
    expect(store.get('me', ref, { offset: 2_999 })).toMatchObject({ data: lines.slice(2_999) });
  });
});
