// The edits of one moved server in the programs' files and in our config.
import { dirname, join } from 'node:path';
import { movedMark } from '../../link/moved-marks.ts';
import type { LaunchEntry } from '../programs/declared.ts';
import { excludeFor, findRepository } from '../programs/git-ignore.ts';
import { type ConnectableHost, claudeDir, claudeStatePath } from '../programs/hosts.ts';
import { tomlTables, wrapperEntryFor } from '../programs/wrapper-entry.ts';
import { type Boundary, insideProject, realpathIfPresent, type World } from '../world.ts';
import type { EditCollector } from './edit-collector.ts';
import type { PlannedPlace, PlannedServer } from './plan-model.ts';
import { pluginPrefix } from './translate-rule.ts';

export const entryName = 'mcp-proxy';

export function addPlaceEdits(edits: EditCollector, world: World, server: PlannedServer, place: PlannedPlace): void {
  const home = { inside: world.home };
  switch (place.change) {
    case undefined:
      return;
    case 'removed':
      removeEntry(edits, world, place, home);
      return;
    case 'removed from the repository':
      removeEntry(edits, world, place, insideProject(place.project ?? world.home), forEveryone);
      return;
    case 'kept as a wrapper':
      edits.add({
        ...{ path: place.file, boundary: home, purpose: 'keeps the name by an entry of its own' },
        op: { op: 'set', path: place.path, value: wrapperEntryFor(world, 'claude-code', server.name) },
      });
      return;
    case 'silenced':
      silenceInProject(edits, world, server, place);
      if (server.keepsNames) keepLocally(edits, world, server, place);
      return;
    case 'silenced everywhere':
      silenceEverywhere(edits, world, server, place);
      if (server.keepsNames) keepLocally(edits, world, server, place);
      return;
    case 'plugin switched off':
      edits.add({
        ...{ path: userSettings(world), boundary: home, purpose: `switches the plugin ${place.plugin ?? ''} off` },
        op: { op: 'set', path: ['enabledPlugins', place.plugin ?? ''], value: false },
      });
      return;
  }
}

const forEveryone = 'everyone in this repository loses the entry with your next commit of the file';

function removeEntry(
  edits: EditCollector,
  world: World,
  place: PlannedPlace,
  boundary: Boundary,
  warning?: string,
): void {
  const purpose = 'no longer starts what is shared';
  const warned = warning === undefined ? {} : { warning };
  if (place.host === 'codex') {
    const base = { path: place.file, boundary, format: 'toml' as const, purpose, ...warned };
    edits.add({ ...base, op: { op: 'toml-remove', path: place.path } });
    if (place.scope === 'user')
      for (const op of tomlTables(entryName, wrapperEntryFor(world, 'codex'))) edits.add({ ...base, op });
    return;
  }
  edits.add({ path: place.file, boundary, purpose, ...warned, op: { op: 'remove', path: place.path } });
  const isOther = place.host !== 'claude-code' && place.host !== 'claude-plugin';
  if (!isOther || place.scope !== 'user') return;
  const host: ConnectableHost = place.host === 'claude-plugin' ? 'claude-code' : place.host;
  const path = [...place.path.slice(0, -1), entryName];
  edits.add({ path: place.file, boundary, purpose, op: { op: 'set', path, value: wrapperEntryFor(world, host) } });
}

export function silenceInProject(edits: EditCollector, world: World, server: PlannedServer, place: PlannedPlace): void {
  const purpose = "silences the repository's entries for you";
  addToLocalSettings(edits, world, place.project ?? '', purpose, [
    { path: ['disabledMcpjsonServers'], value: place.name },
    { path: [movedMark], value: markOf(server, place) },
  ]);
}

/** A rule that hides a moved server in one folder: the person switched it off there, or another one had its name. */
export function denyInProject(edits: EditCollector, world: World, project: string, part: string): void {
  addToLocalSettings(edits, world, project, 'keeps a server hidden where it was', [
    { path: ['permissions', 'deny'], value: `${pluginPrefix}${part}__*` },
  ]);
}

export function localSettings(project: string): string {
  return join(project, '.claude', 'settings.local.json');
}

function addToLocalSettings(
  edits: EditCollector,
  world: World,
  project: string,
  purpose: string,
  additions: readonly { path: string[]; value: string }[],
): void {
  const path = localSettings(project);
  const boundary = insideProject(project);
  for (const { path: at, value } of additions)
    edits.add({ path, boundary, purpose, op: { op: 'add', path: at, value } });
  if (realpathIfPresent(path) !== undefined) return;
  const exclude = excludeFor(world, project, path);
  if (!exclude) return;
  edits.add({
    ...{ path: exclude.file, boundary: { inside: join(exclude.file, '..', '..') }, format: 'text' as const },
    purpose: 'keeps git status as it is',
    op: { op: 'line', line: exclude.line },
  });
}

