import { describe, expect, it } from 'vitest';
import {
  isMarkedNumber,
  jsonBytes,
  parseExact,
  readResultBytes,
  stringifyExact,
} from '../../../src/results/exact-json.ts';

describe('exact JSON', () => {
  it('gives numbers back as they came, and texts that look like what stands for a number', () => {
    const texts = ['{"id":9007199254740993000,"v":1.50}', '{"id":9007199254740993000,"s":"\\u0000#12"}'];
    for (const text of texts) expect(stringifyExact(parseExact(text))).toBe(text);
  });

  it('takes no text of a server for a number', () => {
    expect(isMarkedNumber('\u0000#12')).toBe(false);
    expect(stringifyExact({ s: '\u0000#12' })).toBe('{"s":"\\u0000#12"}');
  });

  it('counts a number by its digits', () => {
    const text = '[9007199254740993000]';
    expect(jsonBytes(parseExact(text))).toBe(text.length);
  });

  it('reads exact numbers in everything of a result but its texts', () => {
    const text =
      '{"content":[],"structuredContent":{"id":9007199254740993000},"_meta":{"id":9007199254740993001},"other":1.0}';
    expect(stringifyExact(readResultBytes(Buffer.from(text)))).toBe(text.replace('1.0', '1'));
  });
});
