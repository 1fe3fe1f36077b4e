// What servers say by themselves: whose it is, and the way there. What belongs to nobody for sure goes to nobody.

import { cutChars } from '../base/cut-text.ts';
import { arrayElements, isArrayAt, textAt } from '../base/json-scan.ts';
import type { Log } from '../base/log.ts';
import { capabilityOf, ownRoots, whyUnable } from '../calls/abilities.ts';
import { linkPrefix } from '../link/hello.ts';
import {
  memberAt,
  type NotificationEnvelope,
  type RequestEnvelope,
  type ResponseEnvelope,
  withEdits,
} from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import { declinedLine, errorLine, resultLine, rpcCodes } from '../mcp/messages.ts';
import type { Roster } from '../sessions/roster.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';
import { isLoud } from './log-setting.ts';

export type UpstreamMessagesDeps = {
  roster: Roster;
  /** Sessions that have used the copy. */
  usersOf: (instance: Instance) => ReadonlySet<string>;
  maySee: (session: Session, instance: Instance) => boolean;
  /** Session (or its life) whose task the message is about, if it is about one. */
  taskOwner: (instance: Instance, message: RequestEnvelope | NotificationEnvelope) => string | undefined;
  onListChanged: (slot: Slot, method: string) => void;
  onResourceUpdated: (instance: Instance, slot: Slot, notification: NotificationEnvelope) => void;
  /** Something could not be attributed: kept as evidence against sharing. */
  onHazard: (instance: Instance, what: string) => void;
  log: Log;
};

/** A question of a server that waits for a host, so that it can be withdrawn. */
type OpenAsk = { session: Session; askId: string };

export class UpstreamMessages {
  readonly #deps: UpstreamMessagesDeps;
  readonly #asks = new WeakMap<Slot, Map<string, OpenAsk>>();
  readonly #elicitations = new Map<string, string>();

  constructor(deps: UpstreamMessagesDeps) {
    this.#deps = deps;
  }

  onRequest(instance: Instance, slot: Slot, request: RequestEnvelope, stream: string | undefined): void {
    if (request.method === 'ping') return slot.channel.send(resultLine(request.idText, '{}'));
    const isRoots = request.method === 'roots/list';
    // It may keep what it is told and go by that for all of them: none is what nobody has too much with.
    const isForAll = isRoots && instance.identity.spansFolders === true && slot.owner === undefined;
    if (isForAll) return slot.channel.send(resultLine(request.idText, '{"roots":[]}'));
    const projectRoots = isRoots ? ownRoots(instance, undefined) : undefined;
    if (projectRoots !== undefined) return slot.channel.send(resultLine(request.idText, projectRoots));
    const owner = this.#ownerOf(instance, slot, request, stream);
    if (owner === 'ambiguous') return this.#refuse(instance, slot, request);
    const sessionRoots = isRoots ? ownRoots(instance, owner) : undefined;
    if (sessionRoots !== undefined) return slot.channel.send(resultLine(request.idText, sessionRoots));
    if (owner === undefined) return slot.channel.send(declinedLine(request, 'no session has a call under way'));
    const related = slot.channel.relatedTo(owner.id, stream);
    const refusal = whyUnable(owner, request);
    if (refusal === undefined) return this.#relay(slot, request, owner, related);
    const lack = capabilityOf[request.method];
    if (related !== undefined && lack !== undefined) owner.requests.get(related)?.noteLack?.(lack);
    slot.channel.send(declinedLine(request, refusal));
  }

  onNotification(instance: Instance, slot: Slot, notification: NotificationEnvelope, stream: string | undefined): void {
    const { method } = notification;
    // Names of the link itself: a server must not speak to our wrapper.
    if (method.startsWith(linkPrefix)) return;
    if (method.endsWith('/list_changed')) return this.#deps.onListChanged(slot, method);
    if (method === 'notifications/resources/updated') return this.#deps.onResourceUpdated(instance, slot, notification);
    if (method === 'notifications/cancelled') return this.#withdraw(slot, notification);
    if (method === 'notifications/elicitation/complete') return this.#elicitationDone(notification);
    const owner = this.#ownerOf(instance, slot, notification, stream);
    if (owner === 'ambiguous' || owner === undefined) {
      this.#deps.log.debug('server.notification-of-nobody', { server: instance.identity.server, method });
      // A log line costs nobody anything by going to the server's log alone; anything else had a receiver.
      if (owner === 'ambiguous' && method !== 'notifications/message')
        this.#deps.onHazard(instance, `${shown(method)} could belong to several sessions`);
      return;
    }
    if (method === 'notifications/message' && !isLoud(notification, owner.logLevel)) return;
    owner.send(notification.line, slot.channel.relatedTo(owner.id, stream));
  }

