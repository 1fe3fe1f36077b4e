// Calls that outlive their request: started, looked at, cancelled by the session that owns them. A session's end cancels its
// jobs unless they were detached: those are nobody's then, until a session names one and may use its server. Finished ones
// stay for a while so that their result can be fetched.
import { randomBytes } from 'node:crypto';
import { cutChars } from '../base/cut-text.ts';
import { AppError, describeError } from '../base/errors.ts';
import { endOf, type JobRecord, type JobRecords } from './job-records.ts';

export type JobProgress = {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
};
export type JobContext = {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
  /** The result store keeps something of it for the session that started it: it goes where the job goes. */
  readonly onKept: (ref: string) => void;
};
export type JobRun = (context: JobContext) => Promise<unknown>;

export type JobState =
  | { readonly state: 'running' }
  | { readonly state: 'completed'; readonly result: unknown }
  | { readonly state: 'failed'; readonly error: string }
  | { readonly state: 'cancelled' };

export type JobStatus = JobState & {
  readonly id: string;
  readonly label: string;
  readonly startedAt: number;
  readonly endedAt?: number | undefined;
  readonly progress?: JobProgress | undefined;
  /** The last messages of its progress, oldest first. */
  readonly log: readonly string[];
};

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

export type Jobs = {
  /** Returns the id at once. Throws JOB_LIMIT. */
  start(job: JobStart): string;
  /**
   * Throws JOB_UNKNOWN for anything that is not this session's. A detached job whose session is gone becomes its own by
   * being named.
   */
  status(session: string, id: string, access?: JobAccess): JobStatus;
  list(session: string): JobStatus[];
  /** As `status`. Idempotent: a job that has ended stays as it ended. */
  cancel(session: string, id: string, access?: JobAccess): JobStatus;
  closeSession(session: string): void;
  /** Jobs that run in the name of that session, whoever owns them now. */
  runningFor(session: string): number;
  /** How long a job is known after its end. */
  readonly finishedMs: number;
  /** Drops finished jobs that are too old; `start`, `status` and `list` do it as well. */
  expire(): void;
  /** Cancels everything, detached jobs too. */
  close(): void;
  /** What keeps the daemon from its idle exit. */
  readonly runningCount: number;
};

type Job = {
  readonly id: string;
  readonly startedBy: string;
  readonly label: string;
  readonly detached: { readonly access: string } | undefined;
  readonly startedAt: number;
  readonly abort: AbortController;
  readonly log: string[];
  readonly kept: string[];
  session: string;
  state: JobState;
  endedAt: number | undefined;
  progress: JobProgress | undefined;
};

const maxLogLines = 50;
const maxLogLine = 500;
/** Owner of the detached jobs whose sessions are gone; no session is called so. */
const nobody = '';

