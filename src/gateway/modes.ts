// How each session is shown its tools: all of them, six that find and call the others, or a search whose hits become
// tools. What that needs (index, store, jobs) is loaded with the first session that is not shown all.

import { AppError } from '../base/errors.ts';
import { askedName } from '../calls/routes.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { RequestEnvelope } from '../mcp/envelope.ts';
import { idKey } from '../mcp/id-key.ts';
import type { ListName } from '../mcp/lists.ts';
import { appErrorToolResult, errorLine, rpcCodes } from '../mcp/messages.ts';
import type { SentKind } from '../sessions/result-ledger.ts';
import type { Session } from '../sessions/session.ts';
import type { Answer } from '../upstream/channel-request.ts';
import { type ChosenMode, chooseMode, isShielded, type Mode } from './choose-mode.ts';
import type { Gateway } from './gateway.ts';
import type { ModesDeps } from './modes-deps.ts';
import { type Offers, ownInstructions } from './offers.ts';

/** A wrapper whose connection broke is back within a second; an HTTP program may take longer. */
const lifeLingerMs = 10_000;

export class Modes implements Offers {
  readonly #deps: ModesDeps;
  readonly #chosen = new Map<string, ChosenMode>();
  readonly #left = new Map<string, number>();
  #loading: Promise<Gateway> | undefined;
  #gateway: Gateway | undefined;

  constructor(deps: ModesDeps) {
    this.#deps = deps;
  }

  /** Fixed for the session's life once its program and the number of its tools are known. */
  modeOf(session: Session): Mode {
    return this.choiceOf(session).mode;
  }

  choiceOf(session: Session): ChosenMode {
    const known = this.#chosen.get(session.identity.lifeId);
    if (known) return known;
    const view = this.#deps.views.of(session);
    const choice = this.#choose(session, session.client?.name);
    const isFinal = choice.isByCount ? session.client !== undefined && view.unknown.length === 0 : true;
    if (isFinal && session.client !== undefined) this.#chosen.set(session.identity.lifeId, choice);
    return choice;
  }

  /** Whether a Claude Code session in its place would be shown the same: then its lists may be kept ready for others. */
  isTypical(session: Session): boolean {
    return this.#choose(session, 'claude-code').mode === this.modeOf(session);
  }

  // What lists.ts asks.

