// Last known faces on disk, so that a new session sees all tools at once while slow servers start, and stopped servers
// keep theirs. Keyed by an HMAC that includes the variables' values: another identity never finds them.
import { createHash } from 'node:crypto';
import { readdirSync, statSync, unlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { readBytesIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import type { Log } from '../base/log.ts';
import { makeFolder } from '../base/make-folder.ts';
import { parseIntroduction } from '../upstream/handshake.ts';
import { parseFace, type ServerFace, serializeFace } from './server-face.ts';

export type Snapshots = {
  find: (key: string) => ServerFace | undefined;
  save: (key: string, face: ServerFace) => void;
  /** When it was saved the last time, the same or another. */
  savedAt: (key: string) => number | undefined;
};

/** A face that nobody asked for so long is of a server that is gone. */
const keepMs = 90 * 24 * 3_600_000;
/** One damaged or hostile file must not be read into memory. */
const maxSnapshotBytes = 64 * 1024 * 1024;

export function openSnapshots(folder: string, log: Log, now: () => number): Snapshots {
  const cache = new Map<string, ServerFace | undefined>();
  /** Of what was written, and not of what could not be. */
  const onDisk = new Map<string, string>();
  prune(folder, now());
  const pathOf = (key: string) => join(folder, `${key}.json`);
  return {
    find: (key) => {
      if (!cache.has(key)) {
        cache.set(key, load(pathOf(key), log));
      }
      return cache.get(key);
    },
    savedAt: (key) => statSync(pathOf(key), { throwIfNoEntry: false })?.mtimeMs,
    save: (key, face) => {
      cache.set(key, face);
      try {
        // Each session that opens has the lists of all that runs asked for again: most are what they were.
        const bytes = serializeFace(face);
        const hash = createHash('sha256').update(bytes).digest('base64');
        if (onDisk.get(key) === hash && isTouched(pathOf(key), now())) return;
        onDisk.delete(key);
        makeFolder(folder);
        writeFileAtomic(pathOf(key), bytes);
        onDisk.set(key, hash);
      } catch (error) {
        log.warn('snapshot.not-saved', { error }); // disk full: the next daemon asks the server again
      }
    },
  };
}

/** False: it is gone, or another one's, and has to be written. */
function isTouched(path: string, now: number): boolean {
  try {
    utimesSync(path, now / 1_000, now / 1_000);
    return true;
  } catch {
    return false;
  }
}

function load(path: string, log: Log): ServerFace | undefined {
  try {
    const bytes = readBytesIfPresent(path, maxSnapshotBytes);
    return bytes && parseFace(bytes, parseIntroduction);
  } catch (error) {
    log.warn('snapshot.unreadable', { error });
    return undefined;
  }
}

function prune(folder: string, now: number): void {
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (now - statSync(path).mtimeMs > keepMs) unlinkSync(path);
    }
  } catch {
    // no folder yet, or another daemon was faster
  }
}
