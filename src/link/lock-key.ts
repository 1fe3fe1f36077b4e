// The unguessable name under which a daemon holds its lock, and a starter its own: 128 random bits in a private file.
import { randomBytes } from 'node:crypto';
import { createFileExclusive, readFileIfPresent } from '../base/atomic-file.ts';

/** 32 hex characters, made by the first who asks; undefined if the file cannot be made or holds something else. */
export function readLockKey(path: string): string | undefined {
  try {
    if (readFileIfPresent(path) === undefined) createFileExclusive(path, `${randomBytes(16).toString('hex')}\n`);
    const key = readFileIfPresent(path)?.trim();
    return key !== undefined && /^[0-9a-f]{32}$/.test(key) ? key : undefined;
  } catch {
    return undefined; // read-only folder
  }
}
