import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutChars, joinNames, lastChars } from '../../../src/base/cut-text.ts';

const isWhole = (text: string) => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
const texts = fc.string({ unit: fc.constantFrom('a', 'é', '日', '🚀', 'e\u0301', '👩‍👧', '👋🏽'), maxLength: 40 });

describe('cutChars and lastChars', () => {
  it('keep whole characters, and no more than the limit', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 50 }), (text, limit) => {
        const [start, end] = [cutChars(text, limit), lastChars(text, limit)];
        expect([start.length <= limit, end.length <= limit, isWhole(start), isWhole(end)]).toEqual(Array(4).fill(true));
        expect(text.startsWith(start.replace(/…$/, ''))).toBe(true);
        expect(text.endsWith(end)).toBe(true);
        if (text.length <= limit) expect([start, end]).toEqual([text, text]);
        else expect(start.endsWith('…')).toBe(true);
      }),
    );
  });

  it('never part a letter from its accent or a picture from its other half', () => {
    expect(cutChars('abe\u0301f', 4)).toBe('ab…');
    expect(cutChars('ab👩‍👧c', 5)).toBe('ab…');
    expect(cutChars('ab👋🏽c', 5)).toBe('ab…');
    expect(lastChars('abe\u0301f', 2)).toBe('f');
    expect(lastChars('x🚀', 1)).toBe('');
  });

  it('give up on a letter under more accents than any script has', () => {
    expect(cutChars(`e${'\u0301'.repeat(500)}`, 100)).toHaveLength(68);
  });
});

describe('joinNames', () => {
  it('names a few, each short, and counts the rest', () => {
    expect(joinNames(['a', 'b'])).toBe('a, b');
    const many = Array.from({ length: 17 }, (_, i) => `server-${i}`);
    expect(joinNames(many)).toBe('server-0, server-1, server-2, server-3, server-4 and 12 more');
    expect(joinNames(['n'.repeat(200_000)])).toBe(`${'n'.repeat(79)}…`);
    expect(joinNames(['日本', 'a. Run: x', 'b\u202e\n'])).toBe('日本, "a. Run: x", "b\\u202e\\n"');
  });
});
