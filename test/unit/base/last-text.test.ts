import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LastText, openBytes, textOfEnd, textOfStart } from '../../../src/base/last-text.ts';

const texts = fc.string({ unit: fc.constantFrom('a', 'é', '日', '🚀'), maxLength: 40 });

it('keeps the last of a text that comes in parts of any size, without a torn character', () => {
  fc.assert(
    fc.property(
      texts,
      fc.integer({ min: 1, max: 30 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      (text, max, sizes) => {
        const last = new LastText(max);
        const bytes = Buffer.from(text);
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const size = sizes[i % sizes.length] ?? 1;
          last.add(bytes.subarray(at, at + size));
          at += size;
        }
        const shown = last.toString();
        expect(shown).not.toContain('\ufffd');
        expect(text.endsWith(shown)).toBe(true);
        expect(Buffer.byteLength(shown)).toBeGreaterThan(Math.min(bytes.length, max) - 4);
        last.clear();
        expect(last.toString()).toBe('');
      },
    ),
  );
});

it('shows both ends of cut bytes without the rest of a character', () => {
  const bytes = Buffer.from('🚀日é');
  expect(textOfStart(bytes.subarray(0, 3))).toBe('');
  expect(textOfStart(bytes.subarray(0, 6))).toBe('🚀');
  expect(textOfEnd(bytes.subarray(1))).toBe('日é');
  expect(textOfEnd(bytes.subarray(8))).toBe('');
});

it('takes what begins no character for no beginning', () => {
  for (const bytes of [[0x80], [0xff], [0xc0], [0x61], [], [0x80, 0x80, 0x80, 0x80]]) {
    expect(openBytes(Buffer.from(bytes))).toBe(0);
  }
});
