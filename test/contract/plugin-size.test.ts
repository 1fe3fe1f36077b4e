// What an installed plugin needs stays small; breaks when a bundle swallows something large.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';

const limitBytes = 5_000_000;
const parts = ['.claude-plugin', 'bin', 'dist', 'hooks', 'skills', 'examples', 'package.json', 'README.md', 'LICENSE'];

it('keeps all that runs below five megabytes', () => {
  const tracked = execFileSync('git', ['ls-files', '-z', '--', ...parts], { cwd: root, encoding: 'utf8' });
  const files = tracked.split('\0').filter((file) => file !== '');
  const bytes = files.reduce((sum, file) => sum + statSync(join(root, file)).size, 0);
  expect(files.length).toBeGreaterThan(10);
  expect(bytes).toBeLessThan(limitBytes);
});
