import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance } from '../../../src/base/edit-distance.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['', 'abc', 3],
    ['stauts', 'status', 1],
    ['kitten', 'sitting', 3],
    ['ca', 'abc', 3],
    ['github', 'gitlab', 2],
  ])('from %j to %j is %i', (a, b, edits) => {
    expect(editDistance(a, b)).toBe(edits);
    expect(editDistance(b, a)).toBe(edits);
  });

  it('says more than the limit, and else the same as without one', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), fc.nat(8), (a, b, limit) => {
        const whole = editDistance(a, b);
        const bounded = editDistance(a, b, limit);
        if (whole <= limit) expect(bounded).toBe(whole);
        else expect(bounded).toBeGreaterThan(limit);
      }),
    );
  });
});
