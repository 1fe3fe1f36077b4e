// Every server that any known program declares, with exact places. Reads only.
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { listFolder } from '../../base/list-folder.ts';
import { insideProject, type World } from '../world.ts';
import { collectClaudeCode } from './claude-code.ts';
import { collectClaudePlugins } from './claude-plugins.ts';
import { type ClaudeSettings, readClaudeSettings } from './claude-settings.ts';
import type { Collected, Declared } from './declared.ts';
import { type ConnectableHost, hostIds, hosts } from './hosts.ts';
import { isOwnAddress } from './http-access.ts';
import { readServersOf } from './read-entries.ts';

export type Sources = Collected & {
  settings: ClaudeSettings;
  /** Entries that lead to the daemon already. */
  own: Declared[];
};

export function collectSources(world: World, projects: readonly string[]): Sources {
  const settings = readClaudeSettings(world, projects);
  const parts = [
    collectClaudeCode(settings),
    collectClaudePlugins(world, settings),
    collectOtherHosts(world, settings.projects),
  ];
  const problems = [...settings.problems, ...parts.flatMap((part) => part.problems)];
  const seen = new Set<string>();
  const servers = parts.flatMap((part) => part.servers);
  return {
    settings,
    own: servers.filter((server) => isOurs(server, world)),
    servers: servers.filter((server) => !isOurs(server, world)),
    problems: problems.filter(({ file, reason }) => !seen.has(`${file}\0${reason}`) && seen.add(`${file}\0${reason}`)),
  };
}

/** Entries that lead to the daemon already. */
export function isOurs(server: Declared, world: World): boolean {
  if (isOwnAddress(server, world)) return true;
  const words = [server.entry.command ?? '', ...(server.entry.args ?? [])];
  return words.some(
    (word) => word === join(world.locations.binDir, 'run-mcp-proxy') || /[\\/]run-mcp-proxy(?:\.cmd)?$/.test(word),
  );
}

/** Deeper trees than this are dependencies, not repositories somebody works in. */
const maxScanDepth = 6;
const maxScannedFolders = 50_000;

/** Folders below `root` that hold a file one of the programs reads. Links are not followed. */
export function scanForProjects(root: string): string[] {
  const wanted = new Set([
    ...Object.values(hosts).flatMap((host) => host.projectFiles('').map((place) => place.file)),
    join('.claude', 'settings.local.json'),
  ]);
  const found: string[] = [];
  const queue: { folder: string; depth: number }[] = [{ folder: root, depth: 0 }];
  for (let visited = 0; visited < maxScannedFolders; visited += 1) {
    const next = queue.shift();
    if (!next) break;
    if ([...wanted].some((file) => isThere(join(next.folder, file)))) found.push(next.folder);
    if (next.depth >= maxScanDepth) continue;
    for (const name of foldersIn(next.folder)) queue.push({ folder: join(next.folder, name), depth: next.depth + 1 });
  }
  return found;
}

function foldersIn(folder: string): string[] {
  return listFolder(folder, maxScannedFolders)
    .entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map((entry) => entry.name);
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

// Claude Desktop, Cursor, VS Code, Codex, opencode, pi: their user files, and their files in the given folders.
function collectOtherHosts(world: World, projects: readonly string[]): Collected {
  const collected: Collected = { servers: [], problems: [] };
  const add = (found: Collected) => {
    collected.servers.push(...found.servers);
    collected.problems.push(...found.problems);
  };
  for (const host of hostIds.filter((id): id is Exclude<ConnectableHost, 'claude-code'> => id !== 'claude-code')) {
    for (const file of hosts[host].userFiles(world)) {
      add(readServersOf({ ...file, scope: 'user', boundary: { inside: world.home } }));
    }
    for (const project of projects) {
      for (const file of hosts[host].projectFiles(project)) {
        const found = readServersOf({ ...file, scope: 'project', boundary: insideProject(project), project });
        add({ ...found, servers: found.servers.map((server): Declared => ({ ...server, approval: 'pending' })) });
      }
    }
  }
  return collected;
}
