// What a host asks: answered here, or sent to the server whose matter it is.

import { AppError } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import { stringAt, textAt } from '../base/json-scan.ts';
import type { Log } from '../base/log.ts';
import { ownCommand } from '../base/own-command.ts';
import type { Copies } from '../calls/copies.ts';
import type { Forwarder } from '../calls/forward.ts';
import { type HeldNames, meaningOf, nameMoved } from '../calls/held-names.ts';
import { notRunError } from '../calls/not-run.ts';
import { askedName, findRoute, isRouted, listsOfName, mayOffer, type Route, undeclaredBy } from '../calls/routes.ts';
import type { Views } from '../calls/views.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { Modes } from '../gateway/modes.ts';
import { linkPrefix } from '../link/hello.ts';
import { memberAt, type RequestEnvelope } from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import { listOfMethod } from '../mcp/lists.ts';
import { appErrorLine, errorLine, failureLine, idInUse, resultLine, rpcCodes } from '../mcp/messages.ts';
import type { Session } from '../sessions/session.ts';
import type { Learning } from './learning.ts';
import { listWords } from './list-problem.ts';
import { type Lists, withoutConfig } from './lists.ts';
import type { LogSetting } from './log-setting.ts';
import type { Subscriptions } from './subscriptions.ts';
import { TaskRequests } from './task-requests.ts';
import type { Tasks } from './tasks.ts';

export type HostRequestsDeps = {
  views: Views;
  copies: Copies;
  forwarder: Forwarder;
  learning: Learning;
  lists: Lists;
  modes: Modes;
  heldNames: HeldNames;
  subscriptions: Subscriptions;
  tasks: Tasks;
  logSetting: LogSetting;
  configTrouble: () => string | undefined;
  log: Log;
};

export class HostRequests {
  readonly #deps: HostRequestsDeps;
  readonly #tasks: TaskRequests;

  constructor(deps: HostRequestsDeps) {
    this.#deps = deps;
    this.#tasks = new TaskRequests(deps);
  }

  /** Answered once, now or later; what goes wrong on the way is its answer. */
  handle(session: Session, request: RequestEnvelope): void {
    const { method, idText } = request;
    if (session.requests.has(idKey(idText))) {
      return session.send(errorLine(idText, rpcCodes.invalidRequest, idInUse(idText)));
    }
    if (method.startsWith(linkPrefix)) return session.send(unknownMethod(request));
    const refuser = undeclaredBy(session, this.#deps.views.of(session), method);
    if (refuser) return this.#deps.forwarder.forward({ session, request, entry: refuser, edits: [] });
    const list = listOfMethod(method);
    if (list) return this.#own(session, request, () => this.#deps.lists.serve(session, request, list));
    if (isRouted(method)) return this.#route(session, request);
    switch (method) {
      case 'initialize':
        return this.#own(session, request, () => this.#initialize(session, request));
      case 'ping':
        return session.send(resultLine(idText, '{}'));
      case 'logging/setLevel':
        return this.#own(session, request, (isWanted) => this.#deps.logSetting.set(session, request, isWanted));
      default:
        return method.startsWith('tasks/') ? this.#task(session, request) : this.#other(session, request);
    }
  }

  #task(session: Session, request: RequestEnvelope): void {
    if (!this.#tasks.isJointList(session, request)) return this.#tasks.forward(session, request);
    this.#own(session, request, () => this.#tasks.joint(session, request));
  }

  #initialize(session: Session, request: RequestEnvelope): Promise<void> {
    const { line, params } = request;
    const name = stringAt(line, memberAt(line, params, ['clientInfo', 'name'])) ?? 'unknown';
    const infoAt = memberAt(line, params, ['clientInfo']);
    const info: unknown = infoAt && JSON.parse(textAt(line, infoAt));
    const capabilities = memberAt(line, params, ['capabilities']);
    const declared: unknown = capabilities && JSON.parse(textAt(line, capabilities));
    session.client = {
      name,
      capabilities: isRecord(declared) ? declared : {},
      ...(isRecord(info) && typeof info['version'] === 'string' ? { info } : {}),
    };
    const asked = stringAt(line, memberAt(line, params, ['protocolVersion']));
    return this.#deps.lists.initialize(session, request, asked);
  }

