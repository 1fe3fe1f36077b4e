// Where every message meets: from a session to us or to a server, from a server to the session it belongs to.

import { steadyClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Copies } from '../calls/copies.ts';
import { createCallLimits, Forwarder } from '../calls/forward.ts';
import { HeldNames } from '../calls/held-names.ts';
import { InputRounds } from '../calls/input-rounds.ts';
import { ParamHeaders } from '../calls/param-headers.ts';
import { askedTool } from '../calls/routes.ts';
import { Views } from '../calls/views.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/load.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { Modes } from '../gateway/modes.ts';
import { type NotificationEnvelope, parseEnvelope, type RequestEnvelope } from '../mcp/envelope.ts';
import { sessionsEra } from '../mcp/eras/sessions-era.ts';
import { idKey } from '../mcp/id-key.ts';
import { type ListName, listOfMethod } from '../mcp/lists.ts';
import { errorLine, invalidLine, rpcCodes } from '../mcp/messages.ts';
import type { Roster } from '../sessions/roster.ts';
import type { Session } from '../sessions/session.ts';
import type { Instance } from '../upstream/instance.ts';
import type { Slot } from '../upstream/slot.ts';
import type { Supervisor } from '../upstream/supervisor.ts';
import type { TransportExit } from '../upstream/transports/transport.ts';
import { HostNotifications } from './host-notifications.ts';
import { HostRequests } from './host-requests.ts';
import { type FailedList, Learning } from './learning.ts';
import { Lists } from './lists.ts';
import { LogSetting } from './log-setting.ts';
import { Subscriptions } from './subscriptions.ts';
import { Tasks } from './tasks.ts';
import { UpstreamMessages } from './upstream-messages.ts';

export type RouterDeps = {
  config: () => Config;
  /** Why the file cannot be used, as a sentence: the config is then an older one, or none. */
  configTrouble: () => string | undefined;
  catalog: Catalog;
  roster: Roster;
  supervisor: () => Supervisor;
  /** Full results lie here; emptied at start. */
  spillFolder: string;
  poolFolder: string;
  jobFolder: string;
  /** A list went out to this session. */
  onServed: (session: Session) => void;
  onHazard: (instance: Instance, what: string) => void;
  /** A request came. `isExact`: what it asks for comes straight from the config. */
  beforeRequest: (isExact: boolean) => void;
  /** Words of servers, without what is secret. */
  redact: (text: string) => string;
  log: Log;
  now: () => number;
};

/** What a server says to have changed; another word for it may mean all. */
const listsOfChange: Readonly<Record<string, readonly ListName[]>> = {
  'notifications/tools/list_changed': ['tools'],
  'notifications/prompts/list_changed': ['prompts'],
  'notifications/resources/list_changed': ['resources', 'resourceTemplates'],
};

/** Servers announce changes in bursts; one refetch and one announcement for each. */
const announceDelayMs = 30;

export class Router {
  readonly views: Views;
  readonly forwarder: Forwarder;
  readonly modes: Modes;
  readonly #deps: RouterDeps;
  readonly #lists: Lists;
  readonly #subscriptions: Subscriptions;
  readonly #tasks = new Tasks();
  readonly #upstream: UpstreamMessages;
  readonly #logSetting: LogSetting;
  readonly #requests: HostRequests;
  readonly #notifications: HostNotifications;
  readonly #learning: Learning;
  #announceTimer: NodeJS.Timeout | undefined;

