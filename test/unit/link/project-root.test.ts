// Breaks when a session is given another folder than its own, or a project that is wider than its repository.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findPlace, isRepository } from '../../../src/link/project-root.ts';

const home = realpathSync(mkdtempSync(join(tmpdir(), 'place-')));
afterAll(() => rmSync(home, { recursive: true }));
const make = (path: string) => mkdirSync(join(home, path), { recursive: true });
for (const path of [
  ...[
    '.git',
    'shop/.git',
    'shop/packages/web',
    'shop/vendor/lib/src',
    'plain/deep',
    'tree',
    'served/below',
    'ser/x/.serena',
  ],
]) {
  make(path);
}
// A submodule and a worktree have a file in place of the folder.
writeFileSync(join(home, 'shop/vendor/lib/.git'), 'gitdir: ../../.git/modules/lib\n');
writeFileSync(join(home, 'tree/.git'), 'gitdir: /elsewhere\n');
writeFileSync(join(home, 'served/.mcp.json'), '{}');
writeFileSync(join(home, 'ser/x/.serena/project.yml'), '');
symlinkSync(join(home, 'shop/packages/web'), join(home, 'link'));
symlinkSync(join(home, 'shop'), join(home, 'plain/shop'));

describe('findPlace', () => {
  it.each([
    ['shop', 'shop', 'shop'],
    ['shop/packages/web', 'shop/packages/web', 'shop'],
    ['shop/packages/web/', 'shop/packages/web', 'shop'],
    ['shop/packages/../packages/web', 'shop/packages/web', 'shop'],
    ['shop/vendor/lib/src', 'shop/vendor/lib/src', 'shop/vendor/lib'],
    ['tree', 'tree', 'tree'],
    ['link', 'shop/packages/web', 'shop'],
    ['plain/shop/packages', 'shop/packages', 'shop'],
    ['plain/deep', 'plain/deep', 'plain/deep'],
    ['served/below', 'served/below', 'served'],
    ['ser/x', 'ser/x', 'ser/x'],
    ['', '', ''],
  ])('of %s is %s in %s', (opened, folder, projectRoot) => {
    const full = (path: string) => (path === '' ? home : join(home, path));
    expect(findPlace(join(home, opened), home)).toEqual({ folder: full(folder), projectRoot: full(projectRoot) });
  });

  it.each(['shop/gone', 'relative', ''])('of a folder that is not there is none: %s', (opened) => {
    const named = opened.startsWith('shop') ? join(home, opened) : opened;
    expect(findPlace(named, home)).toEqual({ folder: '', projectRoot: '' });
  });

  it('of / is / alone', () => {
    expect(findPlace('/', home)).toEqual({ folder: '/', projectRoot: '/' });
  });
});

it('a repository is what other programs find from below, too', () => {
  expect(['shop', 'shop/vendor/lib', 'tree', 'ser/x'].map((path) => isRepository(join(home, path)))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['served', 'plain', 'shop/packages'].some((path) => isRepository(join(home, path)))).toBe(false);
});
