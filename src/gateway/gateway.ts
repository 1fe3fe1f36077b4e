// Our own tools at work: joins search, store, jobs and shield to the way of every other call. Loaded with the first session
// that needs it.

import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../base/errors.ts';
import { type Edit, textAt } from '../base/json-scan.ts';
import { RefusedByServer } from '../calls/not-run.ts';
import type { SessionView } from '../calls/views.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { type RequestEnvelope, type ResponseEnvelope, withEdits } from '../mcp/envelope.ts';
import { appErrorToolResult, resultLine } from '../mcp/messages.ts';
import { stringifyExact } from '../results/exact-json.ts';
import { heavyBytes } from '../results/heavy-work.ts';
import { createResultStore, type ResultStore } from '../results/result-store.ts';
import type { ResultView, ViewRequest } from '../results/result-view.ts';
import { referenceOf } from '../results/shield.ts';
import { unlimitedPolicy } from '../results/shield-policy.ts';
import type { StructureRule } from '../results/structure-rule.ts';
import type { ToolDefinition } from '../search/tool-definition.ts';
import type { Session } from '../sessions/session.ts';
import type { Answer } from '../upstream/channel-request.ts';
import { callTool, readResult } from './call-tool.ts';
import { isShielded, type Mode } from './choose-mode.ts';
import { createJobRecords } from './job-records.ts';
import { createJobSession, jobToken } from './job-session.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { jobLimits, shieldPolicy, storeLimits } from './limits.ts';
import type { ModesDeps } from './modes-deps.ts';
import { type Offered, offerTools } from './offer.ts';
import { argumentText, OwnWork } from './own-work.ts';
import { createSessionFiles } from './session-files.ts';
import { SessionPools } from './session-pools.ts';
import { boundedError, openHeavyWork, openLimitedWork, shortenAnswer } from './shorten.ts';
import { createArgumentCheck, structureRule } from './tools/check-arguments.ts';
import type { GatewayCall, GatewayDeps, InvokeContext } from './tools/gateway-tool.ts';
import { gatewayTools } from './tools/gateway-tools.ts';
import { retrieveTools } from './tools/retrieve-tools.ts';
import { UnknownServers } from './unknown-servers.ts';
import { unlistedJobs } from './unlisted-jobs.ts';
import { accessTo, definitionOf, serverNames, ToolFinder, type VisibleTool } from './visible-tools.ts';

export type OwnCall = { session: Session; request: RequestEnvelope; name: string; mode: Mode; signal: AbortSignal };
export type Shortening = { entry: ServerEntry; name: string; outcome: Answer };

/** A host that follows list_changed asks within milliseconds; one that does not must not wait long for its answer. */
const relistMs = 1_000;
const relistLookMs = 5;

export class Gateway {
  readonly #deps: ModesDeps;
  readonly #finder: ToolFinder;
  readonly #unknown: UnknownServers;
  readonly #store: ResultStore;
  readonly #jobs: Jobs;
  readonly #heavy = openHeavyWork();
  readonly #limited = openLimitedWork();
  readonly #pools: SessionPools;
  // Compiling a schema takes longer than most calls: what is compiled lives as long as the list it comes from.
  readonly #checkArguments = createArgumentCheck(this.#limited);
  readonly #definitions = new WeakMap<Buffer, ToolDefinition>();
  readonly #rules = new WeakMap<Buffer, Promise<StructureRule | undefined>>();

  constructor(deps: ModesDeps) {
    this.#deps = deps;
    this.#finder = new ToolFinder(() => deps.roster.all().map((session) => deps.views.of(session)));
    this.#unknown = new UnknownServers(deps);
    // Of a daemon before this one: nobody has a reference to them any more.
    rmSync(deps.spillFolder, { recursive: true, force: true });
    const { now, spillFolder, jobFolder } = deps;
    this.#pools = new SessionPools(deps);
    const jobFiles = createSessionFiles({ folder: jobFolder, now });
    jobFiles.expire();
    const viewLarge = (path: string, ref: string, request: ViewRequest) => this.#viewLarge(path, ref, request);
    this.#store = createResultStore({ now, spillFolder, viewLarge, largeBytes: heavyBytes }, storeLimits(deps));
    const moveKept = (ref: string, from: string, to: string) => this.#store.adopt(ref, from, to);
    this.#jobs = createJobs({ now, records: createJobRecords(jobFiles), moveKept }, jobLimits(deps));
  }

  offer(session: Session, view: SessionView, mode: Mode): Offered {
    return offerTools(mode, view, {
      pool: mode === 'dynamic' ? this.#pools.of(session, view).ids() : [],
      isShielded: (slug) => {
        const entry = view.entry(slug);
        return entry !== undefined && isShielded(entry, mode);
      },
      maxResultBytes: this.#deps.config().shield.maxResultBytes,
    });
  }

