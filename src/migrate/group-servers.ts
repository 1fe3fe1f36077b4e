// Declarations of the same launch become one server with all its places.
import type { Declared, LaunchEntry } from './declared.ts';
import { portableEntry, specKey } from './launch-spec.ts';

export type Group = { id: string; entry: LaunchEntry; declared: Declared[] };

export function groupServers(servers: readonly Declared[], home: string): Group[] {
  const groups = new Map<string, Group>();
  for (const server of servers) {
    const entry = portableEntry(server, home);
    // What cannot be read is like nothing else, and is shown as it is.
    const id = server.invalid === undefined ? specKey(entry) : specKey({ command: JSON.stringify(server.place) });
    const group = groups.get(id) ?? { id: id.slice(0, 12), entry, declared: [] };
    group.declared.push(server);
    groups.set(id, group);
  }
  return [...groups.values()];
}

/** The name most of its places use; the person's own places count first. */
export function givenName(group: Group): string {
  const rank = { user: 0, local: 1, plugin: 2, project: 3 };
  const first = [...group.declared].sort((a, b) => rank[a.place.scope] - rank[b.place.scope])[0];
  return first?.place.name ?? '';
}
