import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { undoBeside } from '../../../../src/migrate/change/three-way.ts';
import { editJsonc, readJsonc } from '../../../../src/migrate/documents/jsonc-document.ts';
import { diffLines, linesOf } from '../../../../src/migrate/plan/line-diff.ts';

const before = `{
  // mine
  "mcpServers": {
    "a": { "command": "x" }, // first
    "b": { "command": "y" }
  },
  "numStartups": 1,
  "list": ["p"]
}
`;
const after = editJsonc(before, [
  { op: 'remove', path: ['mcpServers', 'a'] },
  { op: 'add', path: ['list'], value: 'q' },
]);

describe('undoing beside later edits', () => {
  test('an edit elsewhere stays and everything of ours is byte for byte as before', () => {
    const current = after.replace('"numStartups": 1', '"numStartups": 2,\n  "new": true');
    const result = undoBeside({ before, after, current, format: 'jsonc' });
    expect(result.conflicts).toEqual([]);
    expect(result.text).toBe(before.replace('"numStartups": 1', '"numStartups": 2,\n  "new": true'));
  });

  test('a file written anew by its program gets the values back', () => {
    const reading = readJsonc(after);
    if ('reason' in reading) throw new Error(reading.reason);
    const current = JSON.stringify({ ...reading.value, numStartups: 9 });
    const result = undoBeside({ before, after, current, format: 'jsonc' });
    expect(result.conflicts).toEqual([]);
    expect(JSON.parse(result.text)).toEqual({
      mcpServers: { a: { command: 'x' }, b: { command: 'y' } },
      numStartups: 9,
      list: ['p'],
    });
  });

  test('what somebody else changed is named and left, the rest is undone', () => {
    const current = after.replace('"mcpServers": {', '"mcpServers": {\n    "a": { "command": "other" },');
    const result = undoBeside({ before, after, current, format: 'jsonc' });
    expect(result.conflicts).toEqual(['mcpServers.a: changed since by somebody else']);
    expect(JSON.parse(result.text.replace(/\/\/.*/g, ''))).toMatchObject({
      list: ['p'],
      mcpServers: { a: { command: 'other' } },
    });
  });

  test('a file that is broken now is left alone', () => {
    const result = undoBeside({ before, after, current: `${after}}`, format: 'jsonc' });
    expect(result.text.startsWith(after) || result.text.startsWith(before)).toBe(true);
    if (result.text.startsWith(after)) expect(result.conflicts[0]).toMatch(/not valid JSON/);
  });

  test('elements that we added to a list go, those of others stay', () => {
    const current = after.replace('"p"', '"p", "theirs"');
    const result = undoBeside({ before, after, current, format: 'jsonc' });
    expect(result.conflicts).toEqual([]);
    expect(JSON.parse(result.text.replace(/\/\/.*/g, ''))).toMatchObject({ list: ['p', 'theirs'] });
  });

  test('a TOML file gets its tables back beside a new one', () => {
    const was = 'a = 1\n\n[s.x]\nc = "x"\n\n[p]\nm = 1\n';
    const became = 'a = 1\n\n\n[p]\nm = 1\n';
    const current = 'a = 1\n\n\n[p]\nm = 2\n\n[q]\n';
    const result = undoBeside({ before: was, after: became, current, format: 'toml' });
    expect(result).toEqual({ text: 'a = 1\n\n[s.x]\nc = "x"\n\n[p]\nm = 2\n\n[q]\n', conflicts: [] });
  });
});

const json = fc.dictionary(
  fc.string({ maxLength: 4 }).filter((key) => key !== '__proto__'),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 5 },
);

test('whatever others wrote meanwhile, undo gives back our keys and keeps theirs', () => {
  fc.assert(
    fc.property(json, json, fc.constantFrom(undefined, 2, '\t'), (mine, theirs, space) => {
      const was = JSON.stringify({ moved: { k: 1 }, mine }, undefined, 2);
      const became = editJsonc(was, [
        { op: 'remove', path: ['moved'] },
        { op: 'set', path: ['added'], value: [1] },
      ]);
      const current = JSON.stringify({ ...JSON.parse(became), theirs }, undefined, space);
      const result = undoBeside({ before: was, after: became, current, format: 'jsonc' });
      expect(result.conflicts).toEqual([]);
      expect(JSON.parse(result.text)).toEqual(JSON.parse(JSON.stringify({ moved: { k: 1 }, mine, theirs })));
    }),
    { numRuns: 300 },
  );
});

test('a diff leads from one text to the other', () => {
  const lines = fc.array(fc.constantFrom('a\n', 'b\n', 'c\n', 'd\n'), { maxLength: 12 });
  fc.assert(
    fc.property(lines, lines, (left, right) => {
      const [a, b] = [linesOf(left.join('')), linesOf(right.join(''))];
      const built: string[] = [];
      let at = 0;
      for (const { fromA, toA, fromB, toB } of diffLines(a, b)) {
        built.push(...a.slice(at, fromA), ...b.slice(fromB, toB));
        at = toA;
      }
      built.push(...a.slice(at));
      expect(built.join('')).toBe(b.join(''));
    }),
    { numRuns: 500 },
  );
});
