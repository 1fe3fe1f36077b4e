// Whatever text comes in, what we write of it is read by the strictest parsers: UTF-8, and no half of a surrogate pair.
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { joinInstructions } from '../../../src/mcp/face.ts';
import { appErrorLine, appErrorToolResult, errorLine } from '../../../src/mcp/messages.ts';
import { withoutHalves } from '../../../src/mcp/strict-text.ts';
import { stringifyExact } from '../../../src/results/exact-json.ts';
import { viewResult } from '../../../src/results/result-view.ts';
import { shieldResult } from '../../../src/results/shield.ts';
import { defaultShieldPolicy } from '../../../src/results/shrink.ts';

const units = [
  'a',
  '日',
  '🚀',
  '\ud83d',
  '\ude80',
  'e\u0301',
  '👩‍👧',
  '\\',
  '"',
  '\u202e',
  '\u001b[31m',
  '\u0000',
  '\n',
  ' ',
];
const piece = fc.string({ unit: fc.constantFrom(...units), maxLength: 30 });
const text = fc.tuple(piece, fc.nat({ max: 400 })).map(([part, times]) => part.repeat(times));
const isStrict = (line: Buffer): boolean => isUtf8(line) && withoutHalves(line, undefined) === line;

it('says errors and instructions that every program reads', () => {
  fc.assert(
    fc.property(text, text, (some, other) => {
      const error = new AppError({ code: 'SERVER_CRASHED', message: some, hint: other, data: { stderr: some } });
      const said = Buffer.from(
        JSON.stringify(
          joinInstructions('ours', [
            { name: 'a', text: some },
            { name: 'b', text: other },
          ]),
        ),
      );
      const lines = [
        errorLine('1', 0, some, { [other]: some }),
        appErrorLine('1', error),
        appErrorToolResult('1', error),
        said,
      ];
      expect(lines.map(isStrict)).toEqual([true, true, true, true]);
      for (const line of lines) JSON.parse(line.toString());
    }),
    { numRuns: 60 },
  );
});

it('shortens results and reads pages of them so that every program reads them', () => {
  const policy = fc.record({
    maxString: fc.integer({ min: 8, max: 400 }),
    maxTotalBytes: fc.integer({ min: 1_024, max: 4_096 }),
  });
  fc.assert(
    fc.property(text, piece, policy, fc.nat({ max: 300 }), fc.nat({ max: 40 }), (long, key, bounds, offset, limit) => {
      const result = {
        content: [{ type: 'text', text: long }],
        structuredContent: { [key]: [long], list: [key, long] },
      };
      const shielded = shieldResult(result, { ...defaultShieldPolicy, ...bounds }, { put: () => 'r1' });
      expect(isStrict(Buffer.from(stringifyExact(shielded.result)))).toBe(true);
      const page = { block: 0, raw: true, offset, limit: limit + 1 } as const;
      expect(isStrict(Buffer.from(stringifyExact(viewResult(result, page))))).toBe(true);
      const search = { block: 0, raw: true, search: 'a' } as const;
      expect(isStrict(Buffer.from(stringifyExact(viewResult(result, search))))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

it('takes no half of a character for a page, whatever offset it is asked for', () => {
  const result = { content: [{ type: 'text', text: '🚀'.repeat(20) }] };
  for (const offset of [0, 1, 2, 7]) {
    for (const limit of [1, 2, 3]) {
      const view = viewResult(result, { block: 0, raw: true, offset, limit });
      expect('data' in view && view.data).toMatch(/^(?:🚀){1,2}$/u);
    }
  }
});
