import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText, plainLine, plainText, visible, visibleJson } from '../../../src/base/plain-text.ts';
import { allHarm, findHarm, harmful } from '../../support/hostile-text.ts';

/** Any text, with what harms as likely as letters, and halves of pairs among it. */
const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(...Object.values(harmful), '\n', '\t', '\r\n', ' ', '\\', '\\u202e', '\\u{e0041}'),
      fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

describe('visible', () => {
  it('leaves nothing unseen in any text, in one line, and changes nothing when done again', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const shown = visible(text);
        expect(findHarm(shown)).toBeUndefined();
        expect(shown).not.toContain('\n');
        expect(visible(shown)).toBe(shown);
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes nothing out: what was written out reads back', () => {
    fc.assert(
      fc.property(texts, (text) => {
        // A text that spells an escape itself reads back as the character: consent is shown as JSON, where it cannot.
        fc.pre(!text.includes('\\'));
        const back = visible(text).replace(/\\u\{([0-9a-f]+)\}|\\u([0-9a-f]{4})|\\([nt])/g, (_, long, short, letter) =>
          letter ? (letter === 'n' ? '\n' : '\t') : String.fromCodePoint(Number.parseInt(long ?? short, 16)),
        );
        expect(back).toBe(text);
      }),
    );
  });

  it.each([
    ['plain ~!@\\ text', 'plain ~!@\\ text'],
    ['naïve 日本語 العربية हिन्दी 한글 Ελλάδα', 'naïve 日本語 العربية हिन्दी 한글 Ελλάδα'],
    ['a\u001b[31mb', 'a\\u001b[31mb'],
    ['exe.\u202egpj', 'exe.\\u202egpj'],
    ['\u{e0041}', '\\u{e0041}'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\u000dd'],
    ['\ud83d', '\\ud83d'],
    // Marks belong to a letter; more than four stack over other lines, and without a letter they change a word of ours.
    ['e\u0301', 'e\u0301'],
    [`o${'\u0302'.repeat(6)}`, `o${'\u0302'.repeat(4)}\\u0302\\u0302`],
    ['"\u0338x', '"\\u0338x'],
  ])('writes %j as %j', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });
});

describe('plainLine', () => {
  it('reads a text of several lines as one', () => {
    expect(plainLine('  one\r\n\ttwo\n\nthree ')).toBe('one two three');
    expect(plainLine('\u00a0x\u2028')).toBe('\\u00a0x\\u2028');
    fc.assert(
      fc.property(texts, (text) => {
        expect(findHarm(plainLine(text))).toBeUndefined();
      }),
    );
  });
});

describe('plainText', () => {
  it('keeps lines, and leaves nothing in any text that moves, turns or hides', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const shown = plainText(text);
        expect(findHarm(shown, { isProse: true })).toBeUndefined();
        expect(plainText(shown)).toBe(shown);
      }),
      { numRuns: 2_000 },
    );
    expect(plainText('a\r\nb\tc\n')).toBe('a\nb\tc\n');
  });

  it.each([
    '☀️ ⚠️ 1️⃣ ❤️',
    '👩‍👩‍👧 👨🏽‍💻 🏳️‍🌈 🏳️‍⚧️',
    'می‌خواهم',
    'ශ්‍රී ක්‍ෂ',
    '日本　語',
    '10 000 €',
  ])('leaves %j as people write it', (text) => {
    expect(plainText(text)).toBe(text);
  });

  it.each([
    ['a\u200db', 'a\\u200db'],
    ['x\ufe0f', 'x\\ufe0f'],
    ['❤\ufe0f\ufe0f', '❤\ufe0f\\ufe0f'],
    ['👩\u200d\u200d👧', '👩\\u200d\\u200d👧'],
    ['🏴\u{e0067}\u{e007f}', '🏴\\u{e0067}\\u{e007f}'],
  ])('does not take %j for a picture', (text, shown) => {
    expect(plainText(text)).toBe(shown);
  });
});

describe('jsonText', () => {
  it('means the same value and hides nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), texts, (value, text) => {
        const whole = { value, text, [text]: [text] };
        expect(JSON.parse(jsonText(whole, 2))).toEqual(JSON.parse(JSON.stringify(whole)));
        expect(findHarm(jsonText(whole, 2))).toBeUndefined();
        expect(findHarm(visibleJson(JSON.stringify(whole)))).toBeUndefined();
      }),
    );
    expect(jsonText(undefined)).toBe('null');
  });

  it('tells any two texts apart', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(jsonText(a) === jsonText(b)).toBe(a === b);
      }),
    );
  });
});

it('costs twice as much for twice the text, whatever it holds', () => {
  const units = ['\u001b', '\u0301', 'e\u0301', '\u200d', '👩\u200d', '\u{e0041}', ' \u00a0', '\n ', allHarm];
  for (const write of [visible, plainLine, plainText, visibleJson]) {
    for (const unit of units) {
      const cost = (length: number) => {
        const text = unit.repeat(Math.ceil(length / unit.length));
        const from = process.cpuUsage();
        write(text);
        const used = process.cpuUsage(from);
        return used.user + used.system;
      };
      cost(25_000);
      // Quadratic would be sixteen times as much; the added time covers collections of garbage.
      expect(cost(100_000), JSON.stringify(unit)).toBeLessThan(8 * cost(25_000) + 50_000);
    }
  }
});
