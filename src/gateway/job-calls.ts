// The jobs of one session: how they call their servers, and which of them it may see.
import { AppError } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import { textAt } from '../base/json-scan.ts';
import type { Forwarder } from '../calls/forward.ts';
import type { SessionView } from '../calls/views.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import { readResultBytes } from '../results/exact-json.ts';
import { referenceOf } from '../results/shield.ts';
import { Session } from '../sessions/session.ts';
import type { Supervisor } from '../upstream/supervisor.ts';
import { callTool } from './call-tool.ts';
import type { JobContext, JobProgress, JobStatus } from './job.ts';
import type { JobAccess, Jobs } from './jobs.ts';
import type { Shortener } from './shorten.ts';
import type { SessionJobs } from './tools/gateway-tool.ts';
import type { VisibleTool } from './visible-tools.ts';

export type CallTarget = { readonly entry: ServerEntry; readonly tool: VisibleTool };

export type JobCallsDeps = {
  readonly forwarder: Pick<Forwarder, 'forward'>;
  readonly supervisor: () => Pick<Supervisor, 'release'>;
  readonly jobs: Jobs;
  readonly shortener: Shortener;
  readonly now: () => number;
};

export type JobCallsInit = {
  readonly session: Session;
  /** For the server's tool, as the model wrote them. */
  readonly args: () => string;
  readonly view: () => SessionView;
  /** Throws TOOL_UNKNOWN. */
  readonly target: (id: string) => CallTarget;
};

const jobToken = '"job"';

export class JobCalls implements SessionJobs {
  readonly #deps: JobCallsDeps;
  readonly #init: JobCallsInit;

  constructor(deps: JobCallsDeps, init: JobCallsInit) {
    this.#deps = deps;
    this.#init = init;
  }

  get finishedMs(): number {
    return this.#deps.jobs.finishedMs;
  }

  start(tool: string, { detach }: { readonly detach: boolean }): string {
    const { identity } = this.#init.session;
    try {
      return this.#deps.jobs.start({
        ...{ session: identity.lifeId, label: tool },
        ...(detach ? { detached: { access: this.#accessTo(this.#init.target(tool).entry) ?? '' } } : {}),
        run: (context) => this.#run(tool, context),
      });
    } catch (error) {
      // Its hint names those that run.
      if (identity.isShared && error instanceof AppError && error.code === 'JOB_LIMIT') throw sharedLimit(error);
      throw error;
    }
  }

  /** Where one session stands for several conversations that nothing tells apart, a job is whose who can name it. */
  list(): JobStatus[] {
    const { isShared, lifeId } = this.#init.session.identity;
    if (!isShared) return this.#deps.jobs.list(lifeId);
    throw new AppError({
      code: 'BAD_ARGUMENT',
      message:
        'Jobs are not listed here: nothing tells the conversations of this program apart, and they may be of another.',
      hint: 'Give the jobId that gateway_invoke_async answered with. A program that sends the header Mcp-Client-Key, another one for each conversation, has a list for each.',
    });
  }

  async status(id: string): Promise<JobStatus> {
    return this.#deps.jobs.status(this.#init.session.identity.lifeId, id, await this.#access());
  }

  async cancel(id: string): Promise<JobStatus> {
    return this.#deps.jobs.cancel(this.#init.session.identity.lifeId, id, await this.#access());
  }

  async #access(): Promise<JobAccess> {
    const { session, view } = this.#init;
    // Who a session is to a server depends on its variables.
    if (!session.hasValues) await session.valuesReady();
    return new Set(view().servers.flatMap(({ entry }) => this.#accessTo(entry) ?? []));
  }

  /** The same for all that reach this server with the same values: its key in the catalog, which hides them. */
  #accessTo(entry: ServerEntry): string | undefined {
    const resolution = this.#init.view().resolution(entry);
    return resolution.ok ? resolution.snapshotKey : undefined;
  }

  /** Shortened before it is kept: a finished job must not hold what the store has on disk. */
  async #run(id: string, context: JobContext): Promise<unknown> {
    const { entry, tool } = this.#init.target(id);
    const { forwarder, jobs, now, shortener, supervisor } = this.#deps;
    const { lifeId } = this.#init.session.identity;
    const session = createJobSession(this.#init.session, now, context.onProgress);
    try {
      const envelope = await callTool(forwarder, {
        ...{ session, view: this.#init.view(), entry, signal: context.signal, idText: jobToken },
        ...{ tool: tool.name, args: this.#init.args() },
        meta: `{"progressToken":${jobToken}}`,
      });
      if (!envelope.result) {
        const [shortened] = shortener.errorEdits(lifeId, { entry, envelope, onKept: context.onKept });
        throw new Error(String(shortened?.with ?? (envelope.error && textAt(envelope.line, envelope.error))));
      }
      const shortened = await shortener.shorten(lifeId, { entry, envelope });
      const ref = referenceOf(shortened);
      if (ref !== undefined) context.onKept(ref);
      return shortened ?? readResultBytes(envelope.line, envelope.result);
    } finally {
      session.end();
      const isLast = jobs.runningFor(lifeId) <= 1;
      // Its life is the session's, which may go on: only what was the jobs' own ends.
      if (isLast) supervisor().release({ id: lifeId, lifeId: '' });
    }
  }
}

/**
 * In whose name a job calls its server: the session's rights and variables without its connection, so that the job goes on
 * while the wrapper reconnects. Questions of the server find the session by its life, whichever connection it has then.
 */
function createJobSession(owner: Session, now: () => number, onProgress: (progress: JobProgress) => void): Session {
  const { identity, baseline, values, client, logLevel, results } = owner;
  const session = new Session({
    identity: { ...identity, id: identity.lifeId },
    sink: { send: (line) => readProgress(line, onProgress), bufferedBytes: 0, close: () => {} },
    ...{ baseline, served: {}, idPrefix: 'job', wants: [], now, maxBufferedBytes: Number.POSITIVE_INFINITY, results },
  });
  session.setValues(values);
  session.client = client;
  session.logLevel = logLevel;
  return session;
}

function readProgress(line: Buffer, onProgress: (progress: JobProgress) => void): void {
  const message: unknown = JSON.parse(line.toString('utf8'));
  if (!isRecord(message) || message['method'] !== 'notifications/progress' || !isRecord(message['params'])) return;
  const { progress, total, message: text } = message['params'];
  if (typeof progress !== 'number') return;
  onProgress({
    progress,
    ...(typeof total === 'number' ? { total } : {}),
    ...(typeof text === 'string' ? { message: text } : {}),
  });
}

function sharedLimit({ code, message }: AppError): AppError {
  const hint = 'All conversations of this program share that limit. Wait, or cancel one that you started by its jobId.';
  return new AppError({ code, message, hint });
}
