// One daemon for each run folder and name: a lock that the kernel releases on any death, held for life.
import { constants, openSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { createFileExclusive, readFileIfPresent, removeIfPresent } from '../base/atomic-file.ts';
import { AppError, systemCode } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import { isRunning, processStartTime } from '../base/process-identity.ts';
import { readLockKey } from '../link/endpoint.ts';

export type Lock = { release: () => void };

/** The lock, or undefined if another daemon holds it. */
export async function acquireLock(lockKeyPath: string): Promise<Lock | undefined> {
  if (process.platform === 'linux') {
    const key = readLockKey(lockKeyPath);
    if (key === undefined) {
      throw new AppError({
        code: 'DAEMON_START_FAILED',
        message: `The lock name in ${lockKeyPath} cannot be read or written.`,
        hint: `Check the folder's owner and free space, or remove that file while no daemon runs.`,
      });
    }
    return abstractLock(`\0aitkit-${key}`);
  }
  if (process.platform === 'darwin') return exclusiveFileLock(heldPath(lockKeyPath));
  // Windows: binding the named pipe is exclusive, so the listener is the lock.
  return process.platform === 'win32' ? { release: () => {} } : identityLock(heldPath(lockKeyPath));
}

/** The file that is the lock itself, where no socket can be it. */
export function heldPath(lockKeyPath: string): string {
  return `${lockKeyPath}.held`;
}

/** Whether somebody listens at `path`: under the lock the last doubt about a socket file. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      const isAbsent = ['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'].includes(systemCode(error) ?? '');
      resolve(!isAbsent);
    });
  });
}

/** An abstract socket: bound by one process of a network namespace, gone with it. Nobody connects to it. */
function abstractLock(name: string): Promise<Lock | undefined> {
  const server: Server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error) => (systemCode(error) === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(name, () => {
      server.unref();
      resolve({ release: () => server.close() });
    });
  });
}

/** BSD O_EXLOCK (0x20) with O_NONBLOCK; from the manual page, not run there yet. */
function exclusiveFileLock(path: string): Lock | undefined {
  try {
    openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | 0x20, 0o600);
    return { release: () => {} }; // the descriptor lives as long as the process, and so does the lock
  } catch (error) {
    if (systemCode(error) === 'EAGAIN' || systemCode(error) === 'EWOULDBLOCK') return undefined;
    throw error;
  }
}

/** Elsewhere: a file that names its holder by pid and start time; a dead holder's is replaced. */
function identityLock(path: string): Lock | undefined {
  const own = JSON.stringify({ pid: process.pid, startTime: processStartTime(process.pid) ?? '' });
  for (let tries = 0; tries < 3; tries += 1) {
    if (createFileExclusive(path, own)) return { release: () => removeIfPresent(path) };
    const holder: unknown = JSON.parse(readFileIfPresent(path) ?? '{}');
    if (isRecord(holder) && typeof holder['pid'] === 'number') {
      const startTime =
        typeof holder['startTime'] === 'string' && holder['startTime'] !== '' ? holder['startTime'] : undefined;
      if (isRunning({ pid: holder['pid'], startTime })) return undefined;
    }
    removeIfPresent(path);
  }
  return undefined;
}
