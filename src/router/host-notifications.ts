// What a host tells without waiting for an answer: to us, or to the servers that are its own.
import { stringAt, textAt } from '../base/json-scan.ts';
import { linkPrefix } from '../link/hello.ts';
import { memberAt, type NotificationEnvelope } from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import type { Session } from '../sessions/session.ts';
import type { Supervisor } from '../upstream/supervisor.ts';
import type { Lists } from './lists.ts';

export type HostNotificationsDeps = { lists: Lists; supervisor: () => Supervisor };

export class HostNotifications {
  readonly #deps: HostNotificationsDeps;

  constructor(deps: HostNotificationsDeps) {
    this.#deps = deps;
  }

  handle(session: Session, notification: NotificationEnvelope): void {
    const { method, line, params } = notification;
    switch (method) {
      case 'notifications/initialized':
        session.isInitialized = true;
        // After a reconnect the host still has what another daemon served.
        return this.#deps.lists.announceTo(session);
      case 'notifications/cancelled': {
        const id = memberAt(line, params, ['requestId']);
        const reason = stringAt(line, memberAt(line, params, ['reason']));
        if (id) session.requests.get(idKey(textAt(line, id)))?.cancel(reason);
        return;
      }
      default:
        return this.#passOn(session, notification);
    }
  }

  /** To what is its own: its MCP sessions with servers, and its single server. */
  #passOn(session: Session, { method, line }: NotificationEnvelope): void {
    if (method.startsWith(linkPrefix)) return;
    for (const instance of this.#deps.supervisor().all()) {
      const slot = instance.findSlot(session.id);
      const isOwn = slot?.owner === session.id || instance.identity.lifeId === session.identity.lifeId;
      if (slot && isOwn && slot.channel.era.hearsNotifications) slot.channel.send(line);
    }
  }
}