  /**
   * A request that we answer ourselves, perhaps later; nothing that fails there reaches further. `isWanted` turns false
   * when the host cancels or ends.
   */
  #own(session: Session, request: RequestEnvelope, act: (isWanted: () => boolean) => Promise<void>): void {
    const key = idKey(request.idText);
    const own = { method: request.method, cancel: () => forget() };
    // What it became meanwhile (a forwarded call has the same id) is not ours to forget.
    const isWanted = () => session.requests.get(key) === own;
    const forget = () => {
      if (isWanted()) session.requests.delete(key);
    };
    session.requests.set(key, own);
    act(isWanted)
      .catch((error: unknown) => {
        this.#deps.log.error('request.failed', { method: request.method, error });
        session.send(errorLine(request.idText, rpcCodes.internal, `${request.method} failed inside mcp-proxy.`));
      })
      .finally(forget);
  }

  #route(session: Session, request: RequestEnvelope): void {
    if (this.#deps.modes.takeCall(session, request)) return;
    const view = this.#deps.views.of(session);
    const route = findRoute(session, view, request);
    if (route) return this.#send(session, request, route);
    const asked = askedName(request);
    const unlisted = new Set(listsOfName(request.method).flatMap((list) => view.missing(list)));
    const possible = asked === undefined ? [] : [...unlisted].filter((entry) => mayOffer(entry, request, asked));
    if (possible.length === 0) return session.send(this.#unknownTarget(request, asked));
    // The name may be of a server that has not spoken yet.
    this.#own(session, request, async (isWanted) => {
      const late = await this.#firstRoute(session, request, possible);
      if (!isWanted()) return;
      session.requests.delete(idKey(request.idText));
      if (late instanceof AppError) session.send(failureLine(request, late));
      else if (late) this.#send(session, request, late);
      else session.send(this.#unknownTarget(request, asked));
    });
  }

  /**
   * As soon as one of them turns out to have it: another that never starts must not hold this call. If none has it and
   * one could not start, its error says more than that the name is unknown.
   */
  #firstRoute(
    session: Session,
    request: RequestEnvelope,
    entries: readonly ServerEntry[],
  ): Promise<Route | AppError | undefined> {
    return new Promise((resolve) => {
      const lists = listsOfName(request.method);
      let left = entries.length * lists.length;
      let failure: AppError | undefined;
      const look = () => {
        left -= 1;
        const found = findRoute(session, this.#deps.views.of(session), request);
        if (found || left === 0) resolve(found ?? failure);
      };
      for (const [entry, list] of entries.flatMap((entry) => lists.map((list) => [entry, list] as const))) {
        this.#deps.learning.learnOnce(session, entry, list).then(look, (error: unknown) => {
          // A list that one server refuses says nothing about a URI, which may be anybody's.
          const isItsOwn = lists.length === 1 || !(error instanceof AppError && error.code === 'LIST_FAILED');
          if (error instanceof AppError && isItsOwn) failure ??= notRunError(entry.name, error);
          look();
        });
      }
    });
  }

  #send(session: Session, request: RequestEnvelope, route: Route): void {
    const moved = this.#moved(session, request, route);
    if (moved) return session.send(failureLine(request, moved));
    if (request.method === 'tools/call') session.noteCall();
    if (request.method === 'resources/subscribe' || request.method === 'resources/unsubscribe') {
      return this.#own(session, request, () => this.#subscribe(session, request, route));
    }
    const { entry, asked, edits, onAnswer } = route;
    const onOutcome = this.#deps.modes.outcomeTaker(session, request, entry, asked);
    const hooks = { ...(onAnswer ? { onAnswer } : {}), ...(onOutcome ? { onOutcome } : {}) };
    this.#deps.forwarder.forward({ session, request, entry, edits, ...hooks });
  }

  #moved(session: Session, request: RequestEnvelope, { entry, name, asked }: Route): AppError | undefined {
    const now = meaningOf(this.#deps.views.of(session), entry, name);
    const list = this.#deps.heldNames.movedIn(session, asked, now, listsOfName(request.method));
    if (list === undefined) return undefined;
    this.#deps.lists.announceMoved(session, list);
    return nameMoved(asked, `List the ${listWords[list]} again.`);
  }

  async #subscribe(session: Session, request: RequestEnvelope, { entry, name, asked }: Route): Promise<void> {
    try {
      const copy = await this.#deps.copies.acquire(session, entry);
      const { subscriptions } = this.#deps;
      const answer =
        request.method === 'resources/subscribe'
          ? await subscriptions.subscribe(session, copy, name, asked)
          : await subscriptions.unsubscribe(session, copy, name);
      const member = 'error' in answer ? `"error":${answer.error}` : `"result":${answer.result}`;
      session.send(Buffer.from(`{"jsonrpc":"2.0","id":${request.idText},${member}}`));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      session.send(appErrorLine(request.idText, error));
    }
  }

  #unknownTarget({ idText, method }: RequestEnvelope, name: string | undefined): Buffer {
    if (name === undefined) return errorLine(idText, rpcCodes.invalidParams, `${method}: the params name nothing.`);
    const why = withoutConfig(this.#deps.configTrouble());
    if (method === 'resources/read') {
      const message = [`Resource not found: ${name}`, why].filter((text) => text !== undefined).join('. ');
      return errorLine(idText, rpcCodes.resourceNotFound, message, { uri: name });
    }
    const kind = method === 'tools/call' ? 'tool' : method === 'prompts/get' ? 'prompt' : 'name';
    const message = `Unknown ${kind}: ${name}. ${why ?? `\`${ownCommand('status')}\` shows the servers.`}`;
    return errorLine(idText, rpcCodes.invalidParams, message, kind === 'tool' ? { code: 'TOOL_UNKNOWN' } : undefined);
  }

  /** A method that we do not know: a single server's own matter; of several nobody can say whose. */
  #other(session: Session, request: RequestEnvelope): void {
    const entry = session.identity.server === undefined ? undefined : this.#deps.views.of(session).servers[0]?.entry;
    if (entry && request.method !== 'server/discover')
      this.#deps.forwarder.forward({ session, request, entry, edits: [] });
    else session.send(unknownMethod(request));
  }
}

function unknownMethod({ idText, method }: RequestEnvelope): Buffer {
  return errorLine(idText, rpcCodes.methodNotFound, `Method not found: ${method}`);
}
