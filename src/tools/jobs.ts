// Calls that outlive their request: started, looked at, cancelled by the session that owns them. A session's end cancels its
// jobs unless they were detached; finished ones stay for a while so that their result can be fetched.
import { randomBytes } from 'node:crypto';
import { AppError, describeError } from '../base/errors.ts';

export type JobProgress = {
  readonly progress: number;
  readonly total?: number | undefined;
  readonly message?: string | undefined;
};
export type JobContext = { readonly signal: AbortSignal; readonly onProgress: (progress: JobProgress) => void };
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
  readonly finishedMs: number;
};

export const defaultJobLimits: JobLimits = {
  // As many as harshal-mcp-proxy runs at once, but for each session instead of for everybody.
  maxRunning: 3,
  maxFinished: 50,
  // As long as the result store keeps what they left.
  finishedMs: 1_800_000,
};

export type JobStart = {
  readonly session: string;
  readonly label: string;
  readonly isDetached?: boolean;
  readonly run: JobRun;
};
export type Jobs = {
  /** Returns the id at once. Throws JOB_LIMIT. */
  start(job: JobStart): string;
  /** Throws JOB_UNKNOWN for anything that is not this session's. */
  status(session: string, id: string): JobStatus;
  list(session: string): JobStatus[];
  /** Idempotent: a job that has ended stays as it ended. */
  cancel(session: string, id: string): JobStatus;
  closeSession(session: string): void;
  /** Drops finished jobs that are too old; `start`, `status` and `list` do it as well. */
  expire(): void;
  /** Cancels everything, detached jobs too. */
  close(): void;
  /** What keeps the daemon from its idle exit. */
  readonly runningCount: number;
};

type Job = {
  readonly id: string;
  readonly session: string;
  readonly label: string;
  readonly isDetached: boolean;
  readonly startedAt: number;
  readonly abort: AbortController;
  readonly log: string[];
  state: JobState;
  endedAt: number | undefined;
  progress: JobProgress | undefined;
};

const maxLogLines = 50;
const maxLogLine = 500;

export function createJobs(deps: { readonly now: () => number }, limits: JobLimits = defaultJobLimits): Jobs {
  const jobs = new Map<string, Job>();

  const end = (job: Job, state: JobState): void => {
    if (job.state.state !== 'running') return; // the answer of a cancelled call still comes; it changes nothing
    job.state = state;
    job.endedAt = deps.now();
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
  const find = (session: string, id: string): Job => {
    expire();
    const job = jobs.get(id);
    if (job?.session !== session) throw unknownJob();
    return job;
  };
  const makeRoom = (session: string): void => {
    const own = ofSession(session);
    const running = own.filter((job) => job.state.state === 'running');
    if (running.length >= limits.maxRunning) throw tooMany(running);
    const finished = own.filter((job) => job.state.state !== 'running');
    for (const job of finished.slice(0, Math.max(0, finished.length + 1 - limits.maxFinished))) jobs.delete(job.id);
  };
  const runJob = async (job: Job, run: JobRun): Promise<void> => {
    try {
      const result = await run({ signal: job.abort.signal, onProgress: (progress) => note(job, progress) });
      end(job, { state: 'completed', result });
    } catch (error) {
      end(job, { state: 'failed', error: describeError(error) });
    }
  };
  return {
    get runningCount() {
      return [...jobs.values()].filter((job) => job.state.state === 'running').length;
    },
    start({ session, label, isDetached = false, run }) {
      expire();
      makeRoom(session);
      const id = randomBytes(16).toString('base64url');
      const job: Job = {
        ...{ id, session, label, isDetached, startedAt: deps.now(), abort: new AbortController(), log: [] },
        ...{ state: { state: 'running' }, endedAt: undefined, progress: undefined },
      };
      jobs.set(id, job);
      void runJob(job, run); // never rejects: its outcome is the job's state
      return id;
    },
    status: (session, id) => describeJob(find(session, id)),
    list(session) {
      expire();
      return ofSession(session).map(describeJob);
    },
    cancel(session, id) {
      const job = find(session, id);
      cancelJob(job, 'cancelled by the session');
      return describeJob(job);
    },
    closeSession(session) {
      for (const job of ofSession(session)) {
        if (job.isDetached && job.state.state === 'running') continue;
        cancelJob(job, 'the session ended');
        jobs.delete(job.id);
      }
    },
    expire,
    close() {
      for (const job of jobs.values()) cancelJob(job, 'the daemon stops');
      jobs.clear();
    },
  };
}

function note(job: Job, progress: JobProgress): void {
  if (job.state.state !== 'running') return;
  job.progress = progress;
  if (!progress.message) return;
  job.log.push(progress.message.slice(0, maxLogLine));
  if (job.log.length > maxLogLines) job.log.shift();
}

function describeJob({ id, label, startedAt, endedAt, progress, log, state }: Job): JobStatus {
  return { id, label, startedAt, endedAt, progress, log: [...log], ...state };
}

function unknownJob(): AppError {
  return new AppError({
    code: 'JOB_UNKNOWN',
    message: 'No job of this session has that id.',
    hint: 'Jobs end with their session; finished ones are kept as long as results ("shield.keepMs" in the config). Start it again.',
  });
}

function tooMany(running: readonly Job[]): AppError {
  return new AppError({
    code: 'JOB_LIMIT',
    message: `${running.length} jobs of this session are running, which is the limit.`,
    hint: `Wait for one or cancel one: ${running.map(({ id, label }) => `${label} (${id})`).join(', ')}.`,
  });
}
