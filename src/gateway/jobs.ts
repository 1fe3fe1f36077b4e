// Calls that outlive their request: started, looked at, cancelled by the session that owns them. A session's end cancels its
// jobs unless they were detached: those are nobody's then, until a session names one and may use its server. Finished ones
// stay for a while so that their result can be fetched.
import { randomBytes } from 'node:crypto';
import { AppError, describeError } from '../base/errors.ts';
import {
  describeJob,
  isRunning,
  type Job,
  type JobRun,
  type JobStatus,
  newJob,
  note,
  recalled,
  recordOf,
} from './job.ts';
import type { JobRecords } from './job-records.ts';

export type JobLimits = {
  readonly maxRunning: number;
  /** Finished jobs a session keeps; the oldest goes first. */
  readonly maxFinished: number;
  /** Of all sessions that are gone together, running ones too; the oldest goes first, finished ones before. */
  readonly maxOwnerless: number;
  readonly finishedMs: number;
};

export const defaultJobLimits: JobLimits = {
  // As many as harshal-mcp-proxy runs at once, but for each session instead of for everybody.
  maxRunning: 3,
  maxFinished: 50,
  maxOwnerless: 50,
  // As long as the result store keeps what they left.
  finishedMs: 1_800_000,
};

export type JobsDeps = {
  readonly now: () => number;
  /** For the daemon after this one. */
  readonly records?: JobRecords;
  /** What a job has in the result store gets another owner with it. */
  readonly moveKept?: (ref: string, from: string, to: string) => void;
};

export type JobStart = {
  readonly session: string;
  readonly label: string;
  /** It outlives its session. `access`: what another session must have to take it over then. */
  readonly detached?: { readonly access: string };
  readonly run: JobRun;
};

/** What a session has access to; without it only its own jobs are found. */
export type JobAccess = ReadonlySet<string>;

/** Owner of the detached jobs whose sessions are gone; no session is called so. */
const nobody = '';

export class Jobs {
  readonly #deps: JobsDeps;
  readonly #limits: JobLimits;
  readonly #jobs = new Map<string, Job>();
  /** Sessions that are here; of others nothing is recorded any more. */
  readonly #known = new Set<string>();

  constructor(deps: JobsDeps, limits: JobLimits = defaultJobLimits) {
    this.#deps = deps;
    this.#limits = limits;
  }

