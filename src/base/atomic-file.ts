// Files that others read: written under a temporary name and renamed, so that no reader sees half of one.
import { closeSync, constants, fsyncSync, linkSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { systemCode } from './errors.ts';
import { readForeignFile } from './foreign-file.ts';

export type AtomicWriteOptions = {
  mode?: number;
  durable?: boolean;
  /** Runs when the new content is ready; if it throws, nothing is replaced. */
  beforeRename?: () => void;
};

/** Replaces `path`. `durable` also waits for the disk (for files whose loss a power cut must not cause). */
export function writeFileAtomic(path: string, data: string | Uint8Array, options: AtomicWriteOptions = {}): void {
  const temporary = writeTemporary(path, data, options);
  try {
    options.beforeRename?.();
    renameSync(temporary, path);
  } catch (error) {
    removeIfPresent(temporary);
    throw error;
  }
}

/** Creates `path` whole, or returns false if somebody else's is there already: link(2) is atomic, rename is not exclusive. */
export function createFileExclusive(path: string, data: string | Uint8Array, mode = 0o600): boolean {
  const temporary = writeTemporary(path, data, { mode });
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    removeIfPresent(temporary);
  }
}

/** The largest file of our own, a snapshot or a ready-made answer of many servers, stays below it. */
const maxOwnBytes = 64 * 1024 * 1024;

/** The text of a file of our own, or undefined if there is none. Throws if it is none of ours by its kind or size. */
export function readFileIfPresent(path: string, maxBytes = maxOwnBytes): string | undefined {
  return readBytesIfPresent(path, maxBytes)?.toString('utf8');
}

export function readBytesIfPresent(path: string, maxBytes = maxOwnBytes): Buffer | undefined {
  const reading = readForeignFile(path, { maxBytes });
  if (reading.kind === 'refused') throw new Error(`${path} ${reading.reason}.`);
  return reading.kind === 'file' ? reading.bytes : undefined;
}

export function removeIfPresent(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

function writeTemporary(path: string, data: string | Uint8Array, options: AtomicWriteOptions): string {
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint().toString(36)}.tmp`;
  // O_EXCL refuses a planted file or link of that name.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const fd = openSync(temporary, flags, options.mode ?? 0o600);
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    if (options.durable) fsyncSync(fd);
  } catch (error) {
    closeSync(fd);
    removeIfPresent(temporary);
    throw error;
  }
  closeSync(fd);
  return temporary;
}
