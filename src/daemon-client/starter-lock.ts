// Lets one of many starters start a daemon while the others wait for it. A courtesy that saves processes: what decides
// is the lock that the daemon itself holds for life.

import { createServer } from 'node:net';
import { systemCode } from '../base/errors.ts';
import { readLockKey } from '../link/endpoint.ts';

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
