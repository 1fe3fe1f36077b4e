import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  charsBetween,
  cutChars,
  firstChars,
  joinNames,
  lastChars,
  wholeCharacters,
  wholeJson,
} from '../../../src/base/cut-text.ts';
import { closed } from '../../../src/base/plain-text.ts';

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
    expect(cutChars(`e${'\u0301'.repeat(500)}`, 100)).toHaveLength(100);
    expect(isWhole(cutChars('👩\u200d'.repeat(500), 101))).toBe(true);
  });

  const written = [
    ...[
      'a',
      ' ',
      '日',
      '🚀',
      '\r\n',
      'e\u0301',
      '👩‍👧‍👦',
      '👋🏽',
      '❤️',
      '1️⃣',
      '한',
      '\u1112\u1161\u11ab',
      'क्षि',
      'กำ',
      '🇩🇪',
      '🇫🇷',
    ],
    ...['\\n', '\\"', '\\\\', '\\u202e', '\\ud83d\\ude80', '\\u{e0041}', '\u001b[31;1m', '\u001b]0;title\u0007', '🏴󠁧󠁢󠁥󠁮󠁧󠁿'],
  ];

  it('cut between characters as people count them, and not inside an escape or a sequence of a terminal', () => {
    const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...written), { maxLength: 60 }), fc.nat({ max: 200 }), (parts, limit) => {
        const text = parts.join('');
        // Neighbours may join, as a flag's letters do: what people see is the whole text's.
        const starts = new Set([...segmenter.segment(text)].map(({ index }) => index).concat(text.length));
        const inside = new Set<number>();
        let at = 0;
        for (const part of parts) {
          if (/^[\\\u001b]/.test(part)) for (let i = 1; i < part.length; i += 1) inside.add(at + i);
          at += part.length;
        }
        const places = [firstChars(text, limit).length, text.length - lastChars(text, limit).length];
        for (const place of places) expect([place, starts.has(place) && !inside.has(place)]).toEqual([place, true]);
      }),
    );
  });

  it('know which two letters are one flag in a long row of them', () => {
    const flags = '🇩🇪'.repeat(1_500);
    for (const limit of [2_045, 2_046, 2_047, 2_048]) {
      expect([firstChars(flags, limit).length % 4, lastChars(flags, limit).length % 4]).toEqual([0, 0]);
    }
  });

  it('show the whole of what stands at both ends of an excerpt', () => {
    expect(charsBetween('a🚀b🚀c', 2, 5)).toBe('🚀b🚀');
    expect(charsBetween('abc', -5, 50)).toBe('abc');
  });
});

describe('closed', () => {
  it('ends what a cut leaves open, and only that', () => {
    expect(closed('plain')).toBe('plain');
    expect(closed('a\u202eb')).toBe('a\u202eb\u202c');
    expect(closed('\u2067a\u202bb')).toBe('\u2067a\u202bb\u202c\u2069');
    expect(closed('\u2067a\u202bb\u2069')).toBe('\u2067a\u202bb\u2069');
    expect(closed('\u202ea\nb')).toBe('\u202ea\nb');
    expect(closed('a\u202c\u2069')).toBe('a\u202c\u2069');
  });
});

describe('wholeJson', () => {
  const halves = fc.string({
    unit: fc.constantFrom('a', '\\', '"', 'ud83d', '\ud83d', '\ude80', '🚀', '\n'),
    maxLength: 12,
  });

  it('writes no half of a character, and all else as JSON does', () => {
    fc.assert(
      fc.property(halves, halves, (key, text) => {
        const json = wholeJson({ [key]: [text] });
        expect(Buffer.from(json).toString()).toBe(json);
        expect(JSON.parse(json)).toEqual({ [wholeCharacters(key)]: [wholeCharacters(text)] });
      }),
    );
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
