import { describe, expect, it } from 'vitest';
import { shieldMetaKey, shieldResult } from '../../../src/results/shield.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';

const keep = { put: () => 'REF' };
const shield = (result: unknown, policy = {}): unknown =>
  shieldResult(result, { ...defaultShieldPolicy, ...policy }, keep).result;
const issues = Array.from({ length: 212 }, (_, id) => ({ id, title: `t${id}`, body: 'b'.repeat(300) }));
const text = (value: unknown) => ({ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) });

describe('shieldResult', () => {
  it('returns the same object when nothing is too large', () => {
    const result = { content: [text('hello'), { type: 'image', data: 'AAAA', mimeType: 'image/png' }], extra: 1 };
    expect(shield(result)).toBe(result);
    expect(shield('odd')).toBe('odd');
  });

  it('caps rows, drops heavy fields by name and says how to get the rest', () => {
    expect(shield({ content: [text(issues)], isError: true, _meta: { a: 1 }, other: 2 })).toEqual({
      content: [
        text(issues.slice(0, 50).map(({ id, title }) => ({ id, title }))),
        text(
          '[Result shortened. Get the rest: gateway_get_result {"ref":"REF"} with path, offset, limit, fields, search or block.\n- $: 50 of 212 items\n- $[*]: without body]',
        ),
      ],
      isError: true,
      _meta: { a: 1, [shieldMetaKey]: { ref: 'REF' } },
      other: 2,
    });
  });

  it('keeps both ends of a long text and never half a character', () => {
    const shown = JSON.stringify(shield({ content: [text(`start ${'👋'.repeat(9_000)} end`)] }));
    expect(shown).toContain('start 👋');
    expect(shown).toContain('👋 end');
    expect(shown).not.toMatch(/\\ud83d(?!\\)/);
  });

  it('leaves numbers alone that a double cannot hold', () => {
    const ids = Array.from({ length: 60 }, (_, n) => `{"id":9007199254740993${n % 10},"v":1.50}`);
    expect(JSON.stringify(shield({ content: [text(`[${ids.join(',')}]`)] }))).toContain(
      '90071992547409930,\\"v\\":1.50',
    );
  });

  it('shortens structuredContent and the text that repeats it to the same value', () => {
    const structure = { issues };
    const result = shield({ content: [text(structure)], structuredContent: structure });
    const { content, structuredContent } = JSON.parse(JSON.stringify(result));
    expect(JSON.parse(content[0].text)).toEqual(structuredContent);
    expect(structuredContent.issues).toHaveLength(50);
    expect(Object.keys(structuredContent.issues[0])).toEqual(['id', 'title', 'body']);
  });

  it('keeps the text inside a structure equal to its block', () => {
    const long = JSON.stringify(issues);
    const { content, structuredContent } = JSON.parse(
      JSON.stringify(shield({ content: [text(long)], structuredContent: { content: long } })),
    );
    expect(structuredContent.content).toBe(content[0].text);
    expect(JSON.parse(content[0].text)).toHaveLength(50);
  });

  it('lets a schema that allows no cut win over the budget', () => {
    const structure = { issues };
    const policy = { isValidStructure: (value: unknown) => JSON.stringify(value) === JSON.stringify(structure) };
    expect(shield({ content: [], structuredContent: structure }, policy)).toMatchObject({
      structuredContent: structure,
    });
  });

  it('replaces pictures over their budget by type and size, and keeps the others', () => {
    const image = (size: number) => ({ type: 'image', mimeType: 'image/png', data: 'A'.repeat(size) });
    const { content } = JSON.parse(
      JSON.stringify(shield({ content: [image(800), image(4_000), image(100)] }, { maxMediaBytes: 1_000 })),
    );
    expect(content.slice(0, 2)).toEqual([image(800), image(100)]);
    expect(content[2].text).toContain('- block 1 left out: image image/png, 3000 bytes');
  });

  it('survives values nested deeper than JSON.stringify can follow', () => {
    const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`;
    const rows = Array.from({ length: 8 }, (_, id) => `{"id":${id},"deep":${deep}}`);
    const { content } = JSON.parse(JSON.stringify(shield({ content: [text(`[${rows.join(',')}]`)] })));
    expect(JSON.parse(content[0].text)[7]).toEqual({ id: 7 });
  });
});
