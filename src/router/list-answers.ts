// What comes of the questions for a server's lists: good ones are taken in, over an error what was known before stays.

import { AppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { usableTools } from '../calls/param-headers.ts';
import type { Catalog, FaceKeys } from '../catalog/catalog.ts';
import { ListError } from '../catalog/list-error.ts';
import type { Listing } from '../catalog/listing.ts';
import { emptyListing, faultsIn, type ServerFace, unknownListing } from '../catalog/server-face.ts';
import type { ListName } from '../mcp/lists.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';
import { problemOfList, saysNone } from './list-problem.ts';
import type { AskedAgain, ListPlace, ListRetries } from './list-retries.ts';
import type { Outcome, SlotLists } from './slot-lists.ts';

/** What is asked of one MCP session with a server, and how it is asked again. */
export type Asking = { instance: Instance; slot: Slot; lists: SlotLists; source: AskedAgain };

export type ListAnswersDeps = {
  catalog: Catalog;
  retries: ListRetries;
  keysOf: (instance: Instance, slot: Slot) => Required<FaceKeys>;
  /** Who can be asked in place of an MCP session that is gone. */
  revival: (asking: Asking, place: ListPlace) => AskedAgain | undefined;
  /** Lists differ from what was known. */
  onChanged: () => void;
  redact: (text: string) => string;
  log: Log;
};

/** `status` has the rest. */
const maxLogged = 20;

export class ListAnswers {
  readonly #deps: ListAnswersDeps;
  /** By server: the faults of its definitions that the log has. */
  readonly #told = new Map<string, string>();

  constructor(deps: ListAnswersDeps) {
    this.#deps = deps;
  }

  placeOf({ instance, slot }: Pick<Asking, 'instance' | 'slot'>, list: ListName): ListPlace {
    const { server, key: copy } = instance.identity;
    return { ...this.#deps.keysOf(instance, slot), server, copy, list };
  }

  /** A copy is ready: who it is counts now. */
  introduced(asking: Asking): void {
    this.#learn(asking, {});
  }

  /** What came of some questions, or did not. */
  take(asking: Asking, outcomes: ReadonlyMap<ListName, Outcome>): void {
    const former = this.#deps.catalog.faceOf(this.#deps.keysOf(asking.instance, asking.slot));
    const fresh: Partial<ServerFace['lists']> = {};
    for (const [list, outcome] of outcomes) {
      const listing = this.#listingIn(asking, list, { outcome, former: former?.lists[list] });
      if (listing) fresh[list] = listing;
    }
    this.#learn(asking, fresh);
  }

  /** undefined: what was known before stays. */
  #listingIn(
    asking: Asking,
    list: ListName,
    { outcome, former }: { outcome: Outcome; former: Listing | undefined },
  ): Listing | undefined {
    const { log, redact, retries, revival } = this.#deps;
    const { instance, slot } = asking;
    const { server } = instance.identity;
    const place = this.placeOf(asking, list);
    const usable = (listing: Listing) => (list === 'tools' ? usableTools(listing, slot) : listing);
    if ('listing' in outcome) {
      if (retries.listed(place)) log.info('lists.listed-again', { server, list });
      return usable(outcome.listing);
    }
    const { error } = outcome;
    if (saysNone(list, error, former)) {
      retries.listed(place);
      return emptyListing;
    }
    const isKnown = former !== undefined && former !== unknownListing;
    const wasStopped = error instanceof AppError && error.code === 'SERVER_STOPPED';
    // The end of a copy says nothing about its lists: they are asked for with the next start.
    if (wasStopped || (slot.channel.isLost && isKnown)) {
      retries.dropped(place);
      return undefined;
    }
    const problem = problemOfList(error, redact);
    const source = slot.channel.isLost ? revival(asking, place) : asking.source;
    if (retries.failed(place, problem, source)) {
      log.warn('lists.failed', { server, instance: instance.identity.id, list, reason: problem.reason });
    }
    const cut = error instanceof ListError ? error.cut : undefined;
    return cut && (!isKnown || former.items.length <= cut.items.length) ? usable(cut) : undefined;
  }

  #learn({ instance, slot }: Asking, fresh: Partial<ServerFace['lists']>): void {
    const { catalog, keysOf, log, onChanged } = this.#deps;
    const keys = keysOf(instance, slot);
    const isOther = catalog.faceOf(keys)?.introduction.raw !== slot.introduction.raw;
    if (!isOther && Object.keys(fresh).length === 0) return;
    const changed = catalog.learn(keys, slot.introduction, fresh);
    const isNews = changed.length > 0 || isOther;
    if (isNews || !this.#told.has(instance.identity.server)) {
      this.#tellFaults(instance.identity.server, catalog.faceOf(keys));
    }
    if (!isNews) return;
    const lists = changed.filter((list) => fresh[list]);
    if (lists.length > 0) log.info('lists.changed', { server: instance.identity.server, lists });
    onChanged();
  }
  /** Once for each state of them: a server may be started, and its lists be fetched, any number of times. */
  #tellFaults(server: string, face: ServerFace | undefined): void {
    const faults = face ? faultsIn(face) : [];
    const text = JSON.stringify(faults);
    const isTold = text === this.#told.get(server);
    this.#told.set(server, text);
    if (isTold || faults.length === 0) return;
    this.#deps.log.warn('definitions.faulty', { server, count: faults.length, faults: faults.slice(0, maxLogged) });
  }
}
