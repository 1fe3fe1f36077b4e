import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../../../src/base/make-folder.ts';
import { ensurePrivateDir } from '../../../src/base/private-dir.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'private-dir-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('a private folder', () => {
  it('is made with all above it, and found again', () => {
    const path = join(home, 'a', 'b', 'c');
    expect(ensurePrivateDir(path)).toBe(path);
    expect(ensurePrivateDir(path)).toBe(path);
    expect([modeOf(join(home, 'a')), modeOf(path)]).toEqual(['700', '700']);
  });

  it('is closed to others who could only read it, and that is told once', () => {
    const path = join(home, 'a');
    const told: string[] = [];
    mkdirSync(path);
    chmodSync(path, 0o755);
    for (let i = 0; i < 2; i += 1) ensurePrivateDir(path, (mode) => told.push(mode));
    expect(modeOf(path)).toBe('700');
    expect(told).toEqual(['755']);
  });

  it.each([0o775, 0o757, 0o722])('is refused and left alone where others can write: %o', (mode) => {
    const path = join(home, 'a');
    mkdirSync(path);
    chmodSync(path, mode);
    expect(() => ensurePrivateDir(path)).toThrow(`has mode ${mode.toString(8)}`);
    expect(modeOf(path)).toBe(mode.toString(8));
  });

  it('is refused where a link, a file or a link to nothing stands', () => {
    symlinkSync(home, join(home, 'link'));
    symlinkSync(join(home, 'nowhere'), join(home, 'lost'));
    writeFileSync(join(home, 'file'), '');
    expect(() => ensurePrivateDir(join(home, 'link'))).toThrow('is a symbolic link');
    expect(() => ensurePrivateDir(join(home, 'lost'))).toThrow('is a symbolic link');
    expect(() => ensurePrivateDir(join(home, 'file'))).toThrow('is not a folder');
    expect(() => ensurePrivateDir(join(home, 'file', 'below'))).toThrow('ENOTDIR');
  });
});

it.runIf(process.platform === 'linux')('says what the system says where no folder can be made', () => {
  expect(() => makeFolder('/proc/nope/a/b')).toThrow('ENOENT');
});
