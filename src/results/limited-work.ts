// Work whose end nobody can promise: how long a schema runs is up to the server that wrote it. One piece after the other in
// a thread of their own, which is ended with the piece whose time is up.
import { Worker } from 'node:worker_threads';
import { numberMark } from './exact-json.ts';
import { type HeavyOutcome, type HeavyTask, runHeavyTask } from './heavy-task.ts';

export type LimitedWork = {
  /** undefined: it failed, or was not done in time. */
  run(task: HeavyTask, limitMs: number): Promise<HeavyOutcome | undefined>;
  close(): void;
};

/** Calls of one tool come in bursts; a thread costs 40 ms to start and 10 MB to keep. */
const idleMs = 5_000;

/** `source`: as in heavy-work.ts; without a thread there is no limit either. */
export function createLimitedWork(source: string): LimitedWork {
  let last: Promise<unknown> = Promise.resolve();
  let thread: { readonly worker: Worker; readonly isOnline: Promise<unknown> } | undefined;
  let idle: NodeJS.Timeout | undefined;

  const end = (): void => {
    clearTimeout(idle);
    void thread?.worker.terminate();
    thread = undefined;
  };
  const start = () => {
    const worker = new Worker(source, { eval: true, workerData: { numberMark } });
    // The daemon's end must not wait for it.
    worker.unref();
    const isOver = (): void => {
      if (thread?.worker === worker) thread = undefined;
    };
    worker.on('error', isOver);
    worker.on('exit', isOver);
    // A start on a busy machine must not use up the time of the work.
    const isOnline = new Promise((resolve) => {
      worker.once('online', resolve);
      worker.once('exit', resolve);
    });
    return { worker, isOnline };
  };
  const runNow = async (task: HeavyTask, limitMs: number): Promise<HeavyOutcome | undefined> => {
    clearTimeout(idle);
    thread ??= start();
    const { worker, isOnline } = thread;
    await isOnline;
    return new Promise((resolve) => {
      const finish = (outcome: HeavyOutcome | undefined): void => {
        clearTimeout(timer);
        worker.off('message', answered);
        worker.off('exit', lost);
        idle = setTimeout(end, idleMs).unref();
        resolve(outcome?.kind === 'failed' ? undefined : outcome);
      };
      const answered = ({ outcome }: { outcome: HeavyOutcome }): void => finish(outcome);
      const lost = (): void => finish(undefined);
      const timer = setTimeout(() => {
        if (thread?.worker === worker) end();
        lost();
      }, limitMs);
      worker.on('message', answered);
      worker.on('exit', lost);
      worker.postMessage({ id: 0, task });
      // Its end came before we listened.
      if (thread?.worker !== worker) lost();
    });
  };
  return {
    run(task, limitMs) {
      if (source === '') {
        const outcome = runHeavyTask(task);
        return Promise.resolve(outcome.kind === 'failed' ? undefined : outcome);
      }
      const done = last.then(() => runNow(task, limitMs));
      last = done;
      return done;
    },
    close: end,
  };
}
