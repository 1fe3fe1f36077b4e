// The sessions connected now.
import type { Session } from './session.ts';

export class Roster {
  readonly #sessions = new Map<string, Session>();

  add(session: Session): void {
    this.#sessions.set(session.id, session);
  }

  remove(session: Session): void {
    this.#sessions.delete(session.id);
  }

  /** By its id; by its life too, in whose name its jobs call servers. */
  find(id: string): Session | undefined {
    return this.#sessions.get(id) ?? this.findByLife(id);
  }

  /** A wrapper that reconnects while its old connection is not yet known to be dead. */
  findByLife(lifeId: string): Session | undefined {
    return [...this.#sessions.values()].find((session) => session.identity.lifeId === lifeId);
  }

  all(): Session[] {
    return [...this.#sessions.values()];
  }

  get size(): number {
    return this.#sessions.size;
  }
}
