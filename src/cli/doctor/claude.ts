// How Claude Code reaches us: the plugin, its hooks, the launchers, and settings that travel between machines.
import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { claudeDir, claudeStatePath } from '../../migrate/hosts.ts';
import { whyPluginManagedAway } from '../../migrate/managed-lists.ts';
import { enabledPlugins, ownPlugin, pluginRoot } from '../../migrate/sources/claude-plugins.ts';
import { tilde } from '../../migrate/world.ts';
import type { Check, CheckFinding, DoctorFacts } from './check.ts';

export const claude: Check = {
  name: 'claude',
  title: 'The plugin, its hooks, the launchers',
  run: (facts) => [...plugin(facts), ...hooks(facts), ...launchers(facts), ...synced(facts)],
};

function plugin({ world, sources: { settings } }: DoctorFacts): CheckFinding[] {
  if (!existsSync(claudeDir(world)) && !existsSync(claudeStatePath(world))) return [];
  const managed = whyPluginManagedAway(world, settings);
  if (managed)
    return [
      {
        severity: 'error',
        what: `Claude Code does not load our server: ${managed}.`,
        fix: { say: 'Ask your administrator.' },
      },
    ];
  const id = enabledPlugins(settings).find((one) => one.split('@')[0] === ownPlugin);
  if (id === undefined) {
    const say = 'claude plugin install mcp-proxy@aitkit --scope user';
    return [{ severity: 'warning', what: 'The plugin mcp-proxy is not enabled for you in Claude Code.', fix: { say } }];
  }
  const root = pluginRoot(world, id);
  if (root === undefined) return [];
  const missing = [
    'bin/run-mcp-proxy',
    'dist/wrapper.cjs',
    'dist/hook.cjs',
    'dist/daemon.cjs',
    'dist/daemon-program.cjs',
    'hooks/hooks.json',
  ].filter((file) => !existsSync(join(root, file)));
  if (missing.length === 0) return [];
  const what = `The plugin's folder ${root} lacks ${missing.join(', ')}.`;
  return [{ severity: 'error', what, fix: { say: 'claude plugin update mcp-proxy@aitkit' } }];
}

function hooks({ sources: { settings }, world }: DoctorFacts): CheckFinding[] {
  const off = settings.files.filter((file) => file.exists && file.value['disableAllHooks'] === true);
  return off.map(({ file }) => ({
    severity: 'warning',
    what: `${tilde(file, world.home)} switches all hooks off (disableAllHooks): sessions are seen only while connected, and nothing is told at their start.`,
    fix: { say: 'Remove that key if you did not mean our hooks.' },
  }));
}

/** Entries in other programs name these; each holds the path of the version it leads to. */
function launchers({ context: { locations }, world }: DoctorFacts): CheckFinding[] {
  return ['run-mcp-proxy', 'mcp-proxy'].flatMap((name): CheckFinding[] => {
    const path = join(locations.binDir, process.platform === 'win32' ? `${name}.cmd` : name);
    const text = readText(path);
    const target = text === undefined ? undefined : /['"]([^'"]*[\\/]bin[\\/](?:run-)?mcp-proxy)['"]/.exec(text)?.[1];
    if (text === undefined || target === undefined || existsSync(target)) return [];
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

/** Paths of one machine in a file that another one reads lead nowhere there; two daemons on one root would meet. */
function synced({ world, context: { locations } }: DoctorFacts): CheckFinding[] {
  const settings = [join(claudeDir(world), 'settings.json'), claudeStatePath(world)];
  const found = [...settings, locations.root].flatMap((path): CheckFinding[] => {
    const real = realOf(path);
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
  return found;
}

/** Only a link out of the home's plain place is a sign of dotfiles; a repository that is the home itself counts too. */
function inRepository(file: string): boolean {
  for (let at = dirname(file); at !== dirname(at); at = dirname(at)) if (existsSync(join(at, '.git'))) return true;
  return false;
}

function realOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : path;
  } catch {
    return undefined; // not there
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // never installed
  }
}
