// One change of client files, recorded before it happens: copies of every file before and after, and how far it came.
// Whatever ends the process, the journal says what to put back.

import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import {
  createFileExclusive,
  readBytesIfPresent,
  readFileIfPresent,
  removeIfPresent,
  writeFileAtomic,
} from '../../base/atomic-file.ts';
import { AppError } from '../../base/errors.ts';
import { ensurePrivateDir } from '../../base/private-dir.ts';
import { isRunning, processStartTime } from '../../base/process-identity.ts';
import { encodeText, hashBytes } from '../documents/document-text.ts';
import type { FileEdit } from '../plan/plan-model.ts';
import { readClientFile, realpathIfPresent, type World } from '../world.ts';
import { type JournalState, type Manifest, type ManifestFile, manifestSchema } from './manifest.ts';
import { maxFileBytes, missingFolders } from './replace-file.ts';
import { writeRestoreGuide } from './restore-guide.ts';

export type JournalInit = { kind: string; summary: string[]; files: readonly FileEdit[]; now: Date };

/** Everything is on disk before the first client file changes; the manifest comes last and makes it valid. */
export function openJournal(world: World, { kind, summary, files, now }: JournalInit): Manifest {
  ensurePrivateDir(world.locations.backupsDir);
  const id = newId(world, now);
  const folder = ensurePrivateDir(join(world.locations.backupsDir, id));
  const recorded = files.map((file, i) => recordFile(folder, file, i));
  const writer = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
  const manifest: Manifest = {
    version: 1,
    id,
    kind,
    createdAt: now.toISOString(),
    state: 'applying',
    writer,
    begun: 0,
    summary,
    files: recorded,
  };
  saveManifest(world, manifest);
  return manifest;
}

function recordFile(folder: string, edit: FileEdit, i: number): ManifestFile {
  const reading = readClientFile(edit.path, edit.boundary);
  const found = reading.kind === 'file' ? reading : undefined;
  if (reading.kind === 'refused' || found?.hash !== edit.before) {
    throw new AppError({
      code: 'FILE_CHANGED',
      message: `${edit.path} was changed since the plan was made.`,
      hint: 'Nothing was written. Run the command again.',
    });
  }
  const after = encodeText({ text: edit.after, hasBom: edit.hasBom });
  const afterCopy = `${i}.after`;
  writeFileAtomic(join(folder, afterCopy), after, { durable: true });
  const path = found?.realPath ?? realPathOfNew(edit.path);
  const folders = found ? [] : missingFolders(path);
  const base = { path, shown: edit.path, format: edit.format, after: hashBytes(after), afterCopy, folders };
  if (!found) return { ...base, mode: 0o600 };
  const beforeCopy = `${i}.before`;
  writeFileAtomic(join(folder, beforeCopy), found.bytes, { durable: true });
  return { ...base, mode: found.mode, before: found.hash, beforeCopy };
}

/** Its folder may be behind a link. */
function realPathOfNew(path: string): string {
  for (let folder = path, rest = ''; ; ) {
    const parent = join(folder, '..');
    rest = join(folder.slice(parent.length), rest);
    const real = realpathIfPresent(parent);
    if (real !== undefined) return join(real, rest);
    if (parent === folder) return path;
    folder = parent;
  }
}

export function saveManifest(world: World, manifest: Manifest): void {
  const path = join(world.locations.backupsDir, manifest.id, 'manifest.json');
  writeFileAtomic(path, `${JSON.stringify(manifest, undefined, 2)}\n`, { durable: true });
  writeRestoreGuide(world, listManifests(world));
}

export function setState(world: World, manifest: Manifest, state: JournalState): Manifest {
  const changed = { ...manifest, state };
  saveManifest(world, changed);
  return changed;
}

export function readCopy(world: World, manifest: Manifest, name: string): Buffer {
  const path = join(world.locations.backupsDir, manifest.id, name);
  const bytes = readBytesIfPresent(path, maxFileBytes);
  if (!bytes) throw new Error(`${path}, the copy of a file, is gone`);
  return bytes;
}

/** Oldest first. Folders without a valid manifest never got as far as changing a file. */
export function listManifests(world: World): Manifest[] {
  let names: string[];
  try {
    names = readdirSync(world.locations.backupsDir);
  } catch {
    return []; // nothing was ever changed
  }
  return names
    .sort()
    .map((name) => readManifest(world, name))
    .filter((manifest) => manifest !== undefined);
}

function readManifest(world: World, name: string): Manifest | undefined {
  const text = readFileIfPresentIn(join(world.locations.backupsDir, name, 'manifest.json'));
  if (text === undefined) return undefined;
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(text));
    return parsed.success && parsed.data.id === name ? parsed.data : undefined;
  } catch {
    return undefined; // not ours
  }
}

function readFileIfPresentIn(path: string): string | undefined {
  try {
    return readFileIfPresent(path);
  } catch {
    return undefined; // RESTORE.md and the lock are files, not folders
  }
}

/** A change that was cut off: its writer is gone. */
export function findUnfinished(world: World): Manifest[] {
  return listManifests(world).filter(
    (manifest) => (manifest.state === 'applying' || manifest.state === 'undoing') && !isRunning(manifest.writer),
  );
}

/** Two changes at once would see each other's files half done. Released by the returned function. */
export function lockJournals(world: World): () => void {
  ensurePrivateDir(world.locations.backupsDir);
  const path = join(world.locations.backupsDir, 'lock');
  const own = JSON.stringify({ pid: process.pid, startTime: processStartTime(process.pid) ?? '' });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (createFileExclusive(path, own)) return () => removeIfPresent(path);
    const holder = readHolder(path);
    if (holder && isRunning(holder)) {
      throw new AppError({
        code: 'MIGRATION_BUSY',
        message: `Another migration runs (process ${holder.pid}).`,
        hint: 'Wait until it ends, then run the command again.',
      });
    }
    rmSync(path, { force: true });
  }
  throw new AppError({ code: 'MIGRATION_BUSY', message: `${path} cannot be taken.`, hint: 'Run the command again.' });
}

/** A pid and a time. */
const maxHolderBytes = 4_096;
const holderSchema = z.object({ pid: z.number(), startTime: z.string() });

function readHolder(path: string): { pid: number; startTime: string } | undefined {
  try {
    const parsed = holderSchema.safeParse(JSON.parse(readFileIfPresent(path, maxHolderBytes) ?? 'null'));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // half written
  }
}

/** Sorts behind every earlier one, also of the same second or of a clock that was set back: undo takes the newest. */
function newId(world: World, now: Date): string {
  const last = readdirSync(world.locations.backupsDir)
    .filter((name) => /^\d{8}-\d{6}-/.test(name))
    .sort()
    .at(-1);
  const time = stamp(now);
  const lastTime = last?.slice(0, time.length) ?? '';
  const count = Number(/^-(\d{3})[0-9a-f]/.exec(last?.slice(time.length) ?? '')?.[1] ?? 0);
  const [at, turn] = time > lastTime ? [time, 0] : [lastTime, count + 1];
  return `${at}-${String(turn).padStart(3, '0')}${randomBytes(2).toString('hex')}`;
}

/** `20261121-030405`, UTC: sorts by time. */
function stamp(now: Date): string {
  const digits = now.toISOString().replace(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 14)}`;
}
