import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shellWord } from '../../../src/base/shell-word.ts';
import { allHarm, findHarm } from '../../support/hostile-text.ts';

it.each([
  ['npx', 'npx'],
  ['', "''"],
  ['two words', "'two words'"],
  ["it's", `'it'\\''s'`],
  ['${HOME}', "'${HOME}'"],
  ['a\u202eb', "$'a\\u202eb'"],
  ["'\\\u{e0041}", "$'\\'\\\\\\U000e0041'"],
])('writes %j as %s', (text, word) => {
  expect(shellWord(text)).toBe(word);
});

it('hides nothing, and a shell reads back exactly what was meant', () => {
  // A shell can hold neither a zero byte nor half a character.
  const words = fc
    .array(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('\\u202e', "'", '\n', allHarm)))
    .map((parts) => parts.join('').replace(/\0|\p{Cs}/gu, ''));
  const many = fc.sample(words, { numRuns: 300, seed: 7 });
  for (const word of many) expect(findHarm(shellWord(word))).toBeUndefined();
  const script = `printf '%s\\0' ${many.map((word) => shellWord(word)).join(' ')}`;
  const options = { env: { LC_ALL: 'C.UTF-8' }, encoding: 'utf8' as const, input: '' };
  expect(execFileSync('bash', ['--norc', '-c', script], options).split('\0').slice(0, -1)).toEqual(many);
});
