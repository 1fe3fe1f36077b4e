// The folder of a session, and which project it belongs to: nearest ancestor with a marker. A worktree has its own .git
// file and so is its own.
import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

const markers = ['.git', '.serena', '.mcp.json'];

export type SessionPlace = {
  /** Where the session was opened, symlinks resolved: all of its own that a server may be given. '' if it has none or it is gone. */
  folder: string;
  /** To whose sessions it belongs: which servers it sees, and under which name people are shown it. */
  projectRoot: string;
};

export function findPlace(folder: string, home: string): SessionPlace {
  if (!isAbsolute(folder)) return { folder: '', projectRoot: '' };
  return { folder: realFolder(folder), projectRoot: findProjectRoot(folder, home) };
}

/** '' if it is gone. */
export function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return ''; // removed under the session
  }
}

/** The project root of `folder`, symlinks resolved; the folder itself if no ancestor has a marker; '' if it is gone. */
export function findProjectRoot(folder: string, home: string): string {
  const start = realFolder(folder);
  if (start === '') return '';
  for (let at = start; ; at = dirname(at)) {
    // A marker in the home folder (dotfiles in git) or at / would join every project below it.
    const isTooWide = at === dirname(at) || at === home;
    if (!isTooWide && markers.some((marker) => exists(join(at, marker)))) return at;
    if (at === dirname(at)) return start;
  }
}

/** Whether programs that look for a repository themselves find this one, from any folder below it. */
export function isRepository(folder: string): boolean {
  return exists(join(folder, '.git')) || exists(join(folder, '.serena', 'project.yml'));
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false; // absent or not readable: no marker
  }
}
