import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRedactor } from '../../../src/base/redact.ts';

const redact = createRedactor().redact;

describe('shapes of secrets', () => {
  it.each([
    ['a ghp_abcdefghijklmnopqrst1 b', 'a [redacted] b'],
    ['github_pat_11AAAAAAA0aaaaaaaaaaaa_bbbbb', '[redacted]'],
    ['key sk-proj-abcdefghijklmnop.', 'key [redacted].'],
    ['xoxb-1234567890-abc', '[redacted]'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
    ['got eyJhbGciOiJI.eyJzdWIiOiI.c2lnbmF0dXJl!', 'got [redacted]!'],
    ['got eyJhbGciOiJI.eyJzdWIiOiI. and more', 'got [redacted] and more'],
    ['an-eyJhbGciOiJI.eyJzdWIiOiI.c2ln', 'an-[redacted]'],
    ['eyJhbGciOiJI.short.c2ln', 'eyJhbGciOiJI.short.c2ln'],
    ['Bearer abcdefgh12345678', 'Bearer [redacted]'],
    ['bearer   abcdefgh12345678', 'bearer   [redacted]'],
    ['postgres://me:pa55@host/db', 'postgres://me:[redacted]@host/db'],
    ['https://host:8080/a@b', 'https://host:8080/a@b'],
  ])('%s', (text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  it.each([
    ['token=abcdef', 'token=[redacted]'],
    ['token=abc', 'token=abc'],
    ['api-key: "abcdef", more', 'api-key: "[redacted]", more'],
    ['GITHUB_TOKEN=abcdef next', 'GITHUB_TOKEN=[redacted] next'],
    ['AWS_SECRET_ACCESS_KEY=abcdef', 'AWS_SECRET_ACCESS_KEY=[redacted]'],
    ['{"clientSecret":"abc def","b":1}', '{"clientSecret":"[redacted]","b":1}'],
    ["password = 'correct horse' # x", "password = '[redacted]' # x"],
    ['password="abc\\"def ghi" x', 'password="[redacted]" x'],
    ['password: "never closed\nnext line', 'password: "[redacted]\nnext line'],
    ['Authorization: Bearer abcdefgh', 'Authorization: Bearer [redacted]'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: Basic [redacted]'],
    ['"authorization":"Bearer abcdefgh"', '"authorization":"Bearer [redacted]"'],
    ['{"line":"{\\"token\\":\\"abcdef\\"}"}', '{"line":"{\\"token\\":\\"[redacted]\\"}"}'],
    ['{"token":"abcdef\\\\"}', '{"token":"[redacted]"}'],
    ['the tokens: abcdef', 'the tokens: abcdef'],
    ['the token abcdef', 'the token abcdef'],
  ])('after a name: %s', (text, expected) => {
    expect(redact(text)).toBe(expected);
  });

  it('leaves a line of JSON one', () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('a\\', '"', "'", 'a"b', 'Bearer abcdefgh', '\\"'),
    );
    fc.assert(
      fc.property(fc.constantFrom('token', 'text'), fc.array(value), fc.array(value), (name, before, inside) => {
        const line = JSON.stringify({
          before,
          [name]: inside.join(''),
          nested: JSON.stringify({ token: inside.join('') }),
        });
        return typeof JSON.parse(redact(line)) === 'object';
      }),
      { numRuns: 2_000 },
    );
  });
});

/** What is to be hidden, as patterns that go back and try again: right, and for long texts never done. */
const patterns = [
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/g,
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /(?<=\bBearer\s)[A-Za-z0-9._~+/=-]{8,}/gi,
  /(?<=\b(?:api[_-]?key|token|secret|password|passwd|authorization)["']?\s*[=:]\s*["']?)(?!Bearer\b)[^\s"',;&]{6,}/gi,
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
];

it('hides at least what the patterns of secrets say', () => {
  const pieces = fc.constantFrom(
    ...['token', 'api_key', 'Authorization', 'password', 'secret', ':', '=', ' ', '"', "'", ',', ';', '\n', '@'],
    ...['Bearer', 'Basic', 'eyJ', 'eyJabcdefgh', 'abcdefgh', '.', '-', '_', 'a', '://', 'user', 'sk-', 'ghp_', 'xoxb-'],
    ...['aaaaaaaaaaaaaaaaaaaaaaaa', 'AKIA', 'ABCDEFGHIJKLMNOP', 'github_pat_', '/', '&', '0'],
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
      const text = parts.join('');
      const shown = redact(text).split('[redacted]');
      // Where each shown part stands in the text: they follow each other, so the first place is right or even too early.
      const hidden = new Set(Array.from(text, (_, at) => at));
      let at = 0;
      for (const [i, part] of shown.entries()) {
        at = i === shown.length - 1 ? text.length - part.length : text.indexOf(part, at);
        for (let k = 0; k < part.length; k += 1) hidden.delete(at + k);
        at += part.length;
      }
      const wanted = patterns.flatMap((pattern) => [...text.matchAll(pattern)]);
      return wanted.every(({ index, 0: secret }) =>
        Array.from(secret, (_, k) => index + k).every((one) => hidden.has(one)),
      );
    }),
    { numRuns: 20_000 },
  );
});

describe('values that the config names', () => {
  it('are hidden as they are, in JSON and in a URL', () => {
    const { add, redact: hide } = createRedactor();
    add('pass "word" é');
    expect(hide('x pass "word" é y')).toBe('x [redacted] y');
    expect(hide(JSON.stringify({ a: 'pass "word" é' }))).toBe('{"a":"[redacted]"}');
    expect(hide('?a=pass%20%22word%22%20%C3%A9')).toBe('?a=[redacted]');
  });

  it('leave nothing of a longer one that holds a shorter one, or laps over it', () => {
    const { add, redact: hide } = createRedactor();
    for (const value of ['abcdef', 'abcdefghijkl', 'ghijklmnop', 'redacted']) add(value);
    expect(hide('1 abcdefghijkl 2 abcdefghijklmnop 3 abcdef 4 redacted')).toBe(
      '1 [redacted] 2 [redacted] 3 [redacted] 4 [redacted]',
    );
  });

  it('may be half a character', () => {
    const { add, redact: hide } = createRedactor();
    add('secret\ud800');
    expect(hide('a secret\ud800')).toBe('a [redacted]');
  });

  it('shorter than six characters are not taken', () => {
    const { add, redact: hide } = createRedactor();
    add('8080');
    expect(hide('port 8080')).toBe('port 8080');
  });
});
