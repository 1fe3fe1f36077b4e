// The copy of a server that one session gets: the ready one without a detour, else after its start.
import { AppError } from '../base/errors.ts';
import { ownCommand } from '../base/own-command.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import { NotSentError } from '../upstream/instance-errors.ts';
import type { Slot } from '../upstream/slot.ts';
import type { Supervisor } from '../upstream/supervisor.ts';
import { askerOf, type Views } from './views.ts';

export type Copy = { instance: Instance; slot: Slot };
export type CopiesDeps = { config: () => Config; supervisor: () => Supervisor; views: Views };

export class Copies {
  readonly #deps: CopiesDeps;

  constructor(deps: CopiesDeps) {
    this.#deps = deps;
  }

  /** Waits for the session's variables and for the start. Rejects with an AppError. */
  async acquire(session: Session, asked: ServerEntry): Promise<Copy> {
    if (!session.hasValues) await session.valuesReady();
    for (;;) {
      try {
        return await this.#acquireNow(session, asked);
      } catch (error) {
        // That copy is gone for good, and another one has its place.
        if (!(error instanceof NotSentError) || !error.goesOn) throw error;
      }
    }
  }

  async #acquireNow(session: Session, asked: ServerEntry): Promise<Copy> {
    // Who waited may hold an entry of before a reload, which must not be started any more.
    const entry = this.#deps.config().servers.find(({ name, enabled }) => enabled && name === asked.name);
    if (!entry) throw takenAway(asked);
    const resolution = this.#deps.views.of(session).resolution(entry);
    try {
      return await this.#deps.supervisor().acquire(entry, askerOf(session), resolution);
    } catch (error) {
      // A server that turned out to serve one session only: this one has a copy of its own from now on.
      const again = this.#deps.views.of(session).resolution(entry);
      if (!resolution.ok || !again.ok || again.instanceKey === resolution.instanceKey) throw error;
      return this.#deps.supervisor().acquire(entry, askerOf(session), again);
    }
  }

  /** The open MCP session that the session would use, whether it is a user already or not. */
  findSlot(session: Session, entry: ServerEntry): Slot | undefined {
    const resolution = this.#deps.views.of(session).resolution(entry);
    if (!session.hasValues || !resolution.ok) return undefined;
    return this.#deps.supervisor().find(resolution.instanceKey)?.findSlot(session.id);
  }

  /** The copy if it is ready now and the session uses it already. */
  findReady(session: Session, entry: ServerEntry): Copy | undefined {
    const resolution = this.#deps.views.of(session).resolution(entry);
    if (!session.hasValues || !resolution.ok) return undefined;
    const instance = this.#deps.supervisor().find(resolution.instanceKey);
    const slot = instance?.state === 'ready' ? instance.findSlot(session.id) : undefined;
    // Its first call makes it a user of the copy, which acquire notes.
    const isUser = instance && this.#deps.supervisor().usersOf(instance).has(session.id);
    return instance && slot && isUser ? { instance, slot } : undefined;
  }
}

function takenAway({ name }: ServerEntry): AppError {
  return new AppError({
    code: 'SERVER_UNKNOWN',
    message: `Server "${name}" was removed or disabled meanwhile; the call was not sent.`,
    hint: `See what there is: ${ownCommand('list')}`,
    data: { mayHaveRun: false, retry: 'after-fix' },
  });
}
