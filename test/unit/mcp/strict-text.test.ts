// Texts that JSON.parse reads and parsers of other languages do not.
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { asUtf8, farNumbers, isTooDeep, withoutHalves } from '../../../src/mcp/strict-text.ts';

const hasHalf = (text: string): boolean =>
  /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

it('replaces each half of a surrogate pair and nothing else, however strings are escaped', () => {
  const unit = fc.oneof(
    fc.constantFrom('\\ud83d', '\\uDE00', '\\\\', '\\"', '\\u0041', '\\ud83d\\ude00', 'u', 'd83d', '😀', '\\\\ud83d'),
    fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text).slice(1, -1)),
  );
  fc.assert(
    fc.property(fc.array(unit), (units) => {
      const text = `{"a":"${units.join('')}","b":["${[...units].reverse().join('')}"]}`;
      const plain = withoutHalves(Buffer.from(text), undefined).toString('utf8');
      const whole = (value: string): unknown =>
        JSON.parse(value, (_key, one) => (typeof one === 'string' ? mended(one) : one));
      expect(JSON.parse(plain)).toEqual(whole(text));
      expect(hasHalf(JSON.stringify(JSON.parse(plain)))).toBe(false);
      if (!hasHalf(Object.values(JSON.parse(text)).flat().join('\n'))) expect(plain).toBe(text);
    }),
  );
});

/** As the language itself does it. */
function mended(text: string): string {
  return Buffer.from(text, 'utf16le')
    .toString('utf16le')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

it('keeps halves in the span that it is told to', () => {
  const text = Buffer.from('{"name":"\\ud800","b":"\\ud800"}');
  expect(withoutHalves(text, { start: 8, end: 16 }).toString()).toBe('{"name":"\\ud800","b":"\\ufffd"}');
});

it('shows bytes that are no UTF-8 as every reader does, and leaves what is', () => {
  const bytes = Buffer.concat([Buffer.from('{"a":"ü'), Buffer.from([0xff, 0xed, 0xa0, 0x80]), Buffer.from('"}')]);
  expect(isUtf8(asUtf8(bytes))).toBe(true);
  expect(JSON.parse(asUtf8(bytes).toString()).a).toMatch(/^ü\ufffd+$/);
  const plain = Buffer.from('{"a":"ü😀"}');
  expect(asUtf8(plain)).toBe(plain);
});

it('counts what is nested, not what is in texts', () => {
  const nested = (depth: number) => Buffer.from(`${'{"a":['.repeat(depth / 2)}"]]]{{{\\"["${']}'.repeat(depth / 2)}`);
  expect([isTooDeep(nested(100)), isTooDeep(nested(102))]).toEqual([false, true]);
});

it('finds the numbers that are none in a double', () => {
  const text = Buffer.from(`{"a":[1e999,-1E+400, 1e308 ,1e-999],"1e999":"1e999","b":${'9'.repeat(400)}}`);
  const at = farNumbers(text, { start: 0, end: text.length }).map((edit) => [
    text.toString('utf8', edit.at.start, edit.at.end).slice(0, 8),
    edit.with,
  ]);
  expect(at).toEqual([
    ['1e999', String(Number.MAX_VALUE)],
    ['-1E+400', String(-Number.MAX_VALUE)],
    ['99999999', String(Number.MAX_VALUE)],
  ]);
});
