// What each session found in mode dynamic: one pool for each, which outlives a daemon that is killed or replaced.

import { setTimeout as delay } from 'node:timers/promises';
import type { SessionView } from '../calls/views.ts';
import { serverPart } from '../mcp/tool-name.ts';
import type { Session } from '../sessions/session.ts';
import { createDynamicPool, type DynamicPool, readPoolIds } from './dynamic-pool.ts';
import { poolLimits } from './limits.ts';
import type { ModesDeps } from './modes-deps.ts';
import { createSessionFiles, type SessionFiles } from './session-files.ts';

/** A host that follows list_changed asks within milliseconds; one that does not must not wait long for its answer. */
const relistMs = 1_000;
const relistLookMs = 5;

export class SessionPools {
  readonly #deps: ModesDeps;
  readonly #files: SessionFiles;
  readonly #pools = new Map<string, DynamicPool>();

  constructor(deps: ModesDeps) {
    this.#deps = deps;
    this.#files = createSessionFiles({ folder: deps.poolFolder, now: deps.now });
    this.#files.expire();
  }

  of({ identity: { lifeId } }: Session, view: SessionView): DynamicPool {
    const pool =
      this.#pools.get(lifeId) ?? createDynamicPool(poolLimits(this.#deps), readPoolIds(this.#files.load(lifeId)));
    this.#pools.set(lifeId, pool);
    // What a server has may not be known yet again; only what is known to be gone leaves the pool.
    const unknown = view.unknown.map(({ shownSlug }) => `${serverPart(shownSlug)}__`);
    pool.retain((id) => view.find('tools', id) !== undefined || unknown.some((part) => id.startsWith(part)));
    return pool;
  }

  get topK(): number {
    return poolLimits(this.#deps).topK;
  }

  /** The next request to the model goes out with the answer: by then the host should have the new list. */
  async add(session: Session, ids: readonly string[], signal: AbortSignal) {
    const { announceTo, now, views } = this.#deps;
    const pool = this.of(session, views.of(session));
    const { added, evicted } = pool.retrieve(ids);
    if (added.length + evicted.length > 0) announceTo(session);
    this.#files.save(session.identity.lifeId, pool.ids());
    const size = pool.ids().length;
    const deadline = now() + relistMs;
    while (session.announced.has('tools') && !signal.aborted && now() < deadline) await delay(relistLookMs);
    return { added, evicted, size };
  }

  /** A tool that is called stays longer. */
  used(session: Session, id: string): void {
    this.#pools.get(session.identity.lifeId)?.use(id);
  }

  closeLife(lifeId: string): void {
    this.#pools.delete(lifeId);
    this.#files.forget(lifeId);
  }
}
