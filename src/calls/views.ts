// What each session sees, computed once until something changes.
import type { Catalog, CatalogView, FaceKeys, VisibleServer } from '../catalog/catalog.ts';
import type { JointList, Target } from '../catalog/joint-list.ts';
import { declares, type ServerFace, unknownListing } from '../catalog/server-face.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { isNamed, visibleServers } from '../config/visibility.ts';
import type { ListName } from '../mcp/lists.ts';
import type { Session } from '../sessions/session.ts';
import type { Asker, Resolution, Resolved } from '../upstream/resolve.ts';

export type SessionView = {
  servers: readonly VisibleServer[];
  /** Enabled servers of which nobody knows yet what they are there for: one has to be started to find out. */
  unknown: readonly ServerEntry[];
  /** Enabled servers of which nobody knows that list yet. */
  missing: (list: ListName) => readonly ServerEntry[];
  entry: (slug: string) => ServerEntry | undefined;
  resolution: (entry: ServerEntry) => Resolution;
  list: (list: ListName) => JointList;
  find: (list: ListName, name: string) => Target | undefined;
};

export type ViewsDeps = {
  catalog: Catalog;
  config: () => Config;
  resolve: (entry: ServerEntry, asker: Asker) => Resolution;
};

export class Views {
  readonly #deps: ViewsDeps;
  #known = new WeakMap<Session, SessionView>();

  constructor(deps: ViewsDeps) {
    this.#deps = deps;
  }

  /** Config, faces or variables changed: what was computed is void. */
  invalidate(session?: Session): void {
    if (session) this.#known.delete(session);
    else this.#known = new WeakMap();
  }

  of(session: Session): SessionView {
    let view = this.#known.get(session);
    if (!view) {
      view = this.#compute(session);
      this.#known.set(session, view);
    }
    return view;
  }

  #compute(session: Session): SessionView {
    const { catalog, config, resolve } = this.#deps;
    const entries = entriesFor(session, config().servers);
    const resolutions = new Map<ServerEntry, Resolution>();
    const resolution = (entry: ServerEntry): Resolution => {
      const known = resolutions.get(entry) ?? resolve(entry, askerOf(session));
      resolutions.set(entry, known);
      return known;
    };
    const servers = entries.map((entry): VisibleServer => {
      const resolved = resolution(entry);
      return { entry, face: catalog.faceOf(resolved.ok ? faceKeys(resolved) : {}) };
    });
    const bySlug = new Map(entries.map((entry) => [entry.shownSlug, entry]));
    const plain: CatalogView = { servers, alone: session.identity.server !== undefined };
    const lists = new Map<ListName, JointList>();
    const list = (name: ListName): JointList => {
      const joined = lists.get(name) ?? catalog.list(plain, name);
      lists.set(name, joined);
      return joined;
    };
    return {
      servers,
      unknown: servers.filter(({ face }) => mustStart(face)).map(({ entry }) => entry),
      missing: (name) =>
        servers.filter(({ face }) => !face || face.lists[name] === unknownListing).map(({ entry }) => entry),
      entry: (slug) => bySlug.get(slug),
      resolution,
      list,
      find: (name, wanted) => list(name).targets.get(wanted),
    };
  }
}

/**
 * For its tools a server is started by a session that only lists; where it has none, for what else it has. Not for a prompt
 * list that it refuses beside tools that are known: that is asked for where it runs already.
 */
export function mustStart(face: ServerFace | undefined): boolean {
  if (!face) return true;
  const { introduction, lists } = face;
  if (declares(introduction, 'tools')) return lists.tools === unknownListing;
  return lists.prompts === unknownListing || lists.resources === unknownListing;
}

export function askerOf(session: Session): Asker {
  const { id, lifeId, folder, projectRoot } = session.identity;
  return { id, lifeId, folder, projectRoot, values: session.values, baseline: session.baseline };
}

/**
 * A copy behind a pipe says the same to all. Over HTTP each session has its own headers, so what one identity was
 * shown is not another's: there the running face counts for the same identity only.
 */
export function faceKeys({ spec, instanceKey, snapshotKey }: Resolved): Required<FaceKeys> {
  const instance = spec.kind === 'stdio' ? instanceKey : `${instanceKey}/${snapshotKey}`;
  return { instance, snapshot: snapshotKey };
}

function entriesFor({ identity: { projectRoot, server } }: Session, servers: readonly ServerEntry[]): ServerEntry[] {
  const visible = visibleServers(servers, projectRoot);
  if (server === undefined) return visible;
  // What sessions see comes first: an entry's own name may be another one's shown name here.
  const shown = visible.find((entry) => entry.shownName === server || entry.shownSlug === server);
  const entry = shown ?? visible.find((one) => isNamed(one, server));
  return entry ? [entry] : [];
}
