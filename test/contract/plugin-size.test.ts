// What a client installs stays small: plugin/ holds links to all that runs, and no source, test or package.
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';

const limitBytes = 5_000_000;
const installed = join(root, 'plugin');
const links = ['LICENSE', 'README.md', 'bin', 'dist', 'examples', 'hooks', 'skills'];

it('installs what runs, as links that stay inside the repository', () => {
  expect(readdirSync(installed).sort()).toEqual(['.claude-plugin', ...links]);
  expect(readdirSync(join(installed, '.claude-plugin'))).toEqual(['plugin.json']);
  for (const name of links) {
    expect(lstatSync(join(installed, name)).isSymbolicLink(), name).toBe(true);
    expect(readlinkSync(join(installed, name)), name).toMatch(/^\.\.\//);
    expect(relative(root, realpathSync(join(installed, name)))).toBe(name);
  }
});

it('keeps the whole installed plugin below five megabytes', () => {
  const tracked = execFileSync('git', ['ls-files', '-z', '--', ...links], { cwd: root, encoding: 'utf8' });
  const files = tracked.split('\0').filter((file) => file !== '');
  const bytes = files.reduce((sum, file) => sum + statSync(join(root, file)).size, 0);
  expect(files.length).toBeGreaterThan(10);
  expect(bytes).toBeLessThan(limitBytes);
});
