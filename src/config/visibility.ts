// Which servers the sessions of a project see, and under which names. Moving a server to the config is not publishing it.
import { sep } from 'node:path';
import type { ServerEntry } from './server-entry.ts';

/** Enabled servers for that project. Of several with one shown name the one with the nearest folder counts. */
export function visibleServers(servers: readonly ServerEntry[], projectRoot: string): ServerEntry[] {
  const nearest = new Map<string, { entry: ServerEntry; distance: number }>();
  for (const entry of servers) {
    const distance = entry.enabled ? nearness(entry, projectRoot) : undefined;
    if (distance === undefined) continue;
    const known = nearest.get(entry.shownSlug);
    if (!known || known.distance < distance) nearest.set(entry.shownSlug, { entry, distance });
  }
  return servers.filter((entry) => nearest.get(entry.shownSlug)?.entry === entry);
}

/** By its own name, or by the one that sessions see. */
export function isNamed(entry: ServerEntry, name: string): boolean {
  return [entry.name, entry.slug, entry.shownName, entry.shownSlug].includes(name);
}

/** An entry whose name the same sessions would see twice, with no folder to decide between them. */
export function findDouble(entry: ServerEntry, others: readonly ServerEntry[]): ServerEntry | undefined {
  return others.find((other) => {
    if (other.shownSlug !== entry.shownSlug || !entry.enabled || !other.enabled) return false;
    if (entry.projects === undefined || other.projects === undefined) return entry.projects === other.projects;
    return entry.projects.some((folder) => other.projects?.includes(folder));
  });
}

/** Length of the folder that lets the project see it; 0: every folder; undefined: it does not. */
function nearness(entry: ServerEntry, projectRoot: string): number | undefined {
  if (entry.projects === undefined) return 0;
  const fitting = entry.projects.filter((folder) => isWithin(folder, projectRoot));
  return fitting.length === 0 ? undefined : Math.max(...fitting.map((folder) => folder.length));
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
