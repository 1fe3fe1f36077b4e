// Puts files back: after a failure, after a kill, or because a person asks. Can be cut off and run again at any point.

import { removeIfPresent } from '../../base/atomic-file.ts';
import { AppError } from '../../base/errors.ts';
import { processStartTime } from '../../base/process-identity.ts';
import { decodeText, encodeText } from '../documents/document-text.ts';
import type { World } from '../world.ts';
import { findUnfinished, listManifests, lockJournals, readCopy, saveManifest } from './journal.ts';
import type { JournalState, Manifest, ManifestFile } from './manifest.ts';
import {
  makeFolders,
  missingFolders,
  readCurrent,
  removeFile,
  removeFolders,
  replaceFile,
  temporaryName,
} from './replace-file.ts';
import { undoBeside } from './three-way.ts';

export type FileOutcome = {
  file: string;
  result: 'restored' | 'removed' | 'already' | 'merged' | 'conflict';
  /** What is not undone, and why. */
  conflicts: string[];
  /** Copy of the file as it was. */
  backup?: string;
};

export type UndoResult = { id: string; files: FileOutcome[]; isComplete: boolean };

export type UndoDeps = { onStep?: (step: string) => void };

/** Undoes one change; without `id` the newest that is in force. Throws NOTHING_TO_UNDO. */
export function undo(world: World, id: string | undefined, deps: UndoDeps = {}): UndoResult {
  const release = lockJournals(world);
  try {
    return undoManifest(world, chooseManifest(world, id), 'undone', deps);
  } finally {
    release();
  }
}

/** Changes that take our entries away: undoing everything must not bring them back. */
const departures: readonly string[] = ['leave', 'disconnect'];

/** All that is in force, newest first. */
export function undoAll(world: World, deps: UndoDeps = {}): UndoResult[] {
  const release = lockJournals(world);
  try {
    const open = listManifests(world)
      .filter((manifest) => isInForce(manifest) && !departures.includes(manifest.kind))
      .reverse();
    return open.map((manifest) => undoManifest(world, manifest, 'undone', deps));
  } finally {
    release();
  }
}

/** Takes back what a killed apply left behind. Called under the lock, before anything else is written. */
export function recover(world: World, deps: UndoDeps = {}): UndoResult[] {
  return findUnfinished(world)
    .reverse()
    .map((manifest) => undoManifest(world, manifest, manifest.state === 'applying' ? 'rolled-back' : 'undone', deps));
}

export function isInForce(manifest: Manifest): boolean {
  return manifest.state !== 'undone' && manifest.state !== 'rolled-back';
}

function chooseManifest(world: World, id: string | undefined): Manifest {
  const manifests = listManifests(world);
  const found = id === undefined ? manifests.filter(isInForce).at(-1) : manifests.find((entry) => entry.id === id);
  if (!found) {
    throw new AppError({
      code: 'NOTHING_TO_UNDO',
      message: id === undefined ? 'No change is in force.' : `There is no change ${JSON.stringify(id)}.`,
      hint: '`mcp-proxy migrate history` lists them.',
    });
  }
  return found;
}

export function undoManifest(world: World, manifest: Manifest, target: JournalState, deps: UndoDeps): UndoResult {
  const writer = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
  if (manifest.state !== 'applying') saveManifest(world, { ...manifest, state: 'undoing', writer });
  const files = manifest.files
    .map((file, i) => ({ file, i }))
    .reverse()
    .map(({ file, i }) => {
      removeIfPresent(temporaryName(file.path, manifest.id));
      const outcome =
        i < manifest.begun ? undoBegun(world, manifest, { file, isLast: i === manifest.begun - 1 }) : untouched(file);
      deps.onStep?.(`undo ${file.path}`);
      return outcome;
    });
  const isComplete = files.every((file) => file.conflicts.length === 0);
  saveManifest(world, { ...manifest, state: isComplete ? target : 'partly-undone', writer });
  return { id: manifest.id, files, isComplete };
}

