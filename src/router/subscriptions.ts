// resources/subscribe, counted: a server is asked once for a URI however many sessions want it, and again after a restart.
import { stringAt } from '../base/json-scan.ts';
import { memberAt, type NotificationEnvelope, withEdits } from '../mcp/envelope.ts';
import type { Roster } from '../sessions/roster.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';

/** Session id -> the URI as that session wrote it. */
type Subscribers = Map<string, string>;

export class Subscriptions {
  readonly #roster: Roster;
  readonly #maySee: (session: Session, instance: Instance) => boolean;
  /** By instance key: it stays the same over restarts of the copy. */
  readonly #wanted = new Map<string, Map<string, Subscribers>>();

  /** `maySee`: a reload can take a server away from a session that subscribed before. */
  constructor(roster: Roster, maySee: (session: Session, instance: Instance) => boolean) {
    this.#roster = roster;
    this.#maySee = maySee;
  }

  /** true: the server has to be asked; false: another session has done that. */
  add(instance: Instance, uri: string, sessionId: string, asWritten: string): boolean {
    const uris = this.#wanted.get(instance.identity.key) ?? new Map<string, Subscribers>();
    this.#wanted.set(instance.identity.key, uris);
    const subscribers = uris.get(uri) ?? new Map<string, string>();
    uris.set(uri, subscribers);
    const isFirst = subscribers.size === 0;
    subscribers.set(sessionId, asWritten);
    return isFirst;
  }

  /** true: nobody wants it any more, the server has to be told. */
  remove(instance: Instance, uri: string, sessionId: string): boolean {
    const uris = this.#wanted.get(instance.identity.key);
    const subscribers = uris?.get(uri);
    if (!uris || !subscribers?.delete(sessionId) || subscribers.size > 0) return false;
    uris.delete(uri);
    return true;
  }

  /** A session left: URIs that only it wanted, by copy. */
  leave(sessionId: string): { key: string; uri: string }[] {
    const orphaned: { key: string; uri: string }[] = [];
    for (const [key, uris] of this.#wanted) {
      for (const [uri, subscribers] of uris) {
        if (!subscribers.delete(sessionId) || subscribers.size > 0) continue;
        uris.delete(uri);
        orphaned.push({ key, uri });
      }
    }
    return orphaned;
  }

  /** After a restart of the copy: everything that is still wanted. */
  replay(instance: Instance, slot: Slot): void {
    for (const uri of this.#wanted.get(instance.identity.key)?.keys() ?? []) {
      // A server that no longer knows the URI answers with an error: nothing to be done about it.
      slot.channel.ask('resources/subscribe', { uri }).catch(() => {});
    }
  }

  deliver(instance: Instance, { line, params }: NotificationEnvelope): void {
    const span = memberAt(line, params, ['uri']);
    const uri = stringAt(line, span);
    if (!span || uri === undefined) return;
    for (const [sessionId, asWritten] of this.#wanted.get(instance.identity.key)?.get(uri) ?? []) {
      const edits = asWritten === uri ? [] : [{ at: span, with: JSON.stringify(asWritten) }];
      const session = this.#roster.find(sessionId);
      if (session && this.#maySee(session, instance)) session.send(withEdits(line, edits));
    }
  }
}