export function createJobs(deps: JobsDeps, limits: JobLimits = defaultJobLimits): Jobs {
  const jobs = new Map<string, Job>();
  /** Sessions that are here; of others nothing is recorded any more. */
  const known = new Set<string>();

  const record = (session: string): void => {
    if (!known.has(session)) return;
    const own = ofSession(session);
    if (own.length > 0) deps.records?.save(session, own.map(recordOf));
    else deps.records?.forget(session);
  };
  /** What a daemon before this one has left of the session's jobs. */
  const recall = (session: string): void => {
    if (known.has(session)) return;
    known.add(session);
    for (const lost of deps.records?.load(session) ?? []) jobs.set(lost.id, recalled(lost, session, deps.now()));
  };
  const end = (job: Job, state: JobState): void => {
    if (job.state.state !== 'running') return; // the answer of a cancelled call still comes; it changes nothing
    job.state = state;
    job.endedAt = deps.now();
    record(job.session);
  };
  const cancelJob = (job: Job, reason: string): void => {
    if (job.state.state !== 'running') return;
    end(job, { state: 'cancelled' });
    job.abort.abort(new Error(reason));
  };
  const expire = (): void => {
    for (const job of jobs.values()) {
      if (job.endedAt !== undefined && deps.now() - job.endedAt > limits.finishedMs) jobs.delete(job.id);
    }
  };
  const ofSession = (session: string): Job[] => [...jobs.values()].filter((job) => job.session === session);
  const move = (job: Job, to: string): void => {
    const from = job.session;
    job.session = to;
    for (const ref of job.kept) deps.moveKept?.(ref, from, to);
  };
  const find = (session: string, id: string, access?: JobAccess): Job => {
    recall(session);
    recall(nobody);
    expire();
    const job = jobs.get(id);
    if (job === undefined || job.session === session) return job ?? unknownJob();
    if (job.session !== nobody || !job.detached || !access?.has(job.detached.access)) return unknownJob();
    move(job, session);
    record(nobody);
    record(session);
    return job;
  };
  const boundOwnerless = (): void => {
    const own = ofSession(nobody);
    const [running, finished] = [own.filter(isRunning), own.filter((job) => !isRunning(job))];
    for (const job of [...finished, ...running].slice(0, Math.max(0, own.length - limits.maxOwnerless))) {
      cancelJob(job, 'too many detached jobs without a session');
      jobs.delete(job.id);
    }
  };
  const makeRoom = (session: string): void => {
    const own = ofSession(session);
    const running = own.filter(isRunning);
    if (running.length >= limits.maxRunning) throw tooMany(running);
    const finished = own.filter((job) => !isRunning(job));
    for (const job of finished.slice(0, Math.max(0, finished.length + 1 - limits.maxFinished))) jobs.delete(job.id);
  };
  const runJob = async (job: Job, run: JobRun): Promise<void> => {
    try {
      const result = await run({
        signal: job.abort.signal,
        onProgress: (progress) => note(job, progress),
        onKept(ref) {
          job.kept.push(ref);
          // It was written for the session that started it, which may be gone by now.
          if (job.session !== job.startedBy) deps.moveKept?.(ref, job.startedBy, job.session);
        },
      });
      end(job, { state: 'completed', result });
    } catch (error) {
      end(job, { state: 'failed', error: describeError(error) });
    }
  };
  return {
    get runningCount() {
      return [...jobs.values()].filter(isRunning).length;
    },
    runningFor: (session) => [...jobs.values()].filter((job) => job.startedBy === session && isRunning(job)).length,
    get finishedMs() {
      return limits.finishedMs;
    },
    start({ session, label, detached, run }) {
      recall(session);
      expire();
      makeRoom(session);
      const id = randomBytes(16).toString('base64url');
      const job: Job = {
        ...{ id, session, startedBy: session, label, detached, startedAt: deps.now() },
        ...{ abort: new AbortController(), log: [], kept: [] },
        ...{ state: { state: 'running' }, endedAt: undefined, progress: undefined },
      };
      jobs.set(id, job);
      record(session);
      void runJob(job, run); // never rejects: its outcome is the job's state
      return id;
    },
    status: (session, id, access) => describeJob(find(session, id, access)),
    list(session) {
      recall(session);
      expire();
      return ofSession(session).map(describeJob);
    },
    cancel(session, id, access) {
      const job = find(session, id, access);
      cancelJob(job, 'cancelled by the session');
      return describeJob(job);
    },
    closeSession(session) {
      expire();
      // What a daemon before this one left of both must not be written over.
      recall(nobody);
      recall(session);
      const own = ofSession(session);
      known.delete(session);
      deps.records?.forget(session);
      for (const job of own) {
        if (job.detached) {
          move(job, nobody);
          continue;
        }
        cancelJob(job, 'the session ended');
        jobs.delete(job.id);
      }
      boundOwnerless();
      record(nobody);
    },
    expire,
    close() {
      // The next daemon is to say that this one ended, not that anybody cancelled them.
      known.clear();
      for (const job of jobs.values()) cancelJob(job, 'the daemon stops');
      jobs.clear();
    },
  };
}

const isRunning = ({ state }: Job): boolean => state.state === 'running';

function note(job: Job, progress: JobProgress): void {
  if (job.state.state !== 'running') return;
  const message = progress.message && cutChars(progress.message, maxLogLine);
  job.progress = { ...progress, ...(message === undefined ? {} : { message }) };
  if (!message) return;
  job.log.push(message);
  if (job.log.length > maxLogLines) job.log.shift();
}

function recordOf({ id, label, startedAt, endedAt, state, detached }: Job): JobRecord {
  const error = state.state === 'failed' ? state.error : undefined;
  return { id, label, startedAt, endedAt, state: state.state, error, access: detached?.access };
}

function recalled(lost: JobRecord, session: string, now: number): Job {
  const { id, label, startedAt, endedAt = now, access } = lost;
  const detached = access === undefined ? undefined : { access };
  return {
    ...{ id, session, startedBy: session, label, detached, startedAt },
    ...{ abort: new AbortController(), log: [], kept: [] },
    ...{ state: endOf(lost), endedAt, progress: undefined },
  };
}

function describeJob({ id, label, startedAt, endedAt, progress, log, state }: Job): JobStatus {
  return { id, label, startedAt, endedAt, progress, log: [...log], ...state };
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
