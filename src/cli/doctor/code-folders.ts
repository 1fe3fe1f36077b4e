// Who may change the programs that run: folders from our root down to each installed version, and the launchers.
import { chmodSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isInside } from '../../base/inside.ts';
import type { Locations } from '../../link/locations.ts';
import { type CheckFinding, listing } from './check.ts';

/** Whoever may write one of them can put another program in its place. */
export function codeFindings(locations: Locations): CheckFinding[] {
  if (process.platform === 'win32') return [];
  return codePaths(locations).flatMap((path): CheckFinding[] => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return [];
    if (stat.uid !== process.getuid?.() && stat.uid !== 0) {
      const what = `${path} belongs to user ${stat.uid}, who could change the programs that run from there.`;
      return [{ severity: 'error', what, fix: { say: `sudo chown "$(id -u)" '${path}'` } }];
    }
    if ((stat.mode & 0o022) === 0) return [];
    const mode = stat.mode & 0o777 & ~0o022;
    return [
      {
        severity: 'error',
        what: `${path} has mode ${(stat.mode & 0o777).toString(8)}: others could change the programs that run from there.`,
        fix: { say: `chmod ${mode.toString(8)} '${path}'`, apply: () => chmodSync(path, mode) },
      },
    ];
  });
}

/** `bin` and the data folder themselves are private folders, and checked as such. */
function codePaths({ root, dataDir, binDir, appDir }: Locations): string[] {
  const above = isInside(dataDir, root) ? [dirname(dataDir)] : [];
  const versions = listing(appDir).map((name) => join(appDir, name));
  const parts = versions.flatMap((folder) => ['bin', 'dist'].map((name) => join(folder, name)));
  const launchers = listing(binDir)
    .filter((name) => /^(?:run-)?mcp-proxy$/.test(name))
    .map((name) => join(binDir, name));
  return [...new Set([root, ...above, appDir, ...versions, ...parts, ...launchers])].filter((path) => path !== dataDir);
}
