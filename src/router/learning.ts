// How the lists of a server become known: with each start of a copy, after each list_changed, after pauses where they could
// not be had, and for servers that nobody has seen yet by starting one copy for all who wait.
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { faceKeys, mustStart, type Views } from '../calls/views.ts';
import type { Catalog, FaceKeys } from '../catalog/catalog.ts';
import { createListFetcher } from '../catalog/fetch-listing.ts';
import { programChangedAt } from '../catalog/program-age.ts';
import { declares, unknownListing } from '../catalog/server-face.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { type ListName, listNames } from '../mcp/lists.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';
import { type Asking, ListAnswers } from './list-answers.ts';
import { listFailed, problemOfList } from './list-problem.ts';
import { type AskedAgain, type ListPlace, ListRetries, type ListTrouble } from './list-retries.ts';
import { SlotLists } from './slot-lists.ts';

export type LearningDeps = {
  catalog: Catalog;
  views: Views;
  acquire: (session: Session, entry: ServerEntry) => Promise<{ instance: Instance; slot: Slot }>;
  /** The MCP session that this session would use, if it is open. */
  findSlot: (session: Session, entry: ServerEntry) => Slot | undefined;
  findSession: (id: string) => Session | undefined;
  /** One of the open sessions that use this copy. */
  findUser: (instance: Instance) => Session | undefined;
  /** Lists differ from what was known. */
  onChanged: () => void;
  redact: (text: string) => string;
  log: Log;
  clock: Clock;
};

/** `shown`: entries of the last good answer, if there was one. Times are from now. */
export type FailedList = { list: ListName; reason: string; forMs: number; inMs?: number; shown?: number };

/** Sessions that open together are one question. */
const freshMs = 2_000;

export class Learning {
  readonly #deps: LearningDeps;
  readonly #retries: ListRetries;
  readonly #answers: ListAnswers;
  readonly #asking = new WeakMap<Slot, Asking>();
  /** By snapshot key: who is finding out for all of the same identity. */
  readonly #scouts = new Map<string, Promise<SlotLists | undefined>>();