  async ready(session: Session): Promise<void> {
    if (this.#needsGateway(session)) await this.#load();
  }

  isOwn(session: Session, list: ListName): boolean {
    return list === 'tools' && this.choiceOf(session).isByCount === false && this.modeOf(session) !== 'all';
  }

  list(session: Session, list: ListName): { readonly result: Buffer; readonly etag: string } | undefined {
    const view = this.#deps.views.of(session);
    if (list !== 'tools' || !this.#needsGateway(session)) return view.list(list);
    return this.#gateway?.offer(session, view, this.modeOf(session));
  }

  instructions(session: Session): string {
    return instructionsOf[this.modeOf(session)];
  }

  // What router.ts asks.

  /** Takes a call of one of our own tools; false: it is a server's. */
  takeCall(session: Session, request: RequestEnvelope): boolean {
    if (request.method !== 'tools/call' || !this.#needsGateway(session)) return false;
    const name = askedName(request);
    if (name === undefined || !ownTools[this.modeOf(session)].has(name)) return false;
    session.noteCall();
    void this.#call(session, request, name);
    return true;
  }

  /** Who takes the outcome of a call in place of the host, where results are shortened. */
  outcomeTaker(
    session: Session,
    request: RequestEnvelope,
    entry: ServerEntry,
    name: string,
  ): ((outcome: Answer) => void) | undefined {
    if (request.method !== 'tools/call' || !this.#needsGateway(session)) return undefined;
    if (this.modeOf(session) === 'dynamic') this.#gateway?.used(session, name);
    if (!isShielded(entry, this.modeOf(session))) return undefined;
    return (outcome) => {
      const shorten = async () => (await this.#load()).shorten(session, request, { entry, name, outcome });
      void this.#answer(session, request, shorten);
    };
  }

  sessionEnded(session: Session): void {
    this.#left.set(session.identity.lifeId, this.#deps.now());
  }

  /** From one timer: sessions that did not come back lose what was kept for them; old results go. */
  sweep(): void {
    for (const [lifeId, leftAt] of this.#left) {
      const isBack = this.#deps.roster.findByLife(lifeId) !== undefined;
      if (!isBack && this.#deps.now() - leftAt <= lifeLingerMs) continue;
      this.#left.delete(lifeId);
      if (isBack) continue;
      this.#chosen.delete(lifeId);
      this.#gateway?.closeLife(lifeId);
    }
    this.#gateway?.expire();
  }

  get runningJobs(): number {
    return this.#gateway?.runningJobs ?? 0;
  }

  close(): void {
    this.#gateway?.close();
  }

  #choose(session: Session, client: string | undefined): ChosenMode {
    return chooseMode({
      isAlone: session.identity.server !== undefined,
      asked: session.identity.mode,
      client,
      settings: this.#deps.config().tools,
      countTools: () => this.#deps.views.of(session).list('tools').items.length,
    });
  }

  #needsGateway(session: Session): boolean {
    const mode = this.modeOf(session);
    if (mode !== 'all') return true;
    if (session.identity.server !== undefined) return false;
    // One check of a list that is mostly of a dozen entries, so that the common case costs nothing else.
    return this.#deps.views.of(session).servers.some(({ entry }) => entry.shield === true);
  }

  #load(): Promise<Gateway> {
    this.#loading ??= import('./gateway.ts').then(({ Gateway }) => {
      this.#gateway = new Gateway(this.#deps);
      return this.#gateway;
    });
    return this.#loading;
  }

  async #call(session: Session, request: RequestEnvelope, name: string): Promise<void> {
    const key = idKey(request.idText);
    const abort = new AbortController();
    const own = {
      method: request.method,
      cancel: (reason: string | undefined) => {
        session.requests.delete(key);
        abort.abort(new Error(reason ?? 'cancelled'));
      },
    };
    session.requests.set(key, own);
    await this.#answer(
      session,
      request,
      async () => {
        const gateway = await this.#load();
        return gateway.call({ session, request, name, signal: abort.signal });
      },
      abort.signal,
    );
    if (session.requests.get(key) === own) session.requests.delete(key);
  }

  /** Sends what `act` makes, or its failure as the model can read it, once. */
  async #answer(
    session: Session,
    request: RequestEnvelope,
    act: () => Promise<Buffer>,
    signal?: AbortSignal,
  ): Promise<void> {
    const { idText } = request;
    let line: Buffer;
    try {
      line = await act();
    } catch (error) {
      if (signal?.aborted) return;
      line = this.#failureLine(idText, error);
    }
    if (signal?.aborted) return;
    session.results.noteSent(sentKinds[askedName(request) ?? ''] ?? 'results', line, idText);
    session.send(line, idKey(idText));
  }

  #failureLine(idText: string, error: unknown): Buffer {
    if (error instanceof AppError) return appErrorToolResult(idText, error);
    this.#deps.log.error('gateway.failed', { error });
    return errorLine(idText, rpcCodes.internal, 'The call failed inside mcp-proxy.');
  }
}

const instructionsOf: Readonly<Record<Mode, string>> = {
  all: ownInstructions,
  gateway:
    'The tools of several MCP servers that all your sessions share are behind these: gateway_search finds tools by what you want to do, gateway_describe shows their arguments, gateway_invoke calls one. A tool id is <server>__<tool>. Use gateway_invoke_async for calls of minutes and gateway_invoke_status to look at them. A result that says it was shortened names the reference for gateway_get_result.',
  dynamic:
    'The tools of several MCP servers that all your sessions share are found by retrieve_tools: say what you want to do, and the tools it finds join your list. Found tools leave it when many others were found since; search again then. A result that says it was shortened names the reference for gateway_get_result.',
};

// By name, so that nobody needs the code of our own tools to know them.
const getResult = 'gateway_get_result';
const ownTools: Readonly<Record<Mode, ReadonlySet<string>>> = {
  /** Only where a server's results are shortened. */
  all: new Set([getResult]),
  gateway: new Set([
    'gateway_search',
    'gateway_describe',
    'gateway_invoke',
    'gateway_invoke_async',
    'gateway_invoke_status',
    getResult,
  ]),
  dynamic: new Set(['retrieve_tools', getResult]),
};

/** What their answers count as; a server's tool: as results. */
const sentKinds: Readonly<Record<string, SentKind>> = {
  gateway_search: 'searches',
  gateway_describe: 'searches',
  retrieve_tools: 'searches',
  gateway_invoke_async: 'jobs',
  gateway_invoke_status: 'jobs',
  [getResult]: 'fetched',
};
