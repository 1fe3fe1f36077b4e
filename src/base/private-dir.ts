// Folders that only this user may enter. A planted link or another owner's folder is refused, never repaired.
import { lstatSync, mkdirSync } from 'node:fs';
import { AppError } from './errors.ts';

/** Makes `path` (and its parents) if absent and verifies it. Throws DIRECTORY_UNSAFE. */
export function ensurePrivateDir(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    // With `recursive` Node says ENOENT where the file system is read-only; without it says EROFS.
    mkdirSync(path, { mode: 0o700 });
  }
  const unsafe = whyUnsafe(path);
  if (unsafe) {
    throw new AppError({
      code: 'DIRECTORY_UNSAFE',
      message: `${path} ${unsafe.reason}, so it cannot hold private files.`,
      hint: unsafe.hint,
    });
  }
  return path;
}

/** Why this existing path must not be trusted as a private folder, or undefined if it may. */
export function whyUnsafe(path: string): { reason: string; hint: string } | undefined {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return { reason: 'is a symbolic link', hint: 'Replace the link by a real folder.' };
  if (!stat.isDirectory()) return { reason: 'is not a folder', hint: 'Move that file away.' };
  if (process.platform === 'win32') return undefined; // ACLs, not modes; the profile folder is private by default
  if (stat.uid !== process.getuid?.()) {
    return { reason: `belongs to user ${stat.uid}`, hint: `Run: sudo chown -R "$(id -u)" '${path}'` };
  }
  if ((stat.mode & 0o077) !== 0) {
    return { reason: `has mode ${(stat.mode & 0o777).toString(8)}`, hint: `Run: chmod 700 '${path}'` };
  }
  return undefined;
}
