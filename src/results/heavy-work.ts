// Large results are shortened and read in a thread of their own: the sixteen megabytes of one session must not hold the
// calls of all others. The thread is started when it is first needed and ends when nothing needed it for a while.
import { Worker } from 'node:worker_threads';
import { AppError, isErrorCode } from '../base/errors.ts';
import { numberMark } from './exact-json.ts';
import { type HeavyOutcome, type HeavyTask, runHeavyTask } from './heavy-task.ts';

/** Larger results go to the thread: below it, starting one and copying costs more than the work (a few milliseconds). */
export const heavyBytes = 1_048_576;

export type HeavyWork = {
  /** Rejects with the AppError of the task. */
  run(task: HeavyTask): Promise<HeavyOutcome>;
  close(): void;
};

/**
 * A model that pages through a result asks again within seconds; the parsed result lies in the thread that long. Not longer:
 * sixteen megabytes of JSON leave 150 MB and more in it, which only its end gives back, and reading them again costs others
 * nothing.
 */
const idleMs = 5_000;
/** V8 would take six times that before it looks what is left. No limit for the rest: reaching one ends the whole process. */
const resourceLimits = { maxYoungGenerationSizeMb: 8 };

/** `source`: the thread's program; empty: there is none in this build, and the work is done in the caller's thread. */
export function createHeavyWork(source: string): HeavyWork {
  const waiting = new Map<number, { resolve: (outcome: HeavyOutcome) => void; reject: (error: Error) => void }>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let lastId = 0;

  const lose = (gone: Worker, error: Error): void => {
    if (worker !== gone) return;
    worker = undefined;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const end = (): void => {
    clearTimeout(idle);
    const gone = worker;
    if (!gone) return;
    lose(gone, new Error('the thread for large results was ended'));
    void gone.terminate();
  };
  const start = (): Worker => {
    const started = new Worker(source, { eval: true, resourceLimits, workerData: { numberMark } });
    started.on('message', ({ id, outcome }: { id: number; outcome: HeavyOutcome }) => {
      waiting.get(id)?.resolve(outcome);
      waiting.delete(id);
      if (waiting.size === 0) idle = setTimeout(end, idleMs).unref();
    });
    started.on('error', (error: Error) => lose(started, error));
    started.on('exit', (code) => lose(started, new Error(`the thread for large results ended with ${code}`)));
    // The daemon's end must not wait for it.
    started.unref();
    return started;
  };
  return {
    async run(task) {
      if (source === '') return checked(runHeavyTask(task));
      clearTimeout(idle);
      worker ??= start();
      const current = worker;
      lastId += 1;
      const id = lastId;
      const answer = new Promise<HeavyOutcome>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        current.postMessage({ id, task });
      });
      // The call has run at its server: a thread that died must not cost its result.
      return checked(await answer.catch(() => runHeavyTask(task)));
    },
    close: end,
  };
}

function checked(outcome: HeavyOutcome): HeavyOutcome {
  if (outcome.kind !== 'failed') return outcome;
  if (!isErrorCode(outcome.code)) throw new Error(outcome.message);
  throw new AppError({ code: outcome.code, message: outcome.message, ...(outcome.hint ? { hint: outcome.hint } : {}) });
}