  constructor(deps: LearningDeps) {
    this.#deps = deps;
    this.#retries = new ListRetries(deps.clock);
    this.#answers = new ListAnswers({
      ...deps,
      retries: this.#retries,
      keysOf: (instance, slot) => this.keysOf(instance, slot),
      revival: (asking, place) => this.#revival(asking, place),
    });
  }

  /** Starts the session's copy if need be and waits until it has answered for its tools. */
  async learn(session: Session, entry: ServerEntry): Promise<void> {
    const { slot } = await this.#deps.acquire(session, entry);
    await this.settled(slot);
  }

  /** Resolves when what that copy is being asked for is answered, as far as its tools go. */
  async settled(slot: Slot): Promise<void> {
    await this.#asking.get(slot)?.lists.settled('tools');
  }

  /**
   * Waits until that list is known from any copy of the same identity; without a list, until the server has introduced
   * itself. Rejects when it cannot be had. Seven projects that open at once need one copy of a server to list its tools,
   * not seven.
   */
  async learnOnce(session: Session, entry: ServerEntry, list?: ListName): Promise<void> {
    if (!session.hasValues) await session.valuesReady();
    const resolution = this.#deps.views.of(session).resolution(entry);
    if (!resolution.ok) throw resolution.error;
    const keys = faceKeys(resolution);
    const scout = this.#scouts.get(keys.snapshot);
    if (scout) {
      // Its failure may have been its project's own: try with ours.
      await scout.then((lists) => list && lists?.settled(list)).catch(() => {});
      if (this.#isKnown({ snapshot: keys.snapshot }, list)) return this.#deps.views.invalidate(session);
    }
    const isStarted = mustStart(this.#deps.catalog.faceOf(keys));
    const lists = isStarted ? await this.#scout(session, entry, keys.snapshot) : this.#running(session, entry);
    if (list === undefined) return;
    if (!lists?.isAsking(list)) await this.#retries.nudge({ ...keys, list });
    await lists?.settled(list);
    const trouble = this.#isKnown(keys, list) ? undefined : this.#retries.troubleOf({ ...keys, list });
    if (trouble) throw listFailed(entry.name, list, trouble);
  }

  /** A session asks for a list: what its servers refused so far may be there now. Waits for nothing. */
  nudge(session: Session, list: ListName): void {
    if (session.served[list] === undefined) void this.#freshen(session, list);
    if (this.#retries.isEmpty) return;
    for (const { entry } of this.#deps.views.of(session).servers) {
      const keys = this.#keysFor(session, entry);
      if (keys) void this.#retries.nudge({ ...keys, list });
    }
  }

  /** How long a list that nobody knows is still worth waiting for. */
  patienceFor(session: Session, entry: ServerEntry, list: ListName): number {
    const keys = this.#keysFor(session, entry);
    return keys ? this.#retries.patienceFor({ ...keys, list }) : Number.POSITIVE_INFINITY;
  }

  /** Why nobody knows that list, as far as its server was asked. */
  troubleOf(session: Session, entry: ServerEntry, list: ListName): ListTrouble | undefined {
    const keys = this.#keysFor(session, entry);
    return keys && !this.#isKnown(keys, list) ? this.#retries.troubleOf({ ...keys, list }) : undefined;
  }

  /** What cannot be listed now. `isThere`: whether that copy is still anybody's. */
  failuresOf(server: string, isThere: (copy: string) => boolean): FailedList[] {
    const now = this.#deps.clock.now();
    return this.#retries.ofServer(server).flatMap(({ place, trouble }) => {
      if (!isThere(place.copy)) return [];
      const { list, reason, since, nextAt } = trouble;
      const listing = this.#deps.catalog.faceOf(place)?.lists[list] ?? unknownListing;
      return {
        ...{ list, reason, forMs: now - since },
        ...(nextAt === undefined ? {} : { inMs: Math.max(0, nextAt - now) }),
        ...(listing === unknownListing ? {} : { shown: listing.items.length }),
      };
    });
  }

  /** A copy is ready: who it is counts now, and its lists are compared with what was known. */
  started(instance: Instance, slot: Slot): void {
    const { introduction } = slot;
    const declared = listNames.filter((list) => declares(introduction, list));
    const fetch = createListFetcher(slot.channel, this.#deps.clock);
    const lists = new SlotLists(declared, {
      fetch: (list) => {
        this.#retries.asked(this.#answers.placeOf({ instance, slot }, list));
        return fetch(list);
      },
      take: (outcomes) => this.#answers.take(asking, outcomes),
      clock: this.#deps.clock,
    });
    const asking: Asking = { instance, slot, lists, source: { retry: (list) => lists.ask([list], true) } };
    this.#asking.set(slot, asking);
    this.#answers.introduced(asking);
    void lists.ask(declared);
  }

  /** A server says that lists changed, or they have to be seen anew. What changes while one runs is seen by the next. */
  async changed(slot: Slot, lists: readonly ListName[] = listNames, isUrgent = false): Promise<void> {
    await this.#asking.get(slot)?.lists.ask(lists, isUrgent);
  }

  ended(slot: Slot): void {
    const asking = this.#asking.get(slot);
    if (!asking) return;
    asking.lists.end();
    this.#retries.ended(asking.source);
  }

  /** What one session is shown over its own MCP session belongs to that identity, whoever began the copy. */
  keysOf({ identity: { key, snapshotKey, server } }: Instance, { owner }: Slot): Required<FaceKeys> {
    const session = owner === undefined ? undefined : this.#deps.findSession(owner);
    const entry = session && this.#deps.views.of(session).servers.find((one) => one.entry.name === server)?.entry;
    const keys = session && entry && this.#keysFor(session, entry);
    return keys ?? { instance: key, snapshot: snapshotKey };
  }

  /**
   * A session that opens: what runs is asked once more, since not every server says that it changed; what stopped is
   * started if its program is newer than what is known of it. The session is told what differs.
   */
  async #freshen(session: Session, list: ListName): Promise<void> {
    if (!session.hasValues) await session.valuesReady();
    const { catalog, findSlot, views } = this.#deps;
    for (const { entry, face } of views.of(session).servers) {
      const resolution = views.of(session).resolution(entry);
      if (!resolution.ok || mustStart(face)) continue;
      const slot = findSlot(session, entry);
      const lists = slot && this.#asking.get(slot)?.lists;
      if (lists?.isOlderThan(list, freshMs)) void lists.ask([list]);
      const { spec } = resolution;
      const keys = faceKeys(resolution);
      if (slot || spec.kind !== 'stdio' || list !== 'tools' || this.#scouts.has(keys.snapshot)) continue;
      const changedAt = programChangedAt({ command: spec.command ?? '', args: spec.args, cwd: resolution.cwd });
      if (changedAt === undefined || !catalog.isOlderThan(keys, changedAt)) continue;
      // Why it did not start is told when it is called, and in status.
      void this.#scout(session, entry, keys.snapshot).catch(() => {});
    }
  }

  #keysFor(session: Session, entry: ServerEntry): Required<FaceKeys> | undefined {
    const resolution = this.#deps.views.of(session).resolution(entry);
    return resolution.ok ? faceKeys(resolution) : undefined;
  }

  #isKnown(keys: FaceKeys, list: ListName | undefined): boolean {
    const face = this.#deps.catalog.faceOf(keys);
    return face !== undefined && (list === undefined || face.lists[list] !== unknownListing);
  }

  async #scout(session: Session, entry: ServerEntry, snapshotKey: string): Promise<SlotLists | undefined> {
    const own = this.#deps.acquire(session, entry).then(({ slot }) => this.#asking.get(slot)?.lists);
    this.#scouts.set(snapshotKey, own);
    const over = () => {
      if (this.#scouts.get(snapshotKey) === own) this.#scouts.delete(snapshotKey);
    };
    void own.then((lists) => lists?.settled()).then(over, over);
    return own;
  }

  #running(session: Session, entry: ServerEntry): SlotLists | undefined {
    const slot = this.#deps.findSlot(session, entry);
    return slot && this.#asking.get(slot)?.lists;
  }

  /**
   * A remote server that has forgotten the MCP session, as after a restart of it: while a session is open it is asked over a
   * new one. A process that died is not started for a list alone: that would make its deaths a crash loop.
   */
  #revival({ instance, slot }: Asking, place: ListPlace): AskedAgain | undefined {
    if (instance.isLocal) return undefined;
    const source: AskedAgain = {
      retry: async (list) => {
        const { findSession, findUser, views, redact } = this.#deps;
        const session = (slot.owner === undefined ? undefined : findSession(slot.owner)) ?? findUser(instance);
        const entry = session && views.of(session).servers.find((one) => one.entry.name === place.server)?.entry;
        if (!session || !entry) return this.#retries.ended(source);
        await this.learnOnce(session, entry, list).catch((error: unknown) => {
          const isOpen = this.#isKnown(place, list) || this.#retries.troubleOf(place)?.nextAt !== undefined;
          if (!isOpen) this.#retries.failed(place, problemOfList(error, redact), source);
        });
      },
    };
    return source;
  }
}