  /** The server is gone: hosts need not answer its questions any more. */
  onExit(slot: Slot): void {
    for (const { session, askId } of this.#asks.get(slot)?.values() ?? []) {
      if (session.forgetAsk(askId)) this.#cancelAsk(session, askId, 'the server ended');
    }
    this.#asks.delete(slot);
  }

  /** The session that a message belongs to: by its stream, by its own MCP session, else the only one with a call. */
  #ownerOf(
    instance: Instance,
    slot: Slot,
    message: RequestEnvelope | NotificationEnvelope,
    stream: string | undefined,
  ): Session | 'ambiguous' | undefined {
    const { roster, usersOf, taskOwner } = this.#deps;
    const byTask = taskOwner(instance, message);
    if (byTask !== undefined) return roster.find(byTask);
    const named = stream === undefined ? slot.owner : (slot.channel.ownerOf(Number(stream)) ?? slot.owner);
    if (named !== undefined) return roster.find(named);
    const owners = [...slot.channel.owners().keys()];
    if (owners.length > 1) return 'ambiguous';
    if (owners[0] !== undefined) return roster.find(owners[0]);
    const users = [...usersOf(instance)];
    const only = users.length === 1 && users[0] !== undefined ? roster.find(users[0]) : undefined;
    return only && this.#deps.maySee(only, instance) ? only : undefined;
  }

  #refuse(instance: Instance, slot: Slot, request: RequestEnvelope): void {
    const what = `${shown(request.method)} while several sessions had calls under way`;
    this.#deps.onHazard(instance, what);
    const hint = 'set "onAmbiguous": "serialize" or "sharing": "session" for this server';
    slot.channel.send(errorLine(request.idText, rpcCodes.unavailable, `Refused: ${what}; ${hint}.`));
  }

  #relay(slot: Slot, request: RequestEnvelope, session: Session, related: string | undefined): void {
    const askId = session.nextAskId();
    const asks = this.#asks.get(slot) ?? new Map<string, OpenAsk>();
    this.#asks.set(slot, asks.set(idKey(request.idText), { session, askId }));
    this.#noteElicitation(request, session);
    void session.expectAnswer(askId).then((answer) => {
      asks.delete(idKey(request.idText));
      if (answer) slot.channel.send(withEdits(answer.line, [{ at: answer.id, with: request.idText }]));
      else slot.channel.send(declinedLine(request, 'the session ended'));
    });
    session.send(withEdits(request.line, [{ at: request.id, with: askId }]), related);
  }

  #withdraw(slot: Slot, { line, params }: NotificationEnvelope): void {
    const id = memberAt(line, params, ['requestId']);
    const ask = id && this.#asks.get(slot)?.get(idKey(textAt(line, id)));
    if (!id || !ask?.session.forgetAsk(ask.askId)) return;
    this.#asks.get(slot)?.delete(idKey(textAt(line, id)));
    ask.session.send(withEdits(line, [{ at: id, with: ask.askId }]));
  }

  #cancelAsk(session: Session, askId: string, reason: string): void {
    session.notify('notifications/cancelled', { requestId: JSON.parse(askId), reason });
  }

  /** URL elicitations end later, by a notification that names only their id. */
  #noteElicitation({ line, params }: RequestEnvelope, session: Session): void {
    const id = memberAt(line, params, ['elicitationId']);
    if (!id) return;
    if (this.#elicitations.size >= maxElicitations) this.#elicitations.clear();
    this.#elicitations.set(textAt(line, id), session.id);
  }

  /** A call that ended with "the person has to open this page first": the page's end is told to that session. */
  noteRequired(session: Session, { line, error }: ResponseEnvelope): void {
    const pages = memberAt(line, error, ['data', 'elicitations']);
    if (!isArrayAt(line, pages)) return;
    for (const page of arrayElements(line, pages)) {
      const id = memberAt(line, page, ['elicitationId']);
      if (id) this.#elicitations.set(textAt(line, id), session.id);
    }
  }

  #elicitationDone(notification: NotificationEnvelope): void {
    const id = memberAt(notification.line, notification.params, ['elicitationId']);
    const owner = id && this.#elicitations.get(textAt(notification.line, id));
    if (owner) this.#deps.roster.find(owner)?.send(notification.line);
  }
}

/** Evidence is kept and read again with each message like it. */
function shown(method: string): string {
  return cutChars(method, 100);
}

/** Forgotten beyond that: nobody has so many open browser pages. */
const maxElicitations = 10_000;
