// Replaces one client file: whole or not at all, with its mode and group, and only if it is still what was read.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { removeIfPresent } from '../../base/atomic-file.ts';
import { AppError, systemCode } from '../../base/errors.ts';
import { readForeignFile } from '../../base/foreign-file.ts';
import { hashBytes } from '../documents/document-text.ts';

export type Replacement = {
  /** Real path. */
  path: string;
  bytes: Uint8Array;
  /** What must be there now; undefined: nothing. */
  expected: string | undefined;
  mode: number;
  /** Names the temporary file, so that a crash leaves nothing unknown. */
  journalId: string;
};

export function temporaryName(path: string, journalId: string): string {
  return join(dirname(path), `.${basename(path)}.${journalId}.tmp`);
}

export function replaceFile({ path, bytes, expected, mode, journalId }: Replacement): void {
  const temporary = temporaryName(path, journalId);
  removeIfPresent(temporary); // of an earlier try of the same journal
  writeTemporary(temporary, path, bytes, mode);
  try {
    ensureUnchanged(path, expected);
    if (expected === undefined) linkNew(temporary, path);
    else renameSync(temporary, path);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw changedMeanwhile(path);
    throw error;
  } finally {
    removeIfPresent(temporary);
  }
  syncFolder(dirname(path));
}

/** Exclusive, unlike rename: a file that somebody else just made is theirs. */
function linkNew(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    // Some mounts have no hard links; there the check before must do.
    if (systemCode(error) !== 'EPERM' && systemCode(error) !== 'ENOTSUP') throw error;
    renameSync(temporary, path);
  }
}

/** Removes a file that we made, if it is still as we made it. */
export function removeFile(path: string, expected: string): void {
  ensureUnchanged(path, expected);
  removeIfPresent(path);
}

/** Folders above `path` that are not there, outermost first. */
export function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = dirname(path); !exists(folder); folder = dirname(folder)) missing.unshift(folder);
  return missing;
}

export function makeFolders(folders: readonly string[], mode = 0o755): void {
  for (const folder of folders) if (!exists(folder)) mkdirSync(folder, { mode });
}

/** Takes away folders that we made, unless something is in them now. */
export function removeFolders(folders: readonly string[]): void {
  for (const folder of [...folders].reverse()) {
    try {
      rmdirSync(folder);
    } catch {
      return; // in use: it stays, and so do those above it
    }
  }
}

export type CurrentFile =
  | { kind: 'absent' }
  | { kind: 'refused'; reason: string }
  | { kind: 'file'; bytes: Buffer; hash: string };

/** What was read before has a bound, and so has what is made of it. */
export const maxFileBytes = 128 * 1024 * 1024;

/** What stands there now. A link, a pipe or a device that came since is refused: to rename over it would take it away. */
export function readCurrent(path: string): CurrentFile {
  const reading = readForeignFile(path, { maxBytes: maxFileBytes, isLinkRefused: true });
  return reading.kind === 'file' ? { kind: 'file', bytes: reading.bytes, hash: hashBytes(reading.bytes) } : reading;
}

function writeTemporary(temporary: string, path: string, bytes: Uint8Array, mode: number): void {
  const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    keepGroup(fd, path);
    // After the group: a change of owner may clear bits. Not through open(), which the umask would cut.
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function keepGroup(fd: number, path: string): void {
  if (process.platform === 'win32') return;
  try {
    const { uid, gid } = statSync(path);
    fchownSync(fd, uid, gid);
  } catch {
    // a new file, or a group that we may not give: ours is right then
  }
}

function ensureUnchanged(path: string, expected: string | undefined): void {
  const current = readCurrent(path);
  if (current.kind === 'refused') throw changedMeanwhile(path, current.reason);
  if ((current.kind === 'file' ? current.hash : undefined) !== expected) throw changedMeanwhile(path);
}

function changedMeanwhile(path: string, reason = 'was changed by another program at the same time'): AppError {
  return new AppError({
    code: 'FILE_CHANGED',
    message: `${path} ${reason}.`,
    hint: 'Nothing of that change was lost. Run the command again.',
  });
}

/** So that a power cut cannot lose the new name. Not every system can. */
function syncFolder(folder: string): void {
  try {
    const fd = openSync(folder, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    fsyncSync(fd);
    closeSync(fd);
  } catch {
    // Windows opens no folders
  }
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}
