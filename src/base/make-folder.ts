// A folder and those above it, one by one: with `recursive`, Node 20 never returns from mkdir where a parent cannot be
// made and the system says ENOENT (/proc/x/y, measured), and it says ENOENT where the file system is read-only.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whatever stands there already is left as it is. Throws the system's error. */
export function makeFolder(path: string): void {
  if (tryMake(path, 'ENOENT')) return;
  makeFolder(dirname(path));
  tryMake(path);
}

/** false: it failed with `expected`. */
function tryMake(path: string, expected?: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // The root of a drive that is not there is its own parent.
    if (code === expected && dirname(path) !== path) return false;
    if (code !== 'EEXIST') throw error;
  }
  return true;
}