function untouched(file: ManifestFile): FileOutcome {
  if (file.before === undefined && readCurrent(file.path).kind === 'absent') removeFolders(file.folders);
  return { file: file.shown, result: 'already', conflicts: [] };
}

/** A kill just there leaves open whether the last file was replaced before somebody else wrote it: then it is theirs. */
function undoBegun(
  world: World,
  manifest: Manifest,
  { file, isLast }: { file: ManifestFile; isLast: boolean },
): FileOutcome {
  const current = readCurrent(file.path);
  // The others are put back all the same.
  if (current.kind === 'refused') {
    return { file: file.shown, result: 'conflict', conflicts: [`it ${current.reason}`], ...backupOf(manifest, file) };
  }
  const found = current.kind === 'file' ? current : undefined;
  const isForeign = found !== undefined && found.hash !== file.before && found.hash !== file.after;
  if (manifest.state !== 'applying' || !isLast || !isForeign) return undoFile(world, manifest, file, found);
  const conflicts = ['another program wrote it while we were cut off; our change may be in it'];
  return { file: file.shown, result: 'conflict', conflicts };
}

type Found = { bytes: Buffer; hash: string };

function undoFile(world: World, manifest: Manifest, file: ManifestFile, found: Found | undefined): FileOutcome {
  if (found?.hash === file.before) {
    if (found === undefined) removeFolders(file.folders);
    return { file: file.shown, result: 'already', conflicts: [] };
  }
  if (found === undefined) return restoreGone(world, manifest, file);
  return found.hash === file.after ? restore(world, manifest, file, found.hash) : merge(world, manifest, file, found);
}

function restore(world: World, manifest: Manifest, file: ManifestFile, current: string): FileOutcome {
  if (file.beforeCopy === undefined) {
    removeFile(file.path, current);
    removeFolders(file.folders);
    return { file: file.shown, result: 'removed', conflicts: [] };
  }
  const bytes = readCopy(world, manifest, file.beforeCopy);
  replaceFile({ path: file.path, bytes, expected: current, mode: file.mode, journalId: manifest.id });
  return { file: file.shown, result: 'restored', conflicts: [] };
}

/** Somebody removed the file. If it was there before us, it comes back as it was; our part is gone either way. */
function restoreGone(world: World, manifest: Manifest, file: ManifestFile): FileOutcome {
  if (file.beforeCopy === undefined) return { file: file.shown, result: 'already', conflicts: [] };
  makeFolders(missingFolders(file.path));
  const bytes = readCopy(world, manifest, file.beforeCopy);
  replaceFile({ path: file.path, bytes, expected: undefined, mode: file.mode, journalId: manifest.id });
  return { file: file.shown, result: 'restored', conflicts: [] };
}

function merge(world: World, manifest: Manifest, file: ManifestFile, found: Found): FileOutcome {
  const read = (bytes: Buffer) => decodeText(bytes);
  const before =
    file.beforeCopy === undefined ? { text: '', hasBom: false } : read(readCopy(world, manifest, file.beforeCopy));
  const after = read(readCopy(world, manifest, file.afterCopy));
  const now = read(found.bytes);
  const backup = backupOf(manifest, file);
  if ('reason' in before || 'reason' in after || 'reason' in now) {
    const conflict = 'reason' in now ? `the file ${now.reason}` : 'its backup cannot be read';
    return { file: file.shown, result: 'conflict', conflicts: [conflict], ...backup };
  }
  const merged = undoBeside({ before: before.text, after: after.text, current: now.text, format: file.format });
  if (merged.text !== now.text) {
    const bytes = encodeText({ text: merged.text, hasBom: now.hasBom });
    replaceFile({ path: file.path, bytes, expected: found.hash, mode: file.mode, journalId: manifest.id });
  }
  const isDone = merged.conflicts.length === 0;
  return {
    file: file.shown,
    result: isDone ? 'merged' : 'conflict',
    conflicts: merged.conflicts,
    ...(isDone ? {} : backup),
  };
}

function backupOf(manifest: Manifest, file: ManifestFile): { backup?: string } {
  return file.beforeCopy === undefined ? {} : { backup: `${manifest.id}/${file.beforeCopy}` };
}
