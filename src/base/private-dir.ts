// Folders that only this user may enter. A planted link, another owner's folder or one that others can write is refused,
// never repaired.
import { closeSync, constants, fchmodSync, fstatSync, lstatSync, openSync, type Stats } from 'node:fs';
import { AppError } from './errors.ts';
import { makeFolder } from './make-folder.ts';

/**
 * Makes `path` (and its parents) if absent and verifies it. Throws DIRECTORY_UNSAFE. One that others can only read, as
 * `mkdir` leaves it, is closed to them: nobody but its owner can have put anything there. `onClosed` learns its mode.
 */
export function ensurePrivateDir(path: string, onClosed?: (mode: string) => void): string {
  makeFolder(path);
  const untrusted = whyUntrusted(path);
  if (untrusted) throw refusal(path, untrusted);
  const stat = lstatSync(path);
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    close(path);
    onClosed?.(modeOf(stat));
  }
  return path;
}

type Trouble = { reason: string; hint: string };

/** Why this existing path is not a private folder as it should be, or undefined if it is. */
export function whyUnsafe(path: string): Trouble | undefined {
  return troubleOf(path, 0o077);
}

/** Why somebody else may have put there what stands in this folder, or undefined if nobody can. */
export function whyUntrusted(path: string): Trouble | undefined {
  return troubleOf(path, 0o022);
}

function troubleOf(path: string, forbidden: number): Trouble | undefined {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return { reason: 'is a symbolic link', hint: 'Replace the link by a real folder.' };
  if (!stat.isDirectory()) return { reason: 'is not a folder', hint: 'Move that file away.' };
  if (process.platform === 'win32') return undefined; // ACLs, not modes; the profile folder is private by default
  if (stat.uid !== process.getuid?.()) {
    return { reason: `belongs to user ${stat.uid}`, hint: `Run: sudo chown -R "$(id -u)" '${path}'` };
  }
  return (stat.mode & forbidden) === 0 ? undefined : openTo(path, stat);
}

/** By its descriptor: between a look and a change, a path may come to lead elsewhere. */
function close(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    fchmodSync(fd, 0o700);
    const stat = fstatSync(fd);
    // Some file systems have one mode for all, and do not say so.
    if ((stat.mode & 0o077) !== 0) throw refusal(path, openTo(path, stat));
  } finally {
    closeSync(fd);
  }
}

function openTo(path: string, stat: Stats): Trouble {
  return { reason: `has mode ${modeOf(stat)}`, hint: `Run: chmod 700 '${path}'` };
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o777).toString(8);
}

function refusal(path: string, { reason, hint }: Trouble): AppError {
  const message = `${path} ${reason}, so it cannot hold private files.`;
  return new AppError({ code: 'DIRECTORY_UNSAFE', message, hint });
}
