// What the bundles carry: the version, a fingerprint of every source that goes into them, and a frame where one is needed.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { filesUnder } from './files-under.ts';

/** Around a bundle that src/base/code-cache.ts evaluates and calls: the parameters that Node gives a module. */
export const moduleFunction = {
  head: '(function (exports, require, module, __filename, __dirname) {',
  tail: '})',
};

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The same on every machine: relative names and bytes of src/ and of the lock file, in a fixed order. */
function fingerprint(): string {
  const hash = createHash('sha256');
  const files = [...filesUnder(join(root, 'src')), join(root, 'package-lock.json')];
  for (const path of files.sort()) {
    hash.update(relative(root, path).split(sep).join('/')).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

export function buildDefines(kind: 'release' | 'test'): Record<string, string> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return {
    __VERSION__: JSON.stringify(version),
    __FINGERPRINT__: JSON.stringify(kind === 'release' ? fingerprint() : 'test'),
  };
}
