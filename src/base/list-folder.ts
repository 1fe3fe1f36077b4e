import { type Dirent, opendirSync } from 'node:fs';

export type FolderListing = { entries: Dirent[]; isWhole: boolean };

/** At most `max` entries: a folder of others may hold millions. Nothing where it is none, or not ours to read. */
export function listFolder(path: string, max: number): FolderListing {
  const entries: Dirent[] = [];
  try {
    const folder = opendirSync(path, { bufferSize: 256 });
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) {
        if (entries.length >= max) return { entries, isWhole: false };
        entries.push(entry);
      }
    } finally {
      folder.closeSync();
    }
  } catch {
    // whatever was listed before
  }
  return { entries, isWhole: true };
}
