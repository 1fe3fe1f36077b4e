// One job: what it is, what is told of it, and what of it outlives a daemon.
import { cutChars } from '../base/cut-text.ts';
import { endOf, type JobRecord } from './job-records.ts';

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

export type Job = {
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
type NewJob = Pick<Job, 'id' | 'session' | 'label' | 'detached' | 'startedAt'>;

export function newJob(of: NewJob): Job {
  return {
    ...{ ...of, startedBy: of.session, abort: new AbortController(), log: [], kept: [] },
    ...{ state: { state: 'running' }, endedAt: undefined, progress: undefined },
  };
}

export const isRunning = ({ state }: Job): boolean => state.state === 'running';

export function note(job: Job, progress: JobProgress): void {
  if (job.state.state !== 'running') return;
  const message = progress.message && cutChars(progress.message, maxLogLine);
  job.progress = { ...progress, ...(message === undefined ? {} : { message }) };
  if (!message) return;
  job.log.push(message);
  if (job.log.length > maxLogLines) job.log.shift();
}

export function recordOf({ id, label, startedAt, endedAt, state, detached }: Job): JobRecord {
  const error = state.state === 'failed' ? state.error : undefined;
  return { id, label, startedAt, endedAt, state: state.state, error, access: detached?.access };
}

export function recalled(lost: JobRecord, session: string, now: number): Job {
  const { id, label, startedAt, endedAt = now, access } = lost;
  const detached = access === undefined ? undefined : { access };
  return { ...newJob({ id, session, label, detached, startedAt }), state: endOf(lost), endedAt };
}

export function describeJob({ id, label, startedAt, endedAt, progress, log, state }: Job): JobStatus {
  return { id, label, startedAt, endedAt, progress, log: [...log], ...state };
}
