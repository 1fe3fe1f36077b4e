import { expect, it } from 'vitest';
import { withoutStacks } from '../../../src/base/mark-stacks.ts';

it('keeps what people write, in scripts with many marks too', () => {
  for (const text of ['é', 'e\u0301', 'กี่', 'हिन्दी', 'ệ'.normalize('NFD'), 'שָׁלוֹם'])
    expect(withoutStacks(text)).toBe(text);
});

it('keeps eight marks of a stack, each stack by itself', () => {
  expect(withoutStacks(`a${'\u0301'.repeat(500)}b${'\u0302'.repeat(9)}`)).toBe(
    `a${'\u0301'.repeat(8)}b${'\u0302'.repeat(8)}`,
  );
});
