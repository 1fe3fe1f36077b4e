// All that a session may see now: from running copies, else from the last known faces. Joins lists once for all
// sessions that see the same.

import type { ServerEntry } from '../config/server-entry.ts';
import { matchesWildcard } from '../config/wildcard.ts';
import { type ListName, listNames } from '../mcp/lists.ts';
import { serverPart } from '../mcp/tool-name.ts';
import type { Introduction } from '../upstream/handshake.ts';
import { type JointList, joinLists, type ListSource, type Target } from './joint-list.ts';
import type { Listing } from './listing.ts';
import { createListing, declares, emptyListing, type ServerFace, unknownListing } from './server-face.ts';
import type { Snapshots } from './snapshots.ts';

/** Keys under which a server's face may be known to one session. */
export type FaceKeys = { instance?: string; snapshot?: string };

export type VisibleServer = { entry: ServerEntry; face: ServerFace | undefined };

/** What one session sees; `alone`: a single server whose names stay as they are. */
export type CatalogView = { servers: readonly VisibleServer[]; alone: boolean };

/** Few views exist at a time: one for each set of projects. */
const maxJoined = 256;

export class Catalog {
  readonly #running = new Map<string, ServerFace>();
  readonly #snapshots: Snapshots;
  readonly #joined = new Map<string, JointList>();
  readonly #filtered = new WeakMap<Listing, Map<string, Listing>>();

  constructor(snapshots: Snapshots) {
    this.#snapshots = snapshots;
  }

  /** The face of the session's own copy, else the last one known under the same identity; list by list. */
  faceOf(keys: FaceKeys): ServerFace | undefined {
    const running = keys.instance === undefined ? undefined : this.#running.get(keys.instance);
    const isWhole = running && listNames.every((list) => running.lists[list] !== unknownListing);
    const last = isWhole || keys.snapshot === undefined ? undefined : this.#snapshots.find(keys.snapshot);
    if (!running || !last) return running ?? last;
    const { introduction, lists } = running;
    return faceWith(introduction, (list) => (lists[list] === unknownListing ? last.lists[list] : lists[list]));
  }

  /**
   * Takes in what a server said: who it is, and those of its lists that came whole. The others stay what they were.
   * Returns the lists that differ from what was known.
   */
  learn(keys: Required<FaceKeys>, introduction: Introduction, fresh: Partial<ServerFace['lists']>): ListName[] {
    const before = this.faceOf(keys);
    const face = faceWith(introduction, (list) => fresh[list] ?? before?.lists[list] ?? unknownListing);
    this.#running.set(keys.instance, face);
    this.#snapshots.save(keys.snapshot, face);
    return listNames.filter((list) => before?.lists[list].digest !== face.lists[list].digest);
  }

  /** Whether what is known is of before that moment. */
  isOlderThan({ snapshot }: Required<FaceKeys>, ms: number): boolean {
    const savedAt = this.#snapshots.savedAt(snapshot);
    return savedAt !== undefined && savedAt < ms;
  }

  /** The copy is gone for good (its config changed): what it offered is no longer true. */
  forget(instanceKey: string): void {
    this.#running.delete(instanceKey);
  }

  list(view: CatalogView, list: ListName): JointList {
    const sources = view.servers.map((server) => this.#sourceOf(server, list, view.alone));
    const key = [
      list,
      view.alone,
      ...sources.map(({ slug, listing, isAlwaysLoaded }) => `${slug}:${listing.digest}:${isAlwaysLoaded}`),
    ].join('|');
    let joined = this.#joined.get(key);
    if (!joined) {
      // Old ones are of servers that changed since.
      if (this.#joined.size >= maxJoined) this.#joined.clear();
      joined = joinLists(list, sources);
      this.#joined.set(key, joined);
    }
    return joined;
  }

  /** The server and its own name for a qualified tool or prompt name, or for a resource URI. */
  find(view: CatalogView, list: ListName, name: string): Target | undefined {
    return this.list(view, list).targets.get(name);
  }

  #sourceOf({ entry, face }: VisibleServer, list: ListName, alone: boolean): ListSource {
    const listing = face?.lists[list] ?? emptyListing;
    return {
      slug: entry.shownSlug,
      part: alone ? undefined : serverPart(entry.shownSlug),
      listing: list === 'tools' ? this.#allowed(entry, listing) : listing,
      isAlwaysLoaded: entry.alwaysLoad,
    };
  }

  #allowed(entry: ServerEntry, listing: Listing): Listing {
    const { allow, deny } = entry.tools;
    if (!allow && deny.length === 0) return listing;
    const key = JSON.stringify([allow, deny]);
    const known = this.#filtered.get(listing) ?? new Map<string, Listing>();
    this.#filtered.set(listing, known);
    let result = known.get(key);
    if (!result) {
      result = createListing(listing.items.filter(({ name }) => isToolAllowed(entry, name)));
      known.set(key, result);
    }
    return result;
  }
}

/** What a server did not declare it has none of, whatever it was known for. */
function faceWith(introduction: Introduction, listing: (list: ListName) => Listing): ServerFace {
  const of = (list: ListName) => (declares(introduction, list) ? listing(list) : emptyListing);
  const lists = { tools: of('tools'), prompts: of('prompts'), resources: of('resources') };
  return { introduction, lists: { ...lists, resourceTemplates: of('resourceTemplates') } };
}

/** `tools.allow` and `tools.deny` of the config, with `*` for anything; deny wins. */
export function isToolAllowed(entry: ServerEntry, tool: string): boolean {
  const { allow, deny } = entry.tools;
  if (deny.some((pattern) => matchesWildcard(pattern, tool))) return false;
  return allow === undefined || allow.some((pattern) => matchesWildcard(pattern, tool));
}