  /** One of our own tools. Throws AppError. */
  async call({ session, request, name, mode, signal }: OwnCall): Promise<Buffer> {
    const work = new OwnWork({ session, request, signal });
    const deps = this.#toolDeps(work);
    const args: unknown = JSON.parse(argumentText(request, ['arguments']) ?? '{}');
    const call = { session: session.identity.scopeId, args, signal, onProgress: () => {} };
    if (mode === 'dynamic' && name === retrieveTools.name) return work.line(await this.#retrieve(call, work, deps));
    return work.line(await toolNamed(name).handle(call, deps));
  }

  async #retrieve(call: GatewayCall, { session, signal }: OwnWork, deps: GatewayDeps): Promise<unknown> {
    const view = () => this.#deps.views.of(session);
    const result = await retrieveTools.handle(call, {
      ...deps,
      poolOf: () => this.#pools.of(session, view()),
      topK: this.#deps.config().tools.topK,
      notifyListChanged: () => this.#deps.announceTo(session),
    });
    this.#pools.save(session, view());
    // The next request to the model goes out with the answer: by then the host should have the new list.
    const deadline = this.#deps.now() + relistMs;
    while (session.announced.has('tools') && !signal.aborted && this.#deps.now() < deadline) await delay(relistLookMs);
    return result;
  }

  /** The answer to a call that the session made of a real tool, shortened. */
  async shorten(session: Session, request: RequestEnvelope, { entry, name, outcome }: Shortening): Promise<Buffer> {
    if ('error' in outcome) return appErrorToolResult(request.idText, outcome.error);
    const { envelope } = outcome;
    const ownId = { at: envelope.id, with: request.idText };
    if (!envelope.result) return withEdits(envelope.line, [ownId, ...this.#errorEdits(session, entry, envelope)]);
    const unchanged = withEdits(envelope.line, [ownId]);
    const visible = this.#finder.of(this.#deps.views.of(session)).find(name);
    const shortened = await this.#shorten(session.identity.scopeId, { entry, envelope, promised: visible });
    if (shortened === undefined) return unchanged;
    return resultLine(request.idText, stringifyExact(shortened));
  }

  used(session: Session, id: string): void {
    this.#pools.used(session, id);
  }

  get runningJobs(): number {
    return this.#jobs.runningCount;
  }

  closeScope(scopeId: string): void {
    // First: what detached jobs left in the store is no longer this scope's then.
    this.#jobs.closeSession(scopeId);
    this.#store.closeSession(scopeId);
    this.#pools.closeScope(scopeId);
  }

  expire(): void {
    this.#jobs.expire();
    this.#store.expire();
  }

  close(): void {
    this.#jobs.close();
    this.#store.close();
    this.#heavy.close();
    this.#limited.close();
  }

  /** What a gateway tool may do for this one call. */
  #toolDeps(work: OwnWork): GatewayDeps {
    const { session } = work;
    const { views } = this.#deps;
    let visible = this.#finder.of(views.of(session));
    const afterwards = () => {
      visible = this.#finder.of(views.of(session));
    };
    return {
      index: this.#finder.index,
      store: this.#store,
      jobs: session.identity.isShared ? unlistedJobs(this.#jobs) : this.#jobs,
      describe: (_scope, id) => {
        const tool = visible.find(id);
        return tool && this.#definitionOf(tool);
      },
      checkArguments: this.#checkArguments,
      idOf: (slug, tool) => visible.idOf(slug, tool) ?? `${slug}__${tool}`,
      mayUse: (_scope, key, tool) => visible.has(key, tool),
      servers: () => serverNames(views.of(session).servers.map(({ entry }) => entry)),
      unknownServers: () => this.#unknown.describe(session),
      waitForAll: (_scope, slugs) => this.#unknown.waitForAll(session, slugs).then(afterwards),
      waitFor: (_scope, slug) => this.#unknown.waitFor(session, slug).then(afterwards),
      accessTo: (_scope, id) => {
        const tool = visible.find(id);
        const entry = tool && views.of(session).entry(tool.slug);
        return (entry && accessTo(views.of(session), entry)) ?? '';
      },
      accessOf: async () => {
        // Who a session is to a server depends on its variables.
        if (!session.hasValues) await session.valuesReady();
        const view = views.of(session);
        return new Set(view.servers.flatMap(({ entry }) => accessTo(view, entry) ?? []));
      },
      answerPolicy: shieldPolicy(this.#deps),
      // What servers answered was shortened when it came.
      policyFor: () => unlimitedPolicy,
      invoke: async (_scope, id, _args, context) => {
        const tool = visible.find(id);
        const entry = tool && views.of(session).entry(tool.slug);
        if (!tool || !entry) throw goneTool(id);
        return work.isJob ? this.#runJob(work, { entry, tool, context }) : this.#invoke(work, entry, tool);
      },
    };
  }

  async #invoke(work: OwnWork, entry: ServerEntry, tool: VisibleTool): Promise<unknown> {
    const { session, request, signal } = work;
    const answer = await callTool(this.#deps.forwarder, {
      ...{ session, entry, signal, idText: request.idText, tool: tool.name },
      args: work.args,
      meta: argumentText(request, ['_meta']),
    });
    if (answer.error) throw new RefusedByServer(answer, this.#errorEdits(session, entry, answer));
    return work.take(answer, await this.#shorten(session.identity.scopeId, { entry, envelope: answer }));
  }

  /** Shortened before it is kept: a finished job must not hold what the store has on disk. */
  async #runJob(work: OwnWork, job: JobCall): Promise<unknown> {
    const { entry, tool, context } = job;
    const { forwarder, now, supervisor } = this.#deps;
    const { scopeId } = work.session.identity;
    const session = createJobSession(work.session, now, context.onProgress);
    try {
      const answer = await callTool(forwarder, {
        ...{ session, entry, signal: context.signal, idText: jobToken, tool: tool.name, args: work.args },
        meta: `{"progressToken":${jobToken}}`,
      });
      if (answer.error) {
        const [shortened] = this.#errorEdits(work.session, entry, answer, context.onKept);
        throw new Error(String(shortened?.with ?? textAt(answer.line, answer.error)));
      }
      const shortened = await this.#shorten(scopeId, { entry, envelope: answer });
      const ref = referenceOf(shortened);
      if (ref !== undefined) context.onKept?.(ref);
      return shortened ?? readResult(answer);
    } finally {
      session.end();
      const isLast = this.#jobs.runningFor(scopeId) <= 1;
      // Its own scope is the session's, which may go on: only what was the jobs' own ends.
      if (isLast) supervisor().release({ id: scopeId, scopeId: '' });
    }
  }

  /** None: the error fits, or a person wants it as it is. */
  #errorEdits(
    { identity: { scopeId } }: Session,
    { shield }: ServerEntry,
    envelope: ResponseEnvelope,
    onKept?: (ref: string) => void,
  ): Edit[] {
    const { maxResultBytes } = this.#deps.config().shield;
    const put = (whole: unknown): string | undefined => {
      const ref = this.#store.put(scopeId, whole);
      if (ref !== undefined) onKept?.(ref);
      return ref;
    };
    const shortened = shield === false ? undefined : boundedError(envelope, maxResultBytes, { put });
    return envelope.error && shortened !== undefined ? [{ at: envelope.error, with: shortened }] : [];
  }

  /** undefined: nothing had to be cut. */
  async #shorten(scopeId: string, { entry, envelope, promised }: Shorten): Promise<unknown> {
    if (entry.shield === false) return undefined;
    const rule = async () => promised && this.#ruleOf(promised);
    const deps = { store: this.#store, heavy: this.#heavy, limited: this.#limited };
    return shortenAnswer(deps, scopeId, { envelope, policy: shieldPolicy(this.#deps), rule });
  }

  async #viewLarge(path: string, ref: string, request: ViewRequest): Promise<ResultView> {
    const outcome = await this.#heavy.run({ kind: 'view', path, ref, request });
    if (outcome.kind !== 'view') throw new Error('a look at a result must give a view');
    return outcome.view;
  }

  /** One object as long as the server's list is the same: what was compiled for it is found by it. */
  #definitionOf(tool: VisibleTool): ToolDefinition {
    const definition = this.#definitions.get(tool.raw) ?? definitionOf(tool);
    this.#definitions.set(tool.raw, definition);
    return definition;
  }

  #ruleOf(tool: VisibleTool): Promise<StructureRule | undefined> {
    const rule = this.#rules.get(tool.raw) ?? structureRule(this.#definitionOf(tool));
    this.#rules.set(tool.raw, rule);
    return rule;
  }
}

type JobCall = { entry: ServerEntry; tool: VisibleTool; context: InvokeContext };
type Shorten = {
  entry: ServerEntry;
  envelope: ResponseEnvelope;
  /** The tool that the host called by its own name and schema; our own tools promise no structure. */
  promised?: VisibleTool | undefined;
};

function toolNamed(name: string) {
  const found = gatewayTools.find((tool) => tool.name === name);
  if (!found) throw goneTool(name);
  return found;
}

function goneTool(id: string): AppError {
  return new AppError({ code: 'TOOL_UNKNOWN', message: `There is no tool "${id}" any more.`, hint: 'Search again.' });
}
