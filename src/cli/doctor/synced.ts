// Files of this machine that other machines see too: in a synced folder, or in a repository of dotfiles.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Locations } from '../../link/locations.ts';
import { claudeDir, claudeStatePath } from '../../migrate/programs/hosts.ts';
import { realpathIfPresent, tilde, type World } from '../../migrate/world.ts';
import type { CheckFinding } from './check.ts';

/** Names of folders that programs keep alike on several machines. */
const syncFolders =
  /[\\/](?:Dropbox|OneDrive[^\\/]*|Google Drive|GoogleDrive|iCloud[^\\/]*|Mobile Documents|Nextcloud|Syncthing|Sync)[\\/]/i;

/** Paths of one machine in a file that another one reads lead nowhere there; two daemons on one root would meet. */
export function syncedFindings(world: World, locations: Locations): CheckFinding[] {
  const settings = join(claudeDir(world), 'settings.json');
  // Where there is no such file yet, its folder says where it would lie.
  const client = [existsSync(settings) ? settings : claudeDir(world), claudeStatePath(world)];
  return [...client, locations.root].flatMap((path): CheckFinding[] => {
    // Of the whole path: a link anywhere on the way leads there.
    const real = realpathIfPresent(path);
    if (real === undefined) return [];
    const isData = path === locations.root;
    const how = syncFolders.test(`${real}/`)
      ? 'in a folder that is synced'
      : !isData && inRepository(real)
        ? 'in a git repository'
        : undefined;
    if (how === undefined) return [];
    const what = `${tilde(path, world.home)} lies ${how} (${real}): it reaches other machines.`;
    const say = isData
      ? 'Set AITKIT_ROOT to a folder of this machine.'
      : 'Install the plugin there too; `mcp-proxy migrate` leaves your own settings alone unless you ask.';
    return [{ severity: isData ? 'warning' : 'note', what, fix: { say } }];
  });
}

/** Also the folder's own repository, and one that is the home itself. */
function inRepository(path: string): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at)) if (existsSync(join(at, '.git'))) return true;
  return false;
}
