import fc from 'fast-check';
import { expect, it } from 'vitest';
import { idKey } from '../../../src/mcp/id-key.ts';

it.each([
  ['7', '7.0', '7e0', '70e-1', '0.7E+1', '700.00e-2'],
  ['0', '-0', '0.0', '0e5', '-0.000e-9'],
  ['-12', '-12.0', '-1.2e1'],
  ['1.5', '1.50', '15e-1'],
  ['9007199254740993', '9007199254740993.0', '9007199254740993e0'],
  ['12345678901234567890', '1234567890123456789e1', '12345678901234567890.00'],
  ['1000000000000000', '1e15'],
  ['1000000000000000000000', '1e21', '10e20'],
  ['"a"', '"\\u0061"'],
  ['"/"', '"\\/"'],
])('is one for the spellings of %s', (id, ...others) => {
  for (const other of others) expect(idKey(other), other).toBe(idKey(id));
});

it.each([
  ['1', '"1"'],
  ['9007199254740992', '9007199254740993'],
  ['4503599627370496', '4503599627370496.3'],
  ['12345678901234567890', '12345678901234567891'],
  ['1', '-1'],
  ['1', '10'],
  ['1e400', '1e401'],
  ['1e99999999999999999998', '1e99999999999999999999'],
  ['null', '"null"'],
])('differs for %s and %s', (one, other) => {
  expect(idKey(one)).not.toBe(idKey(other));
});

it('is as different as the values, for all numbers that are exact', () => {
  const spelling = fc.constantFrom<(n: number) => string>(
    String,
    (n) => n.toExponential(),
    (n) => `${n}.0`,
  );
  const id = fc.integer({ min: -2_000, max: 2_000 });
  fc.assert(
    fc.property(id, id, spelling, spelling, (a, b, one, other) => {
      expect(idKey(one(a)) === idKey(other(b))).toBe(a === b);
    }),
  );
});