function silenceEverywhere(edits: EditCollector, world: World, server: PlannedServer, place: PlannedPlace): void {
  const path = userSettings(world);
  const warning = whoElseReads(path);
  const base = { path, boundary: { inside: world.home }, purpose: 'silences the names in every repository' };
  const values = { disabledMcpjsonServers: place.name, [movedMark]: markOf(server, place) };
  for (const [at, value] of Object.entries(values)) {
    edits.add({ ...base, op: { op: 'add', path: [at], value }, ...(warning ? { warning } : {}) });
  }
}

/** Folders of programs that carry files to other machines. */
const syncedFolder = /[\\/](?:Dropbox|OneDrive|Google ?Drive|Nextcloud|Syncthing|Mobile Documents|iCloud ?Drive)\b/i;

/** Why an edit of this file reaches further than this person on this machine. */
function whoElseReads(path: string): string | undefined {
  const real = realpathIfPresent(path) ?? path;
  const silent = 'other machines that get it are silenced too, also where this daemon is not';
  if (syncedFolder.test(real)) return `${real} lies in a folder that is synced: ${silent}`;
  const repository = findRepository(dirname(real));
  if (repository) return `${real} lies in the repository ${repository.top}: ${silent}`;
  return real === path ? undefined : `${path} is a link to ${real}: ${silent}`;
}

function markOf(server: PlannedServer, place: PlannedPlace): string {
  return `${place.name}=${server.name}`;
}

/** A repository's server keeps its name by an entry of the person's own for that folder. */
function keepLocally(edits: EditCollector, world: World, server: PlannedServer, place: PlannedPlace): void {
  edits.add({
    ...{
      path: claudeStatePath(world),
      boundary: { inside: world.home },
      purpose: 'keeps the name by an entry of its own',
    },
    op: {
      op: 'set',
      path: ['projects', place.project ?? '', 'mcpServers', place.name],
      value: wrapperEntryFor(world, 'claude-code', server.name),
    },
  });
}

/** With its own entry it must not stand in Claude Code's joint list as well. */
export function leaveJointList(edits: EditCollector, world: World, server: PlannedServer): void {
  edits.add({
    ...{
      path: userSettings(world),
      boundary: { inside: world.home },
      purpose: 'leaves the joint list, as it has its own entry',
    },
    op: { op: 'add', path: ['permissions', 'deny'], value: `${pluginPrefix}${server.part}__*` },
  });
}

export function userSettings(world: World): string {
  return join(claudeDir(world), 'settings.json');
}

export function addConfigEdit(edits: EditCollector, world: World, server: PlannedServer, known: unknown): void {
  const path = world.locations.configPath;
  const base = { path, boundary: { inside: world.locations.root }, purpose: 'our own list of servers' };
  const at = ['mcpServers', server.name];
  if (!server.isShared) {
    edits.add({ ...base, op: { op: 'set', path: at, value: configDefinition(server) } });
    return;
  }
  const projects = typeof known === 'object' && known !== null && 'projects' in known ? known.projects : undefined;
  if (!Array.isArray(projects)) return;
  if (server.projects === undefined) edits.add({ ...base, op: { op: 'remove', path: [...at, 'projects'] } });
  for (const project of server.projects ?? []) {
    edits.add({ ...base, op: { op: 'add', path: [...at, 'projects'], value: project } });
  }
}

export type ConfigInit = { entry: LaunchEntry; projects?: readonly string[] | undefined; shownAs?: string | undefined };

export function configDefinition({ entry, projects, shownAs }: ConfigInit): Record<string, unknown> {
  const { type, command, args, env, inheritEnv, cwd, url, headers, timeout } = entry;
  const isPlain = type === undefined || type === 'stdio';
  const definition = {
    ...(isPlain ? {} : { type }),
    ...{ command, args, env, inheritEnv: inheritEnv?.length ? inheritEnv : undefined, cwd, url, headers, timeout },
    ...(shownAs === undefined ? {} : { as: shownAs }),
    ...(projects ? { projects: [...projects] } : {}),
  };
  return Object.fromEntries(Object.entries(definition).filter(([, value]) => value !== undefined));
}
