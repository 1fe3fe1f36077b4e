import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { templateMatcher } from '../../../src/calls/uri-template.ts';

const isFrom = (template: string, uri: string) => templateMatcher(uri)(template, 'server');

/** The same as a pattern, which goes back and tries again: right, and for some templates never done. */
function byPattern(template: string, uri: string): boolean {
  const source = template.split(/(\{[^}]*\})/).map((part) => {
    if (/^\{[^}]*\}$/.test(part)) return /^\{[+#/?&]/.test(part) ? '.*' : '[^/]*';
    return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`).test(uri);
}

describe('a URI template', () => {
  it.each([
    ['file:///{path}', 'file:///a.txt', true],
    ['file:///{path}', 'file:///a/b.txt', false],
    ['file:///{+path}', 'file:///a/b.txt', true],
    ['repo://{owner}/{repo}/contents{/path*}', 'repo://a/b/contents/c/d', true],
    ['repo://{owner}/{repo}/contents{/path*}', 'repo://a/b/c/contents', false],
    ['db://{table}/{id}.json', 'db://people/7.json', true],
    ['search://all{?q,limit}', 'search://all?q=x&limit=3', true],
    ['search://all{?q,limit}', 'search://all', true],
    ['a{b}', 'a', true],
    ['a', 'a', true],
    ['a', 'ab', false],
    ['', '', true],
    ['{+a}x{b}', 'x/x', true],
    ['{+a}.{b}/{c}', 'v1.2/a.b/c', true],
    ['a{', 'a{', true],
    ['a.c', 'abc', false],
  ])('%s and %s: %s', (template, uri, expected) => {
    expect(isFrom(template, uri)).toBe(expected);
  });

  it('gives for every short template and URI the answer of the pattern that it stands for', () => {
    const pieces = fc.constantFrom(
      'a',
      'b',
      '/',
      'ab',
      'a/',
      '{x}',
      '{+x}',
      '{/p}',
      '{?q}',
      '{}',
      '{',
      '}',
      '.',
      '*',
      '\\',
    );
    const letters = fc.constantFrom('a', 'b', '/', '.', '{', '}');
    const template = fc.array(pieces, { maxLength: 9 }).map((parts) => parts.join(''));
    const uri = fc.array(letters, { maxLength: 14 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(template, uri, (t, u) => isFrom(t, u) === byPattern(t, u)),
      { numRuns: 20_000 },
    );
  });

  it('looks at no more templates of one server than are done in a moment, and at those of the others all the same', () => {
    const uri = `${'a/'.repeat(4_000)}!`;
    const isFromOne = templateMatcher(uri);
    const hostile = `${'{+a}a{b}'.repeat(60)}x`;
    const found = Array.from({ length: 20_000 }, () => isFromOne(hostile, 'hostile'));
    expect(found).not.toContain(true);
    expect(isFromOne('{+any}', 'hostile')).toBe(false);
    expect(isFromOne('{+any}', 'other')).toBe(true);
    expect(isFromOne('a{+any}', 'other')).toBe(true);
  });
});
