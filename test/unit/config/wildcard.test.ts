import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matchesWildcard } from '../../../src/config/wildcard.ts';

/** The same by a regular expression, for short texts, where it cannot take long. */
function asPattern(pattern: string): RegExp {
  const pieces = pattern.split('*').map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${pieces.join('[^]*')}$`);
}

it('says what a regular expression of it would', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 7 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 });
  fc.assert(
    fc.property(pattern, text, (given, of) => {
      expect(matchesWildcard(given, of)).toBe(asPattern(given).test(of));
    }),
    { numRuns: 2_000 },
  );
});

it.each([
  ['create_*', 'create_issue', true],
  ['*', '', true],
  ['a*a', 'a', false],
  ['a.b', 'axb', false],
])('%s and %s: %s', (pattern, text, matches) => {
  expect(matchesWildcard(pattern, text)).toBe(matches);
});
