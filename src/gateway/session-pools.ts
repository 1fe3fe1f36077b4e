// What each session found in mode dynamic: one pool for each, which outlives a daemon that is killed or replaced.

import type { SessionView } from '../calls/views.ts';
import { serverPart } from '../mcp/tool-name.ts';
import type { Session } from '../sessions/session.ts';
import { createDynamicPool, type DynamicPool, readPoolIds } from './dynamic-pool.ts';
import { poolLimits } from './limits.ts';
import type { ModesDeps } from './modes-deps.ts';
import { createSessionFiles, type SessionFiles } from './session-files.ts';

export class SessionPools {
  readonly #deps: ModesDeps;
  readonly #files: SessionFiles;
  readonly #pools = new Map<string, DynamicPool>();

  constructor(deps: ModesDeps) {
    this.#deps = deps;
    this.#files = createSessionFiles({ folder: deps.poolFolder, now: deps.now });
    this.#files.expire();
  }

  of({ identity: { scopeId } }: Session, view: SessionView): DynamicPool {
    const pool =
      this.#pools.get(scopeId) ?? createDynamicPool(poolLimits(this.#deps), readPoolIds(this.#files.load(scopeId)));
    this.#pools.set(scopeId, pool);
    // What a server has may not be known yet again; only what is known to be gone leaves the pool.
    const unknown = view.unknown.map(({ shownSlug }) => `${serverPart(shownSlug)}__`);
    pool.retain((id) => view.find('tools', id) !== undefined || unknown.some((part) => id.startsWith(part)));
    return pool;
  }

  save(session: Session, view: SessionView): void {
    this.#files.save(session.identity.scopeId, this.of(session, view).ids());
  }

  /** A tool that is called stays longer. */
  used(session: Session, id: string): void {
    this.#pools.get(session.identity.scopeId)?.use(id);
  }

  closeScope(scopeId: string): void {
    this.#pools.delete(scopeId);
    this.#files.forget(scopeId);
  }
}
