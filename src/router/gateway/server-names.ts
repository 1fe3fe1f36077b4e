// By which names our own tools take a server, and who reaches the same one.
import { serverPart } from '../../config/qualified-name.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import type { ServerName } from '../../tools/gateway/gateway-tool.ts';
import type { SessionView } from '../views.ts';

/** The same for all that reach this server with the same values: its key in the catalog, which hides them. */
export function accessTo(view: SessionView, entry: ServerEntry): string | undefined {
  const resolution = view.resolution(entry);
  return resolution.ok ? resolution.snapshotKey : undefined;
}

/** What sessions see comes first: an entry's own name may be another one's shown name here. */
export function serverNames(entries: readonly ServerEntry[]): ServerName[] {
  const shown = new Set(entries.flatMap(({ shownName, shownSlug }) => [shownName, shownSlug]));
  return entries.map(({ name, slug, shownName, shownSlug }) => {
    const own = [name, slug].filter((one) => !shown.has(one));
    return { slug: shownSlug, names: [shownSlug, serverPart(shownSlug), shownName, ...own] };
  });
}
