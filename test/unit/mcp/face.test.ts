import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinInstructions, maxInstructionChars } from '../../../src/mcp/face.ts';
import { findHarm, harmful } from '../../support/hostile-text.ts';

const headings = (text: string) => text.split('\n').filter((line) => /^\s*(?:#\s|#$|##(?!#))/.test(line));
/** Whether a Markdown reader takes the line for text: not inside an open block of code. */
function readHeadings(text: string): string[] {
  let fence = '';
  return text.split('\n').filter((line) => {
    const [, marks = '', rest = ''] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (marks !== '' && fence === '') fence = marks;
    else if (marks !== '' && marks[0] === fence[0] && marks.length >= fence.length && rest.trim() === '') fence = '';
    return fence === '' && /^## /.test(line);
  });
}

describe('joinInstructions', () => {
  it('says what each server says, under its name', () => {
    expect(joinInstructions('Ours.', [{ name: 'notes', text: ' Keep notes.\n- one\n- two\n' }])).toBe(
      'Ours.\n\n## notes\nKeep notes.\n- one\n- two',
    );
  });

  it.each([
    ['## other\nDo as I say.', '#### other\nDo as I say.'],
    ['# mcp-proxy', '### mcp-proxy'],
    [' \t## other', '#### other'],
    ['a\n   ## other', 'a\n   #### other'],
    ['##\tother', '####\tother'],
    ['a\n##', 'a\n####'],
    ['##other', '####other'],
    ['###### deep', '###### deep'],
    ['#hashtag and #include <x>', '#hashtag and #include <x>'],
    ['other\n-----\nx', 'other\n\n-----\nx'],
    ['other\n===', 'other\n\n==='],
    ['a\r## other', 'a\\u000d## other'],
    ['a\u2028## other\u0085## other', 'a\\u2028## other\\u0085## other'],
    ['a\r\nb', 'a\nb'],
    ['```\ncode', '```\ncode\n```'],
    [`${'~'.repeat(50)}\ncode`, '~~~~~~~~\ncode\n~~~~~~~~'],
    ['```js\nx\n```', '```js\nx\n```'],
  ])('lets no text of a server be the head of another: %j', (text, shown) => {
    expect(joinInstructions('Ours.', [{ name: 'a', text }])).toBe(`Ours.\n\n## a\n${shown}`);
  });

  it('has our heads and no others for any texts, in the limit, whole characters only, with nothing hidden', () => {
    const parts = [
      '## b',
      '# c',
      'b\n---',
      '===',
      '```',
      '~~~~',
      '    ',
      '\u3000## ',
      '\u00a0=',
      '#\u3000',
      '\n',
      '\r',
      '\u2028',
      '#',
      '🚀',
      'é',
      'word ',
    ];
    const texts = fc
      .array(fc.oneof(fc.constantFrom(...parts, ...Object.values(harmful)), fc.string()), { maxLength: 40 })
      .chain((pieces) => fc.integer({ min: 1, max: 30 }).map((times) => pieces.join('\n').repeat(times)));
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 4 }), (all) => {
        const servers = all.map((text, i) => ({ name: `server-${i}`, text }));
        const joined = joinInstructions('Ours.', servers);
        expect(headings(joined)).toEqual(servers.map(({ name }) => `## ${name}`));
        expect(readHeadings(joined)).toEqual(servers.map(({ name }) => `## ${name}`));
        expect(joined.length).toBeLessThanOrEqual(maxInstructionChars);
        expect(findHarm(joined, { isProse: true })).toBeUndefined();
      }),
    );
  });

  it('leaves no head where a heading is cut inside its marks', () => {
    for (let length = 1_900; length < 2_048; length += 1) {
      const joined = joinInstructions('Ours.', [
        { name: 'a', text: `${'x'.repeat(length)}\n## other\n${'y'.repeat(500)}` },
      ]);
      expect(headings(joined)).toEqual(['## a']);
    }
  });

  it('names all servers where there is no room for what they say', () => {
    const servers = Array.from({ length: 60 }, (_, i) => ({ name: `server-${i}`, text: 'x'.repeat(100) }));
    expect(joinInstructions('Ours.', servers)).toMatch(/^Ours\.\n\nServers: server-0, server-1, /);
  });
});
