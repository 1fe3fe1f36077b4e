// Our own tools at work: joins search, store, jobs and shield to the way of every other call. Loaded with the first session
// that needs it.

import { rmSync } from 'node:fs';
import { AppError } from '../base/errors.ts';
import type { SessionView } from '../calls/views.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import type { RequestEnvelope } from '../mcp/envelope.ts';
import { appErrorToolResult } from '../mcp/messages.ts';
import { structureRule } from '../results/compile-schema.ts';
import { heavyBytes } from '../results/heavy-work.ts';
import { ResultStore } from '../results/result-store.ts';
import type { ResultView, ViewRequest } from '../results/result-view.ts';
import type { StructureRule } from '../results/structure-rule.ts';
import type { Session } from '../sessions/session.ts';
import type { Answer } from '../upstream/channel-request.ts';
import { isShielded, type Mode } from './choose-mode.ts';
import { createJobRecords } from './job-records.ts';
import { Jobs } from './jobs.ts';
import { jobLimits, storeLimits } from './limits.ts';
import type { ModesDeps } from './modes-deps.ts';
import { type Offered, offerTools } from './offer.ts';
import { OwnCall, type OwnCallDeps } from './own-call.ts';
import { createSessionFiles } from './session-files.ts';
import { SessionPools } from './session-pools.ts';
import { answerLine, openHeavyWork, openLimitedWork, Shortener } from './shorten.ts';
import { createArgumentCheck } from './tools/call-arguments.ts';
import { gatewayTools } from './tools/gateway-tools.ts';
import { retrieveTools } from './tools/retrieve-tools.ts';
import { UnknownServers } from './unknown-servers.ts';
import { ToolFinder, type VisibleTool } from './visible-tools.ts';

export type OwnToolCall = { session: Session; request: RequestEnvelope; name: string; signal: AbortSignal };
export type Shortening = { entry: ServerEntry; name: string; outcome: Answer };

export class Gateway {
  readonly #deps: ModesDeps;
  readonly #finder: ToolFinder;
  readonly #store: ResultStore;
  readonly #jobs: Jobs;
  readonly #pools: SessionPools;
  readonly #heavy = openHeavyWork();
  readonly #limited = openLimitedWork();
  readonly #shortener: Shortener;
  readonly #callDeps: OwnCallDeps;
  // Compiling a schema takes longer than most calls: what is compiled lives as long as the list it comes from.
  readonly #rules = new WeakMap<Buffer, Promise<StructureRule | undefined>>();

  constructor(deps: ModesDeps) {
    this.#deps = deps;
    const { config, now, spillFolder, jobFolder } = deps;
    this.#finder = new ToolFinder(() => deps.roster.all().map((session) => deps.views.of(session)));
    // Of a daemon before this one: nobody has a reference to them any more.
    rmSync(spillFolder, { recursive: true, force: true });
    const viewLarge = (path: string, ref: string, request: ViewRequest) => this.#viewLarge(path, ref, request);
    this.#store = new ResultStore({ now, spillFolder, viewLarge, largeBytes: heavyBytes }, storeLimits(deps));
    const work = { store: this.#store, heavy: this.#heavy, limited: this.#limited };
    this.#shortener = new Shortener({ config, ...work });
    this.#pools = new SessionPools(deps);
    const jobFiles = createSessionFiles({ folder: jobFolder, now });
    jobFiles.expire();
    const moveKept = (ref: string, from: string, to: string) => this.#store.adopt(ref, from, to);
    this.#jobs = new Jobs({ now, records: createJobRecords(jobFiles), moveKept }, jobLimits(deps));
    this.#callDeps = {
      ...deps,
      ...{ finder: this.#finder, unknown: new UnknownServers(deps), store: this.#store, jobs: this.#jobs },
      ...{ pools: this.#pools, shortener: this.#shortener, checkArguments: createArgumentCheck(this.#limited) },
    };
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
  async call({ name, ...call }: OwnToolCall): Promise<Buffer> {
    const tool = [...gatewayTools, retrieveTools].find((one) => one.name === name);
    if (!tool) throw new AppError({ code: 'TOOL_UNKNOWN', message: `There is no tool "${name}".` });
    return answerLine(call.request.idText, await tool.handle(new OwnCall(this.#callDeps, call)));
  }

  /** The answer to a call that the session made of a real tool, shortened. */
  async shorten(session: Session, request: RequestEnvelope, { entry, name, outcome }: Shortening): Promise<Buffer> {
    if ('error' in outcome) return appErrorToolResult(request.idText, outcome.error);
    const { envelope } = outcome;
    // The host called it by its own name and schema; our own tools promise no structure.
    const rule = async () => {
      const promised = this.#finder.of(this.#deps.views.of(session)).find(name);
      return promised && this.#ruleOf(promised);
    };
    const answer = await this.#shortener.answer(session.identity.lifeId, { entry, envelope, rule });
    return answerLine(request.idText, answer);
  }

  used(session: Session, id: string): void {
    this.#pools.used(session, id);
  }

  get runningJobs(): number {
    return this.#jobs.runningCount;
  }

  closeLife(lifeId: string): void {
    // First: what detached jobs left in the store is no longer this life's then.
    this.#jobs.closeSession(lifeId);
    this.#store.closeSession(lifeId);
    this.#pools.closeLife(lifeId);
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

  async #viewLarge(path: string, ref: string, request: ViewRequest): Promise<ResultView> {
    const outcome = await this.#heavy.run({ kind: 'view', path, ref, request });
    if (outcome.kind !== 'view') throw new Error('a look at a result must give a view');
    return outcome.view;
  }

  #ruleOf(tool: VisibleTool): Promise<StructureRule | undefined> {
    const rule = this.#rules.get(tool.raw) ?? structureRule(this.#finder.definitionOf(tool).outputSchema);
    this.#rules.set(tool.raw, rule);
    return rule;
  }
}