  /** What keeps the daemon from its idle exit. */
  get runningCount(): number {
    return [...this.#jobs.values()].filter(isRunning).length;
  }

  /** Jobs that run in the name of that session, whoever owns them now. */
  runningFor(session: string): number {
    return [...this.#jobs.values()].filter((job) => job.startedBy === session && isRunning(job)).length;
  }

  /** How long a job is known after its end. */
  get finishedMs(): number {
    return this.#limits.finishedMs;
  }

  /** Returns the id at once. Throws JOB_LIMIT. */
  start({ session, label, detached, run }: JobStart): string {
    this.#recall(session);
    this.expire();
    this.#makeRoom(session);
    const id = randomBytes(16).toString('base64url');
    const job = newJob({ id, session, label, detached, startedAt: this.#deps.now() });
    this.#jobs.set(id, job);
    this.#record(session);
    void this.#run(job, run); // never rejects: its outcome is the job's state
    return id;
  }

  /**
   * Throws JOB_UNKNOWN for anything that is not this session's. A detached job whose session is gone becomes its own by
   * being named.
   */
  status(session: string, id: string, access?: JobAccess): JobStatus {
    return describeJob(this.#find(session, id, access));
  }

  list(session: string): JobStatus[] {
    this.#recall(session);
    this.expire();
    return this.#ofSession(session).map(describeJob);
  }

  /** As `status`. Idempotent: a job that has ended stays as it ended. */
  cancel(session: string, id: string, access?: JobAccess): JobStatus {
    const job = this.#find(session, id, access);
    this.#cancel(job, 'cancelled by the session');
    return describeJob(job);
  }

  closeSession(session: string): void {
    this.expire();
    // What a daemon before this one left of both must not be written over.
    this.#recall(nobody);
    this.#recall(session);
    const own = this.#ofSession(session);
    this.#known.delete(session);
    this.#deps.records?.forget(session);
    for (const job of own) {
      if (job.detached) {
        this.#move(job, nobody);
        continue;
      }
      this.#cancel(job, 'the session ended');
      this.#jobs.delete(job.id);
    }
    this.#boundOwnerless();
    this.#record(nobody);
  }

  /** Drops finished jobs that are too old; `start`, `status` and `list` do it as well. */
  expire(): void {
    for (const { id, endedAt } of this.#jobs.values()) {
      if (endedAt !== undefined && this.#deps.now() - endedAt > this.#limits.finishedMs) this.#jobs.delete(id);
    }
  }

  /** Cancels everything, detached jobs too. */
  close(): void {
    // The next daemon is to say that this one ended, not that anybody cancelled them.
    this.#known.clear();
    for (const job of this.#jobs.values()) this.#cancel(job, 'the daemon stops');
    this.#jobs.clear();
  }

  #ofSession(session: string): Job[] {
    return [...this.#jobs.values()].filter((job) => job.session === session);
  }

  #find(session: string, id: string, access?: JobAccess): Job {
    this.#recall(session);
    this.#recall(nobody);
    this.expire();
    const job = this.#jobs.get(id);
    if (job === undefined || job.session === session) return job ?? unknownJob();
    if (job.session !== nobody || !job.detached || !access?.has(job.detached.access)) return unknownJob();
    this.#move(job, session);
    this.#record(nobody);
    this.#record(session);
    return job;
  }

  async #run(job: Job, run: JobRun): Promise<void> {
    const onKept = (ref: string): void => {
      job.kept.push(ref);
      // It was written for the session that started it, which may be gone by now.
      if (job.session !== job.startedBy) this.#deps.moveKept?.(ref, job.startedBy, job.session);
    };
    try {
      const result = await run({ signal: job.abort.signal, onProgress: (progress) => note(job, progress), onKept });
      this.#end(job, { state: 'completed', result });
    } catch (error) {
      this.#end(job, { state: 'failed', error: describeError(error) });
    }
  }

  #cancel(job: Job, reason: string): void {
    if (!isRunning(job)) return;
    this.#end(job, { state: 'cancelled' });
    job.abort.abort(new Error(reason));
  }

  #end(job: Job, state: Job['state']): void {
    if (!isRunning(job)) return; // the answer of a cancelled call still comes; it changes nothing
    job.state = state;
    job.endedAt = this.#deps.now();
    this.#record(job.session);
  }

  #move(job: Job, to: string): void {
    const from = job.session;
    job.session = to;
    for (const ref of job.kept) this.#deps.moveKept?.(ref, from, to);
  }

  #makeRoom(session: string): void {
    const own = this.#ofSession(session);
    const running = own.filter(isRunning);
    if (running.length >= this.#limits.maxRunning) throw tooMany(running);
    const finished = own.filter((job) => !isRunning(job));
    const tooOld = finished.slice(0, Math.max(0, finished.length + 1 - this.#limits.maxFinished));
    for (const job of tooOld) this.#jobs.delete(job.id);
  }

  #boundOwnerless(): void {
    const own = this.#ofSession(nobody);
    const [running, finished] = [own.filter(isRunning), own.filter((job) => !isRunning(job))];
    for (const job of [...finished, ...running].slice(0, Math.max(0, own.length - this.#limits.maxOwnerless))) {
      this.#cancel(job, 'too many detached jobs without a session');
      this.#jobs.delete(job.id);
    }
  }

  #record(session: string): void {
    const { records } = this.#deps;
    if (!this.#known.has(session)) return;
    const own = this.#ofSession(session);
    if (own.length > 0) records?.save(session, own.map(recordOf));
    else records?.forget(session);
  }

  /** What a daemon before this one has left of the session's jobs. */
  #recall(session: string): void {
    if (this.#known.has(session)) return;
    this.#known.add(session);
    const { now, records } = this.#deps;
    for (const lost of records?.load(session) ?? []) this.#jobs.set(lost.id, recalled(lost, session, now()));
  }
}

function unknownJob(): never {
  throw new AppError({
    code: 'JOB_UNKNOWN',
    message: 'No job of this session has that id.',
    hint: 'Jobs end with their session unless detached; finished ones are kept as long as results ("shield.keepMs" in the config). It may have run: check what it did before starting it again.',
  });
}

function tooMany(running: readonly Job[]): AppError {
  return new AppError({
    code: 'JOB_LIMIT',
    message: `${running.length} jobs of this session are running, which is the limit.`,
    hint: `Wait for one or cancel one: ${running.map(({ id, label }) => `${label} (${id})`).join(', ')}.`,
  });
}