  constructor(deps: RouterDeps) {
    this.#deps = deps;
    this.views = new Views({
      catalog: deps.catalog,
      config: deps.config,
      resolve: (entry, asker) => deps.supervisor().resolve(entry, asker),
    });
    const copies = new Copies({ config: deps.config, supervisor: deps.supervisor, views: this.views });
    const paramHeaders = new ParamHeaders(deps.catalog);
    this.forwarder = new Forwarder({
      acquire: (session, entry) => copies.acquire(session, entry),
      findReady: (session, entry) => copies.findReady(session, entry),
      maxQueued: () => deps.config().daemon.maxQueued,
      maxConcurrent: createCallLimits(deps.config),
      onAnswered: ({ session, request, entry }, { identity }, answer) => {
        if (answer.error) return this.#upstream.noteRequired(session, answer);
        const owner = { lifeId: session.identity.lifeId, server: entry.shownSlug };
        this.#tasks.note(identity.key, owner, request, answer);
      },
      rounds: new InputRounds({ findSession: (id) => deps.roster.find(id) }),
      headersFor: (forward, instance, slot) =>
        paramHeaders.of(forward, slot, () => this.#learning.keysOf(instance, slot)),
      isReshaped: ({ request, edits }, instance, slot) => {
        const tools = deps.catalog.faceOf(this.#learning.keysOf(instance, slot))?.lists.tools;
        const name = tools?.isNewer ? askedTool(request, edits) : undefined;
        return tools?.items.find((item) => item.name === name)?.faults?.isNewer === true;
      },
      relearn: (slot) => this.#learning.changed(slot, ['tools'], true),
      now: deps.now,
    });
    this.#learning = new Learning({
      catalog: deps.catalog,
      views: this.views,
      acquire: (session, entry) => copies.acquire(session, entry),
      findSlot: (session, entry) => copies.findSlot(session, entry),
      findSession: (id) => deps.roster.find(id),
      onChanged: () => this.refresh(),
      findUser: (instance) =>
        [...deps.supervisor().usersOf(instance)].flatMap((id) => deps.roster.find(id) ?? []).at(0),
      redact: deps.redact,
      log: deps.log,
      clock: steadyClock,
    });
    const heldNames = new HeldNames();
    this.modes = new Modes({
      ...deps,
      heldNames,
      views: this.views,
      forwarder: this.forwarder,
      learn: (session, entry) => this.#learning.learnOnce(session, entry, 'tools'),
      announceTo: (session) => this.#lists.announceTo(session),
    });
    this.#lists = new Lists({
      views: this.views,
      learning: this.#learning,
      onServed: deps.onServed,
      sessions: () => deps.roster.all(),
      offer: this.modes,
      heldNames,
      configTrouble: deps.configTrouble,
      now: deps.now,
    });
    const maySee = (session: Session, { identity: { server } }: Instance) =>
      this.views.of(session).servers.some(({ entry }) => entry.name === server);
    this.#subscriptions = new Subscriptions(deps.roster, maySee);
    this.#upstream = new UpstreamMessages({
      roster: deps.roster,
      usersOf: (instance) => deps.supervisor().usersOf(instance),
      taskOwner: (instance, message) => this.#tasks.ownerOf(instance.identity.key, message),
      maySee,
      onListChanged: (slot, method) => void this.#learning.changed(slot, listsOfChange[method]),
      onResourceUpdated: (...message) => this.#subscriptions.deliver(...message),
      onHazard: deps.onHazard,
      log: deps.log,
    });
    this.#logSetting = new LogSetting({
      levels: () => deps.roster.all().map(({ logLevel }) => logLevel),
      copies: () => deps.supervisor().all(),
    });
    this.#notifications = new HostNotifications({ lists: this.#lists, supervisor: deps.supervisor });
    this.#requests = new HostRequests({
      views: this.views,
      copies,
      forwarder: this.forwarder,
      learning: this.#learning,
      lists: this.#lists,
      modes: this.modes,
      heldNames,
      subscriptions: this.#subscriptions,
      tasks: this.#tasks,
      logSetting: this.#logSetting,
      configTrouble: deps.configTrouble,
      log: deps.log,
    });
  }

  /** One line from a host. Never throws: what goes wrong with it is its own answer. */
  handle(session: Session, line: Buffer): void {
    const envelope = parseEnvelope(line);
    switch (envelope.kind) {
      case 'invalid':
        return session.send(invalidLine(envelope));
      case 'response':
        // Unknown: a question that was withdrawn, or one of a daemon before this one.
        return void session.answer(envelope);
      case 'notification':
        return this.#notifications.handle(session, envelope);
      case 'request':
        return this.#requested(session, envelope);
    }
  }

  /** Starts the session's copy if need be and waits until it has answered for its tools. */
  learn(session: Session, entry: ServerEntry): Promise<void> {
    return this.#learning.learn(session, entry);
  }

  /** Resolves when a copy that runs has answered for its tools. */
  async listed(instance: Instance): Promise<void> {
    await Promise.all(instance.slots().map((slot) => this.#learning.settled(slot)));
  }

  /** What a wrapper answers in our place while no daemon is there: it begins with a handshake. */
  readyList(session: Session, list: ListName): { result: Buffer; etag: string } {
    const { result, etag } = this.modes.list(session, list) ?? this.views.of(session).list(list);
    return { result: this.#lists.readable(session, sessionsEra, { list, result }), etag };
  }

  /** Config or variables changed: views are computed anew and sessions told what differs. */
  refresh(session?: Session): void {
    this.views.invalidate(session);
    this.#announceSoon();
  }

  /**
   * Servers that came while sessions are open: nobody knows their lists, so no session's lists differ and none would ask.
   * One session that sees such a server makes it known for all.
   */
  learnNew(names: readonly string[]): void {
    if (names.length > 0) this.#lists.expectNew();
    const pending = new Set(names);
    for (const session of this.#deps.roster.all()) {
      for (const entry of this.views.of(session).unknown) {
        // What cannot start has nothing to list: status tells, and the first call does.
        if (pending.delete(entry.name)) this.#learning.learnOnce(session, entry, 'tools').catch(() => {});
      }
    }
  }

  /** Lists of a server that cannot be had now. */
  failedLists(server: string): FailedList[] {
    return this.#learning.failuresOf(server, (copy) => this.#deps.supervisor().find(copy) !== undefined);
  }

  /** A person logged in: what the server refused so far can be asked for now. */
  loggedIn(server: string): void {
    for (const instance of this.#deps.supervisor().ofServer(server))
      for (const slot of instance.slots()) void this.#learning.changed(slot, undefined, true);
    this.learnNew([server]);
  }

  sessionEnded(session: Session): void {
    this.modes.sessionEnded(session);
    this.#subscriptions.leave(session.id, (key) => this.#deps.supervisor().find(key));
    void this.#logSetting.apply();
  }

  // Events of instances.

  onReady = (instance: Instance, slot: Slot): void => {
    this.#learning.started(instance, slot);
    this.#subscriptions.replay(instance, slot);
    this.#logSetting.started(slot);
  };

  onServerRequest = (instance: Instance, slot: Slot, request: RequestEnvelope, stream: string | undefined): void =>
    this.#upstream.onRequest(instance, slot, request, stream);

  onServerNotification = (
    instance: Instance,
    slot: Slot,
    message: NotificationEnvelope,
    stream: string | undefined,
  ): void => this.#upstream.onNotification(instance, slot, message, stream);

  onExit = (_instance: Instance, slot: Slot, _exit: TransportExit): void => {
    this.#learning.ended(slot);
    this.#upstream.onExit(slot);
  };

  #requested(session: Session, request: RequestEnvelope): void {
    try {
      this.#deps.beforeRequest(listOfMethod(request.method) !== undefined || request.method === 'initialize');
      this.#requests.handle(session, request);
    } catch (error) {
      // A defect of ours: this request learns it, nothing else does.
      this.#deps.log.error('request.failed', { method: request.method, error });
      session.requests.get(idKey(request.idText))?.cancel(undefined);
      session.send(errorLine(request.idText, rpcCodes.internal, `${request.method} failed inside mcp-proxy.`));
    }
  }

  #announceSoon(): void {
    if (this.#announceTimer) return;
    this.#announceTimer = setTimeout(() => {
      this.#announceTimer = undefined;
      this.#lists.announce();
    }, announceDelayMs);
  }
}
