// What daemons of one session leave in the run folder. The lock file of a shared name stays for ever: another starter may
// have read it and wait for the lock it names. A name of one session has no other starter, so its file may go.
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { removeIfPresent } from '../base/atomic-file.ts';
import type { Log } from '../base/log.ts';
import { isRunning } from '../base/process-identity.ts';
import { aloneOwner } from '../link/alone.ts';
import { type Environment, type Locations, locate } from '../link/locations.ts';
import { reapJournal } from '../upstream/process/journal.ts';
import { markerTag, reapMarked } from '../upstream/process/reap-marked.ts';
import { acquireLock, heldPath } from './single-instance.ts';

/** At the end of such a daemon, while it still has its lock. */
export function removeLockFiles({ lockKeyPath }: Locations): void {
  for (const path of [lockKeyPath, heldPath(lockKeyPath)]) removeIfPresent(path);
}

/** Ends what killed ones left behind, servers first. Their names are nobody's next, so whoever starts does it. */
export async function pruneAlone(locations: Locations, env: Environment, log: Log): Promise<void> {
  const owners = new Map(
    readdirSync(locations.runDir).flatMap((file) => {
      const owner = aloneOwner(file);
      return owner === undefined ? [] : [[owner.name, owner.wrapperPid]];
    }),
  );
  for (const [name, wrapperPid] of owners) {
    // A wrapper that lives may start its daemon again; one of another boot has a number that somebody may have now.
    if (name === locations.name || isRunning({ pid: wrapperPid })) continue;
    try {
      await pruneOne(filesOf(name, locations, env));
    } catch (error) {
      log.warn('alone.not-pruned', { name, error });
    }
  }
}

async function pruneOne(files: Locations): Promise<void> {
  // Held by a daemon that starts, ends or hangs: it is not dead.
  const lock = await acquireLock(files.lockKeyPath);
  if (!lock) return;
  try {
    // Of one that ended by itself only the lock file can be left; looking through all processes for it would be waste.
    if ([files.journalPath, files.pidPath].some((path) => existsSync(path))) {
      await reapJournal(files.journalPath);
      await reapMarked(markerTag(files.journalPath));
    }
    for (const path of [files.pidPath, ...(process.platform === 'win32' ? [] : [files.socketPath])])
      removeIfPresent(path);
    removeLockFiles(files);
  } finally {
    lock.release();
  }
}

function filesOf(name: string, { runRoot, runDir }: Locations, env: Environment): Locations {
  return locate(env, name, runDir === runRoot ? undefined : basename(runDir));
}
