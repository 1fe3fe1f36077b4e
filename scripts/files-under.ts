import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Paths of all files below a folder. A link is a file here, whatever it leads to. */
export function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesUnder(path);
    // macOS leaves these wherever a folder was looked at; git ignores them.
    return entry.name === '.DS_Store' ? [] : [path];
  });
}
