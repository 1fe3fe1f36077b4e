import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonSyntaxError, memberOf, objectMembers, splice } from '../../../src/base/json-scan.ts';
import { scanEnvelope } from '../../../src/mcp/envelope-scan.ts';

const whole = (bytes: Buffer) => ({ start: 0, end: bytes.length });
const values = fc.dictionary(fc.string(), fc.jsonValue());
const object = values.map((value) => JSON.stringify(value));

describe('scanning an object', () => {
  it('finds what JSON.parse finds', () => {
    fc.assert(
      fc.property(values, fc.constantFrom('', ' ', '\t', '\r\n'), (value, space) => {
        const bytes = Buffer.from(space + JSON.stringify(value, null, space) + space);
        const found = objectMembers(bytes).map(({ key, value }) => [
          key,
          JSON.parse(bytes.toString('utf8', value.start, value.end)),
        ]);
        expect(Object.fromEntries(found)).toEqual(JSON.parse(bytes.toString()));
      }),
    );
  });

  it('refuses exactly what JSON.parse refuses', () => {
    const broken = fc.tuple(object, fc.nat(), fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '0', 'e', '\u0001'));
    fc.assert(
      fc.property(broken, ([text, at, mark]) => {
        const place = at % (text.length + 1);
        const bytes = Buffer.from(text.slice(0, place) + mark + text.slice(place + 1));
        let isJson = true;
        try {
          const value: unknown = JSON.parse(bytes.toString());
          isJson = typeof value === 'object' && value !== null && !Array.isArray(value);
        } catch {
          isJson = false;
        }
        if (isJson) objectMembers(bytes);
        else expect(() => objectMembers(bytes)).toThrow(JsonSyntaxError);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    '-',
    '01',
    '1.',
    '.5',
    '1e',
    '+1',
    '1-2',
    '0x1',
    'nul',
    'True',
    'NaN',
    '"\\x"',
    '"\\u12g4"',
    '1 2',
  ])('refuses the value %s', (value) =>
    expect(() => objectMembers(Buffer.from(`{"a":${value}}`))).toThrow(JsonSyntaxError));

  it.each([
    '0',
    '-0',
    '10',
    '1.50',
    '-1e5',
    '1E+2',
    '12345678901234567890',
  ])('takes the number %s as it is', (value) => {
    const bytes = Buffer.from(`{"a":${value},"b":[${value}]}`);
    const span = memberOf(bytes, whole(bytes), 'a');
    expect(span && bytes.toString('utf8', span.start, span.end)).toBe(value);
  });

  it('takes the last of two, also when one is written with escapes', () => {
    const bytes = Buffer.from('{"id":1,"x":{"id":2},"\\u0069d":3}');
    const span = memberOf(bytes, whole(bytes), 'id');
    expect(span && bytes.toString('utf8', span.start, span.end)).toBe('3');
    expect(scanEnvelope(bytes)).toMatchObject({ id: span, hasTwice: true });
  });

  it.each([1_000, 1_001, 500_000])('takes a value that is nested %i deep, and refuses one that ends open', (depth) => {
    const deep = Buffer.from(`{"a":${'[{"b":'.repeat(depth)}0${'}]'.repeat(depth)},"id":7}`);
    const span = memberOf(deep, whole(deep), 'id');
    expect(span && deep.toString('utf8', span.start, span.end)).toBe('7');
    expect(() => objectMembers(deep.subarray(0, -10))).toThrow(JsonSyntaxError);
  });
});

const short = fc.string({ unit: 'binary', maxLength: 8 });

it('replaces ranges in any order, with text of any width', () => {
  const parts = fc.array(fc.tuple(short, short, short), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(parts, fc.boolean(), (pieces, isReversed) => {
      let source = '';
      let expected = '';
      const edits = pieces.map(([before, from, to]) => {
        const start = Buffer.byteLength(source + before);
        source += before + from;
        expected += before + to;
        return { at: { start, end: start + Buffer.byteLength(from) }, with: to };
      });
      const empty = edits.some(({ at }) => at.start === at.end);
      if (isReversed && !empty) edits.reverse();
      expect(splice(Buffer.from(source), edits).toString()).toBe(Buffer.from(expected).toString());
    }),
  );
});
