// How the lists of a server become known: with each start of a copy, after each list_changed, and for servers that nobody
// has seen yet by starting one copy for all who wait.
import type { Log } from '../base/log.ts';
import type { Catalog, FaceKeys } from '../catalog/catalog.ts';
import { fetchFace } from '../catalog/server-face.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';
import { withoutUnusable } from './param-headers.ts';
import { faceKeys, type Views } from './views.ts';

export type LearningDeps = {
  catalog: Catalog;
  views: Views;
  acquire: (session: Session, entry: ServerEntry) => Promise<{ instance: Instance; slot: Slot }>;
  findSession: (id: string) => Session | undefined;
  /** Lists differ from what was known. */
  onChanged: () => void;
  log: Log;
};

export class Learning {
  readonly #deps: LearningDeps;
  /** The fetch of a copy's lists that its start began. */
  readonly #fetching = new WeakMap<Slot, Promise<void>>();
  /** By snapshot key: who is finding out for all of the same identity. */
  readonly #scouts = new Map<string, Promise<void>>();

  constructor(deps: LearningDeps) {
    this.#deps = deps;
  }

  /** Starts the session's copy if need be and waits until its lists are known. */
  async learn(session: Session, entry: ServerEntry): Promise<void> {
    const { slot } = await this.#deps.acquire(session, entry);
    await this.#fetching.get(slot);
  }

  /**
   * Waits until the lists are known from any copy of the same identity. Seven projects that open at once need one copy
   * of a server to list its tools, not seven.
   */
  async learnOnce(session: Session, entry: ServerEntry): Promise<void> {
    if (!session.hasValues) await session.valuesReady();
    const resolution = this.#deps.views.of(session).resolution(entry);
    if (!resolution.ok) throw resolution.error;
    const { snapshotKey } = resolution;
    const scout = this.#scouts.get(snapshotKey);
    if (scout) {
      await scout.catch(() => {}); // its failure may have been its project's own: try with ours
      if (this.#deps.catalog.faceOf({ snapshot: snapshotKey })) return this.#deps.views.invalidate(session);
    }
    const own = this.learn(session, entry).finally(() => this.#scouts.delete(snapshotKey));
    this.#scouts.set(snapshotKey, own);
    await own;
  }

  /** A copy is ready: its lists are compared with what was known. */
  started(instance: Instance, slot: Slot): void {
    const fetching = this.#fetch(instance, slot);
    this.#fetching.set(slot, fetching);
    fetching.catch((error: unknown) => this.#failed(instance, error));
  }

  /** A server says that a list changed. What changes while one fetch runs is seen by the next. Never rejects. */
  changed(instance: Instance, slot: Slot): Promise<void> {
    const running = this.#fetching.get(slot) ?? Promise.resolve();
    const next = running.catch(() => {}).then(() => this.#fetch(instance, slot));
    this.#fetching.set(slot, next);
    return next.catch((error: unknown) => this.#failed(instance, error));
  }

  async #fetch(instance: Instance, slot: Slot): Promise<void> {
    const former = this.#deps.catalog.faceOf(this.keysOf(instance, slot));
    const { server } = instance.identity;
    const fetched = await fetchFace(slot.channel, slot.introduction, former);
    const face = withoutUnusable(fetched, slot, this.#deps.log, server);
    const changed = this.#deps.catalog.learn(this.keysOf(instance, slot), face);
    if (changed.length === 0) return;
    this.#deps.log.info('lists.changed', { server, lists: changed });
    this.#deps.onChanged();
  }

  /** What one session is shown over its own MCP session belongs to that identity, whoever began the copy. */
  keysOf({ identity: { key, snapshotKey, server } }: Instance, { owner }: Slot): Required<FaceKeys> {
    const session = owner === undefined ? undefined : this.#deps.findSession(owner);
    const view = session && this.#deps.views.of(session);
    const entry = view?.servers.find(({ entry: { name } }) => name === server)?.entry;
    const resolution = entry && view?.resolution(entry);
    return resolution?.ok ? faceKeys(resolution) : { instance: key, snapshot: snapshotKey };
  }

  #failed({ identity: { server } }: Instance, error: unknown): void {
    this.#deps.log.warn('lists.not-refreshed', { server, error });
  }
}
