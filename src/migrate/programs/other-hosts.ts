// Claude Desktop, Cursor, VS Code, Codex, opencode, pi: their user files, and their files in the given folders.

import { insideProject, type World } from '../world.ts';
import type { Collected, Declared } from './declared.ts';
import { type ConnectableHost, hostIds, hosts } from './hosts.ts';
import { readServersOf } from './read-entries.ts';

export function collectOtherHosts(world: World, projects: readonly string[]): Collected {
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
