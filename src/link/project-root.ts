// Which project a folder belongs to: nearest ancestor with a marker. A worktree has its own .git file and so is its own.
import { realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const markers = ['.git', '.serena', '.mcp.json'];

/** The project root of `folder`, symlinks resolved; the folder itself if no ancestor has a marker; '' if it is gone. */
export function findProjectRoot(folder: string, home: string): string {
  let start: string;
  try {
    start = realpathSync(folder);
  } catch {
    return ''; // removed under the session
  }
  for (let at = start; ; at = dirname(at)) {
    // A marker in the home folder (dotfiles in git) or at / would join every project below it.
    const isTooWide = at === dirname(at) || at === home;
    if (!isTooWide && markers.some((marker) => exists(join(at, marker)))) return at;
    if (at === dirname(at)) return start;
  }
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false; // absent or not readable: no marker
  }
}
