import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseEnvFile, readEnvFile } from '../../../src/config/env-file.ts';

describe('parseEnvFile', () => {
  it.each<[string, Record<string, string>]>([
    ['A=1', { A: '1' }],
    [' export A = two words ', { A: 'two words' }],
    ['A=', { A: '' }],
    ['A=x # note', { A: 'x' }],
    ['A=x#y', { A: 'x#y' }],
    ['A=# note', { A: '' }],
    ["A='a # $B \\n'  # note", { A: 'a # $B \\n' }],
    ['A="a\\n\\t\\"\\\\\\x"', { A: 'a\n\t"\\\\x' }],
    ['A=a=b', { A: 'a=b' }],
    ['# c\n\nA=1\r\nB=2\nA=3', { A: '3', B: '2' }],
    ['\ufeffA=${B}', { A: '${B}' }],
  ])('%j', (text, values) => {
    expect(parseEnvFile(text)).toEqual({ values, badLines: [] });
  });

  it('numbers the lines that are no assignment', () => {
    expect(parseEnvFile('A=1\nnonsense\n1A=2\nB="open\nC=\'open')).toEqual({
      values: { A: '1' },
      badLines: [2, 3, 4, 5],
    });
  });

  it('takes __proto__ as any other name', () => {
    expect(Object.keys(parseEnvFile('__proto__=x').values)).toEqual(['__proto__']);
  });
});

describe('readEnvFile', () => {
  let home = '';
  let path = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'config-env-'));
    path = join(home, 'env');
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('gives nothing for an absent file', () => {
    expect(readEnvFile(path)).toEqual({ values: {}, warnings: [] });
  });

  it('reads a private file and names the lines it skips, not their text', () => {
    writeFileSync(path, 'A=1\ncanary secret\n', { mode: 0o600 });
    expect(readEnvFile(path)).toEqual({
      values: { A: '1' },
      warnings: [{ code: 'CONFIG_INVALID', message: `${path}:2: this line is not NAME=value and is skipped.` }],
    });
  });

  it('ignores a file that others may read', () => {
    writeFileSync(path, 'A=1');
    chmodSync(path, 0o640);
    const { values, warnings } = readEnvFile(path);
    expect(values).toEqual({});
    expect(warnings).toEqual([
      {
        code: 'CONFIG_UNREADABLE',
        message: `${path} is not used: others may read it (mode 640).`,
        hint: `Run: chmod 600 '${path}'`,
      },
    ]);
  });

  it('ignores a link, a folder and a fifo', () => {
    writeFileSync(join(home, 'real'), 'A=1', { mode: 0o600 });
    symlinkSync(join(home, 'real'), path);
    expect(readEnvFile(path).warnings[0]?.message).toBe(`${path} is not used: it is a link, not a regular file.`);
    expect(readEnvFile(home).warnings[0]?.message).toBe(`${home} is not used: it is a folder, not a regular file.`);
    execFileSync('mkfifo', ['-m', '600', join(home, 'fifo')]);
    expect(readEnvFile(join(home, 'fifo')).warnings[0]?.message).toContain('it is a pipe, not a regular file');
  });
});
