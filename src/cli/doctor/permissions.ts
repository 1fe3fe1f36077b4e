// Folders and files that only this person may enter, that can be written, and that have room.
import { accessSync, chmodSync, constants, lstatSync, statfsSync, statSync } from 'node:fs';
import { whyUnsafe, whyUntrusted } from '../../base/private-dir.ts';
import { isPlainlySecret } from '../../config/secrets.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import { references } from '../../config/template.ts';
import type { Locations } from '../../link/locations.ts';
import { formatBytes } from '../render/format.ts';
import type { Check, CheckFinding } from './check.ts';
import { codeFindings } from './code-folders.ts';

export const permissions: Check = {
  name: 'permissions',
  title: 'Owner, mode and free space of our folders',
  run: ({ context: { locations }, config }) => [
    ...privateFolders(locations).flatMap(checkFolder),
    ...secretFiles(locations).flatMap((path) => checkFile(path, 0o077)),
    ...codeFindings(locations),
    ...checkFile(locations.configPath, 0o022),
    ...(config.ok ? checkConfigSecrets(locations.configPath, config.config.servers) : []),
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
      what: `${path} ${unsafe.reason}${whyUntrusted(path) ? ', so it is not used' : ''}.`,
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

/** A config without secrets may be read by anybody; one that holds them is theirs as much as the token file. */
function checkConfigSecrets(path: string, servers: readonly ServerEntry[]): CheckFinding[] {
  const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777;
  // What others may change is said already, and its repair is made first.
  if (process.platform === 'win32' || (mode & 0o044) === 0) return [];
  const holders = servers.filter(holdsSecret).map(({ name }) => name);
  if (holders.length === 0) return [];
  return [
    {
      severity: 'warning',
      what: `${path} has mode ${mode.toString(8)}: others may read the secrets that it holds for ${holders.join(', ')}.`,
      fix: { say: `chmod 600 '${path}'`, apply: () => chmodSync(path, 0o600) },
    },
  ];
}

/** Written out: a reference leads to a variable, which is not in the file. */
function holdsSecret({ env, headers }: ServerEntry): boolean {
  return [...Object.entries(env), ...Object.entries(headers)].some(
    ([name, value]) => references(value).length === 0 && isPlainlySecret(name, value),
  );
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
