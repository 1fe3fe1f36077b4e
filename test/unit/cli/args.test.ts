import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { type ArgsSpec, parseArgs } from '../../../src/cli/args.ts';

const spec: ArgsSpec = {
  options: [
    { long: 'json', help: '' },
    { long: 'lines', short: 'n', value: 'COUNT', help: '' },
    { long: 'follow', short: 'f', help: '' },
    {
      long: 'env',
      short: 'e',
      value: 'K=V',
      isRepeatable: true,
      isKnownInCommand: true,
      more: /^[A-Z_]+=/,
      help: '',
    },
  ],
  isPassThrough: (positionals) => positionals.length >= 2,
};
const parse = (...words: string[]) => parseArgs(words, spec);

function failure(...words: string[]): { message: string; hint: string | undefined } {
  try {
    parse(...words);
  } catch (error) {
    if (error instanceof AppError) return { message: error.message, hint: error.hint };
  }
  throw new Error('it was accepted');
}

describe('parseArgs', () => {
  it('takes values behind a space, an equals sign, or glued to a short option', () => {
    expect(parse('--lines', '5').value('lines')).toBe('5');
    expect(parse('--lines=6').value('lines')).toBe('6');
    expect(parse('-n', '7').value('lines')).toBe('7');
    expect(parse('-n8').value('lines')).toBe('8');
  });

  it('collects a repeatable option and the words that belong to it without repeating it', () => {
    const args = parse('-e', 'A=1', 'B=2', 'server', '--env', 'C=3');
    expect(args.values('env')).toEqual(['A=1', 'B=2', 'C=3']);
    expect(args.positionals).toEqual(['server']);
  });

  it('leaves options of another command alone, but still takes those that are known in it', () => {
    const args = parse('server', 'npx', '-y', '--json', 'package', '-e', 'A=1');
    expect(args.positionals).toEqual(['server', 'npx', '-y', '--json', 'package']);
    expect(args.values('env')).toEqual(['A=1']);
    expect(args.has('json')).toBe(false);
  });

  it('gives everything behind -- to the command, whatever it looks like', () => {
    const args = parse('server', '--', 'npx', '-e', 'A=1', '--');
    expect(args.positionals).toEqual(['server']);
    expect(args.rest).toEqual(['npx', '-e', 'A=1', '--']);
    expect(args.values('env')).toEqual([]);
  });

  it('takes a single dash as a word', () => {
    expect(parse('-').positionals).toEqual(['-']);
  });

  it('names the nearest option for one that does not exist, without repeating its value', () => {
    expect(failure('--jsno')).toEqual({ message: 'There is no option --jsno.', hint: 'Did you mean --json?' });
    expect(failure('--tokn=secret').message).toBe('There is no option --tokn.');
  });

  it('refuses a missing value, a value for a switch, and an option that was given twice', () => {
    expect(failure('--lines').message).toBe('--lines needs a value: --lines COUNT.');
    expect(failure('--lines', '--').message).toBe('--lines needs a value: --lines COUNT.');
    expect(failure('--json=yes').message).toBe('--json takes no value, got "yes".');
    expect(failure('-n', '1', '-n', '2').message).toBe('--lines was given twice.');
  });
});
