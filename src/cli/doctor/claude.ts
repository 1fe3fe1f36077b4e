// How Claude Code reaches us: the plugin, its hooks, the launchers, and settings that travel between machines.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readForeignText } from '../../base/foreign-file.ts';
import { isRecord } from '../../base/guards.ts';
import type { Locations } from '../../link/locations.ts';
import { ownPlugin } from '../../migrate/programs/claude-plugins.ts';
import type { ClaudeSettings } from '../../migrate/programs/claude-settings.ts';
import { claudeDir, claudeStatePath } from '../../migrate/programs/hosts.ts';
import { realpathIfPresent, tilde, type World } from '../../migrate/world.ts';
import type { Check, CheckFinding, DoctorFacts } from './check.ts';
import { pluginFindings } from './claude-plugin.ts';

export const claude: Check = {
  name: 'claude',
  title: 'The plugin, its hooks, the launchers',
  run: (facts) => {
    const { world, context, sources } = facts;
    return [
      ...pluginFindings(world, sources.settings),
      ...hookFindings(world, sources.settings),
      ...launchers(facts),
      ...syncedFindings(world, context.locations),
    ];
  },
};

/** What a person misses without them; nothing that is shared depends on a hook. */
const hooksCost = 'sessions are seen only while connected, and nothing is told at their start';

export function hookFindings(world: World, { files }: ClaudeSettings): CheckFinding[] {
  const off = files.filter((file) => file.exists && file.value['disableAllHooks'] === true);
  const isForced = files.some(({ kind, value }) => kind === 'managed' && forcesOurs(value['enabledPlugins']));
  // Claude Code reads it in managed settings only, and spares plugins that are switched on there.
  const managed = files.filter(
    ({ kind, value }) => kind === 'managed' && value['allowManagedHooksOnly'] === true && !isForced,
  );
  return [
    ...off.map(({ file }): CheckFinding => {
      const what = `${tilde(file, world.home)} switches all hooks off (disableAllHooks): ${hooksCost}.`;
      return { severity: 'warning', what, fix: { say: 'Remove that key if you did not mean our hooks.' } };
    }),
    ...managed.map(({ file }): CheckFinding => {
      const what = `${file} lets only your administrator's hooks run (allowManagedHooksOnly): ${hooksCost}.`;
      const say = `Nothing has to be done. To have our hooks, let your administrator enable the plugin ${ownPlugin} there.`;
      return { severity: 'note', what, fix: { say } };
    }),
  ];
}

function forcesOurs(plugins: unknown): boolean {
  return (
    isRecord(plugins) && Object.entries(plugins).some(([id, state]) => id.split('@')[0] === ownPlugin && state === true)
  );
}

/** A few lines, written by our wrapper. */
const maxLauncherBytes = 64 * 1024;

/** Entries in other programs name these; each holds the path of the version it leads to. */
function launchers({ context: { locations }, world }: DoctorFacts): CheckFinding[] {
  return ['run-mcp-proxy', 'mcp-proxy'].flatMap((name): CheckFinding[] => {
    const path = join(locations.binDir, process.platform === 'win32' ? `${name}.cmd` : name);
    const reading = readForeignText(path, { maxBytes: maxLauncherBytes });
    const target = reading.kind === 'text' && /['"]([^'"]*[\\/]bin[\\/](?:run-)?mcp-proxy)['"]/.exec(reading.text)?.[1];
    if (!target || existsSync(target)) return [];
    const what = `${tilde(path, world.home)} leads to ${target}, which is gone.`;
    return [
      {
        severity: 'error',
        what,
        fix: { say: 'Open a session with the plugin: its wrapper writes the launchers anew.' },
      },
    ];
  });
}

/** Names of folders that programs keep alike on several machines. */
const syncFolders =
  /[\\/](?:Dropbox|OneDrive[^\\/]*|Google Drive|GoogleDrive|iCloud[^\\/]*|Mobile Documents|Nextcloud|Syncthing|Sync)[\\/]/i;

/**
 * Files of this machine that others see too, in a synced folder or a repository of dotfiles: paths in them lead nowhere
 * there, and two daemons on one root would meet.
 */
function syncedFindings(world: World, locations: Locations): CheckFinding[] {
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
