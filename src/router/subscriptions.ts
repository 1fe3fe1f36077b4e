// resources/subscribe, counted: a server is asked once for a URI however many sessions want it, and again after a restart.
// One count for each MCP session with a server: over a pipe that is one for all, over HTTP one for each of ours.
import { stringAt } from '../base/json-scan.ts';
import type { Copy } from '../calls/copies.ts';
import { memberAt, type NotificationEnvelope, withEdits } from '../mcp/envelope.ts';
import type { Roster } from '../sessions/roster.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import { nothingToTell, type Watched, watchOf } from '../upstream/resource-watch.ts';
import type { Slot } from '../upstream/slot.ts';

type Subscription = {
  /** Session id -> the URI as that session wrote it. */
  subscribers: Map<string, string>;
  asked: Promise<Watched>;
};
type Uris = Map<string, Subscription>;

export class Subscriptions {
  readonly #roster: Roster;
  readonly #maySee: (session: Session, instance: Instance) => boolean;
  /** By instance key and owner of the MCP session: both stay the same over restarts of the copy. */
  readonly #wanted = new Map<string, { key: string; owner: string | undefined; uris: Uris }>();

  /** `maySee`: a reload can take a server away from a session that subscribed before. */
  constructor(roster: Roster, maySee: (session: Session, instance: Instance) => boolean) {
    this.#roster = roster;
    this.#maySee = maySee;
  }

  /** `asWritten`: the URI as the session knows it. Rejects with the loss of the server. */
  async subscribe(session: Session, copy: Copy, uri: string, asWritten: string): Promise<Watched> {
    const uris = this.#urisOf(copy.instance, copy.slot);
    const known = uris.get(uri);
    const one = known ?? { subscribers: new Map<string, string>(), asked: Promise.resolve(nothingToTell) };
    one.subscribers.set(session.id, asWritten);
    uris.set(uri, one);
    if (!known) one.asked = watchOf(copy.slot.channel).add(uri, () => uris.keys());
    const drop = () => {
      one.subscribers.delete(session.id);
      if (one.subscribers.size === 0 && uris.get(uri) === one) uris.delete(uri);
    };
    try {
      const answer = await one.asked;
      if ('error' in answer) drop();
      return answer;
    } catch (error) {
      drop();
      throw error;
    }
  }

  async unsubscribe(session: Session, { instance, slot }: Copy, uri: string): Promise<Watched> {
    const uris = this.#urisOf(instance, slot);
    const one = uris.get(uri);
    if (!one?.subscribers.delete(session.id) || one.subscribers.size > 0) return nothingToTell;
    uris.delete(uri);
    return watchOf(slot.channel).drop(uri, () => uris.keys());
  }

  /** A session left: what only it wanted is asked of nobody any more. */
  leave(sessionId: string, find: (key: string) => Instance | undefined): void {
    for (const [place, { key, owner, uris }] of this.#wanted) {
      for (const [uri, { subscribers }] of uris) {
        if (!subscribers.delete(sessionId) || subscribers.size > 0) continue;
        uris.delete(uri);
        for (const slot of find(key)?.slots() ?? []) {
          if (slot.owner !== owner) continue;
          const dropped = watchOf(slot.channel).drop(uri, () => uris.keys());
          dropped.catch(() => {}); // it is gone or forgot: the same to us
        }
      }
      if (uris.size === 0) this.#wanted.delete(place);
    }
  }

  /** After a restart of the copy: everything that is still wanted. */
  replay(instance: Instance, slot: Slot): void {
    const uris = this.#wanted.get(placeOf(instance, slot))?.uris;
    if (uris && uris.size > 0) watchOf(slot.channel).restore(() => uris.keys());
  }

  deliver(instance: Instance, slot: Slot, notification: NotificationEnvelope): void {
    const { line, params } = notification;
    const span = memberAt(line, params, ['uri']);
    const uri = stringAt(line, span);
    if (!span || uri === undefined) return;
    const own = slot.channel.era.noticeEdits(notification);
    const subscribers = this.#wanted.get(placeOf(instance, slot))?.uris.get(uri)?.subscribers ?? [];
    for (const [sessionId, asWritten] of subscribers) {
      const edits = asWritten === uri ? own : [...own, { at: span, with: JSON.stringify(asWritten) }];
      const session = this.#roster.find(sessionId);
      if (session && this.#maySee(session, instance)) session.send(withEdits(line, edits));
    }
  }

  #urisOf(instance: Instance, slot: Slot): Uris {
    const place = placeOf(instance, slot);
    const known = this.#wanted.get(place) ?? { key: instance.identity.key, owner: slot.owner, uris: new Map() };
    this.#wanted.set(place, known);
    return known.uris;
  }
}

function placeOf({ identity }: Instance, { owner }: Slot): string {
  return `${identity.key}\0${owner ?? ''}`;
}
