// One call of one of our own tools while it runs, in the name of the session that makes it.
import { AppError } from '../base/errors.ts';
import { textAt } from '../base/json-scan.ts';
import type { Forwarder } from '../calls/forward.ts';
import { type HeldNames, meaningOf, nameMoved } from '../calls/held-names.ts';
import type { SessionView, Views } from '../calls/views.ts';
import { memberAt, type RequestEnvelope } from '../mcp/envelope.ts';
import type { ResultStore, SessionResults } from '../results/result-store.ts';
import type { ShieldPolicy } from '../results/shrink.ts';
import type { ToolDefinition } from '../search/tool-definition.ts';
import type { SearchOptions } from '../search/tool-index.ts';
import type { Session } from '../sessions/session.ts';
import { callTool } from './call-tool.ts';
import { type CallTarget, JobCalls, type JobCallsDeps } from './job-calls.ts';
import type { SessionPools } from './session-pools.ts';
import type { Shortener } from './shorten.ts';
import { argumentNames } from './tools/call-arguments.ts';
import type {
  ArgumentCheck,
  FoundHit,
  GatewayCall,
  ServerName,
  SessionJobs,
  SessionPool,
  ToolAnswer,
  UnknownServer,
} from './tools/gateway-tool.ts';
import type { UnknownServers } from './unknown-servers.ts';
import { serverNames, type ToolFinder, type VisibleTools } from './visible-tools.ts';

export type OwnCallDeps = JobCallsDeps & {
  readonly views: Pick<Views, 'of'>;
  readonly forwarder: Pick<Forwarder, 'forward'>;
  readonly finder: ToolFinder;
  readonly heldNames: HeldNames;
  readonly unknown: Pick<UnknownServers, 'describe' | 'waitFor' | 'waitForAll'>;
  readonly store: ResultStore;
  readonly shortener: Shortener;
  readonly pools: Pick<SessionPools, 'topK' | 'add'>;
  readonly checkArguments: ArgumentCheck;
};

export type OwnCallInit = {
  readonly session: Session;
  readonly request: RequestEnvelope;
  readonly signal: AbortSignal;
};

export class OwnCall implements GatewayCall {
  readonly args: unknown;
  readonly results: SessionResults;
  readonly answerPolicy: ShieldPolicy;
  readonly checkArguments: ArgumentCheck;
  readonly #deps: OwnCallDeps;
  readonly #init: OwnCallInit;
  #visible: VisibleTools;

  constructor(deps: OwnCallDeps, init: OwnCallInit) {
    const { session, request } = init;
    this.#deps = deps;
    this.#init = init;
    this.#visible = deps.finder.of(this.#view);
    this.args = JSON.parse(memberText(request, ['arguments']) ?? '{}');
    this.checkArguments = deps.checkArguments;
    this.answerPolicy = deps.shortener.policy;
    this.results = deps.store.of(session.identity.lifeId);
  }

  search(words: string, options: Partial<Omit<SearchOptions, 'accepts'>> = {}): FoundHit[] {
    const { index } = this.#deps.finder;
    const visible = this.#visible;
    const hits = index.search(words, { ...options, limit: options.limit ?? index.size, accepts: visible.has });
    return hits.map(({ server, name, ...hit }) => {
      const id = this.idOf(server, name);
      const entry = this.#view.entry(server);
      if (entry) this.#deps.heldNames.found(this.#init.session, id, meaningOf(this.#view, entry, name));
      return { id, server, ...hit };
    });
  }

  describe(id: string): ToolDefinition | undefined {
    const tool = this.#visible.find(id);
    return tool && this.#deps.finder.definitionOf(tool);
  }

  idOf(server: string, tool: string): string {
    return this.#visible.idOf(server, tool) ?? `${server}__${tool}`;
  }

  servers(): readonly ServerName[] {
    return serverNames(this.#view.servers.map(({ entry }) => entry));
  }

  unknownServers(): readonly UnknownServer[] {
    return this.#deps.unknown.describe(this.#init.session);
  }

  async waitForAll(slugs?: readonly string[]): Promise<void> {
    await this.#deps.unknown.waitForAll(this.#init.session, slugs);
    this.#visible = this.#deps.finder.of(this.#view);
  }

  async waitFor(slug: string): Promise<void> {
    await this.#deps.unknown.waitFor(this.#init.session, slug);
    this.#visible = this.#deps.finder.of(this.#view);
  }

  get jobs(): SessionJobs {
    const { session, request } = this.#init;
    const args = () => givenArguments(request);
    return new JobCalls(this.#deps, { session, args, view: () => this.#view, target: (id) => this.#target(id) });
  }

  get pool(): SessionPool {
    const { pools } = this.#deps;
    const { session, signal } = this.#init;
    return { topK: pools.topK, add: (ids) => pools.add(session, ids, signal) };
  }

  async invoke(id: string): Promise<ToolAnswer> {
    const { entry, tool } = this.#target(id);
    const { session, request, signal } = this.#init;
    const envelope = await callTool(this.#deps.forwarder, {
      ...{ session, view: this.#view, entry, signal, idText: request.idText, tool: tool.name },
      args: givenArguments(request),
      meta: memberText(request, ['_meta']),
    });
    return this.#deps.shortener.answer(session.identity.lifeId, { entry, envelope });
  }

  get #view(): SessionView {
    return this.#deps.views.of(this.#init.session);
  }

  #target(id: string): CallTarget {
    const tool = this.#visible.find(id);
    const entry = tool && this.#view.entry(tool.slug);
    if (tool && entry) {
      const now = meaningOf(this.#view, entry, tool.name);
      if (this.#deps.heldNames.isMoved(this.#init.session, id, now)) throw nameMoved(id, 'Search again.');
      return { tool, entry };
    }
    throw new AppError({ code: 'TOOL_UNKNOWN', message: `There is no tool "${id}" any more.`, hint: 'Search again.' });
  }
}

/** For the server's tool, byte for byte as the model wrote them. */
function givenArguments(request: RequestEnvelope): string {
  const written = argumentNames.map((name) => memberText(request, ['arguments', name]));
  const text = written.find((one) => one !== undefined) ?? '{}';
  if (!text.startsWith('"')) return text;
  // The JSON of an object instead of the object. Line feeds in it are between values, and would end the message.
  return String(JSON.parse(text)).replace(/[\r\n]+/g, ' ');
}

function memberText({ line, params }: RequestEnvelope, path: readonly string[]): string | undefined {
  const span = memberAt(line, params, path);
  return span && textAt(line, span);
}
