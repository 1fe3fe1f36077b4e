// resources/subscribe, counted: a server is asked once for a URI however many sessions want it, and again after a restart.
// One count for each MCP session with a server: over a pipe that is one for all, over HTTP one for each of ours.
import { AppError } from '../base/errors.ts';
import { stringAt, textAt } from '../base/json-scan.ts';
import type { Copy } from '../calls/copies.ts';
import { legacyNotificationEdits } from '../mcp/down-convert.ts';
import { memberAt, type NotificationEnvelope, type ResponseEnvelope, withEdits } from '../mcp/envelope.ts';
import { rpcCodes } from '../mcp/messages.ts';
import type { Roster } from '../sessions/roster.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';

/** JSON text of what the server answered. */
export type Subscribed = { result: string } | { error: string };

type Subscription = {
  /** Session id -> the URI as that session wrote it. */
  subscribers: Map<string, string>;
  asked: Promise<Subscribed>;
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
  async subscribe(session: Session, copy: Copy, uri: string, asWritten: string): Promise<Subscribed> {
    const uris = this.#urisOf(copy.instance, copy.slot);
    const known = uris.get(uri);
    const one = known ?? { subscribers: new Map<string, string>(), asked: Promise.resolve(done) };
    one.subscribers.set(session.id, asWritten);
    uris.set(uri, one);
    if (!known) one.asked = this.#ask(copy.slot, uris, uri);
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

  async unsubscribe(session: Session, { instance, slot }: Copy, uri: string): Promise<Subscribed> {
    const uris = this.#urisOf(instance, slot);
    const one = uris.get(uri);
    if (!one?.subscribers.delete(session.id) || one.subscribers.size > 0) return done;
    uris.delete(uri);
    return withdraw(slot, uris, uri);
  }

  /** A session left: what only it wanted is asked of nobody any more. */
  leave(sessionId: string, find: (key: string) => Instance | undefined): void {
    for (const [place, { key, owner, uris }] of this.#wanted) {
      for (const [uri, { subscribers }] of uris) {
        if (!subscribers.delete(sessionId) || subscribers.size > 0) continue;
        uris.delete(uri);
        for (const slot of find(key)?.slots() ?? []) {
          if (slot.owner === owner) withdraw(slot, uris, uri).catch(() => {}); // it is gone or forgot: the same to us
        }
      }
      if (uris.size === 0) this.#wanted.delete(place);
    }
  }

  /** After a restart of the copy: everything that is still wanted. */
  replay(instance: Instance, slot: Slot): void {
    const uris = this.#wanted.get(placeOf(instance, slot))?.uris;
    if (!uris || uris.size === 0) return;
    // A server that no longer knows the URI answers with an error: nothing to be done about it.
    if (slot.channel.isStateless) slot.channel.listening.wantUris(new Set(uris.keys())).catch(() => {});
    else for (const uri of uris.keys()) slot.channel.ask('resources/subscribe', { uri }).catch(() => {});
  }

  deliver(instance: Instance, slot: Slot, notification: NotificationEnvelope): void {
    const { line, params } = notification;
    const span = memberAt(line, params, ['uri']);
    const uri = stringAt(line, span);
    if (!span || uri === undefined) return;
    const own = slot.channel.isStateless ? legacyNotificationEdits(notification) : [];
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

  async #ask({ channel }: Slot, uris: Uris, uri: string): Promise<Subscribed> {
    if (!channel.isStateless) {
      return outcomeOf(await channel.ask('resources/subscribe', { uri }));
    }
    try {
      const told = await channel.listening.wantUris(new Set(uris.keys()));
      if (told.has(uri)) return done;
    } catch (error) {
      if (!(error instanceof AppError) || error.data?.['mayHaveRun'] !== undefined) throw error;
    }
    // What it was asked for before goes on without this one.
    const others = new Set([...uris.keys()].filter((other) => other !== uri));
    channel.listening.wantUris(others).catch(() => {});
    const message = `The server does not tell of changes of ${uri}.`;
    return { error: JSON.stringify({ code: rpcCodes.invalidParams, message, data: { uri } }) };
  }
}

const done: Subscribed = { result: '{}' };

function placeOf({ identity }: Instance, { owner }: Slot): string {
  return `${identity.key}\0${owner ?? ''}`;
}

async function withdraw({ channel }: Slot, uris: Uris, uri: string): Promise<Subscribed> {
  if (channel.isStateless) {
    channel.listening.wantUris(new Set(uris.keys())).catch(() => {}); // it told of nothing: the same to us
    return done;
  }
  return outcomeOf(await channel.ask('resources/unsubscribe', { uri }));
}

function outcomeOf({ line, result, error }: ResponseEnvelope): Subscribed {
  if (result) return { result: textAt(line, result) };
  return { error: error ? textAt(line, error) : '{"code":-32603,"message":"no result"}' };
}
