// Folders and files that only this person may enter, that can be written, and that have room.
import { accessSync, chmodSync, constants, lstatSync, statfsSync } from 'node:fs';
import { whyUnsafe } from '../../base/private-dir.ts';
import type { Locations } from '../../link/locations.ts';
import { formatBytes } from '../render/format.ts';
import type { Check, CheckFinding } from './check.ts';

export const permissions: Check = {
  name: 'permissions',
  title: 'Owner, mode and free space of our folders',
  run: ({ context: { locations } }) => [
    ...privateFolders(locations).flatMap(checkFolder),
    ...secretFiles(locations).flatMap((path) => checkFile(path, 0o077)),
    ...[locations.configPath].flatMap((path) => checkFile(path, 0o022)),
    ...[locations.root, locations.runRoot, locations.dataDir].flatMap(checkWritable),
    ...checkSpace(locations),
  ],
};

/** Logs, a config and a few sockets; below this the next rotation may fail. */
const leastFreeBytes = 16 * 1024 * 1024;

function privateFolders(locations: Locations): string[] {
  const { runRoot, runDir, dataDir, recordsDir, binDir } = locations;
  return [...new Set([runRoot, runDir, recordsDir, dataDir, binDir])];
}

function secretFiles({ tokenPath, keyPath, envFilePath, lockKeyPath }: Locations): string[] {
  return [tokenPath, keyPath, envFilePath, lockKeyPath];
}

function checkFolder(path: string): CheckFinding[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  const unsafe = stat && whyUnsafe(path);
  if (!stat || !unsafe) return [];
  const isMode = stat.isDirectory() && stat.uid === process.getuid?.();
  return [
    {
      severity: 'error',
      what: `${path} ${unsafe.reason}, so it is not used.`,
      fix: { say: unsafe.hint.replace(/^Run: /, ''), ...(isMode ? { apply: () => chmodSync(path, 0o700) } : {}) },
    },
  ];
}

function checkFile(path: string, forbidden: number): CheckFinding[] {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat || process.platform === 'win32' || stat.isSymbolicLink()) return [];
  if (stat.uid !== process.getuid?.()) {
    const fix = { say: `sudo chown "$(id -u)" '${path}'` };
    return [{ severity: 'error', what: `${path} belongs to user ${stat.uid}.`, fix }];
  }
  if ((stat.mode & forbidden) === 0) return [];
  const mode = stat.mode & 0o777 & ~forbidden;
  return [
    {
      severity: 'error',
      what: `${path} has mode ${(stat.mode & 0o777).toString(8)}: others may ${forbidden === 0o077 ? 'read' : 'change'} it.`,
      fix: { say: `chmod ${mode.toString(8)} '${path}'`, apply: () => chmodSync(path, mode) },
    },
  ];
}

function checkWritable(path: string): CheckFinding[] {
  if (!lstatSync(path, { throwIfNoEntry: false })) return [];
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return [];
  } catch {
    const fix = { say: `Make it writable, or set AITKIT_ROOT to a folder that is: chmod u+rwx '${path}'` };
    return [{ severity: 'error', what: `${path} cannot be written; the daemon cannot start there.`, fix }];
  }
}

function checkSpace({ root, runDir, dataDir }: Locations): CheckFinding[] {
  const seen = new Set<string>();
  return [runDir, dataDir, root].flatMap((path): CheckFinding[] => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat || seen.has(String(stat.dev))) return [];
    seen.add(String(stat.dev));
    const { bavail, bsize, files, ffree } = statfsSync(path);
    const free = bavail * bsize;
    const fix = { say: 'Free some space, or set AITKIT_ROOT to another disk.' };
    if (files > 0 && ffree < 100) return [{ severity: 'error', what: `The disk of ${path} has no free inodes.`, fix }];
    if (free >= leastFreeBytes) return [];
    return [{ severity: 'error', what: `The disk of ${path} has ${formatBytes(free)} left.`, fix }];
  });
}
