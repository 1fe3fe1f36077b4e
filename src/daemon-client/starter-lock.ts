// Lets one of many starters start a daemon while the others wait for it. A courtesy that saves processes: what decides
// is the lock that the daemon itself holds for life.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { createFileExclusive, readFileIfPresent } from '../base/atomic-file.ts';
import { systemCode } from '../base/errors.ts';

export type LockAttempt = { kind: 'held'; release: () => Promise<void> } | { kind: 'taken' } | { kind: 'unsupported' };

/** Linux: an abstract socket, released by the kernel on any death. Its name is unguessable: no other user can hold it. */
export async function tryStarterLock(lockKeyPath: string): Promise<LockAttempt> {
  if (process.platform !== 'linux') return { kind: 'unsupported' };
  const key = readLockKey(lockKeyPath);
  if (key === undefined) return { kind: 'unsupported' };
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.on('error', (error) => resolve({ kind: systemCode(error) === 'EADDRINUSE' ? 'taken' : 'unsupported' }));
    server.listen(`\0aitkit-${key}-start`, () => {
      resolve({ kind: 'held', release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

/** 32 hex characters, made by the first who asks; undefined if the file cannot be made or holds something else. */
export function readLockKey(path: string): string | undefined {
  try {
    if (readFileIfPresent(path) === undefined) createFileExclusive(path, `${randomBytes(16).toString('hex')}\n`);
    const key = readFileIfPresent(path)?.trim();
    return key !== undefined && /^[0-9a-f]{32}$/.test(key) ? key : undefined;
  } catch {
    return undefined; // read-only folder: the daemon's own lock decides
  }
}
