// Work whose end nobody can promise: how long a schema runs is up to the server that wrote it. One piece after the other in
// a thread of their own, which is ended with the piece whose time is up.
import { Worker } from 'node:worker_threads';
import { numberMark } from './exact-json.ts';
import { type HeavyOutcome, type HeavyTask, runHeavyTask } from './heavy-task.ts';

/** Calls of one tool come in bursts; a thread costs 40 ms to start and 10 MB to keep. */
const idleMs = 5_000;

type Thread = { readonly worker: Worker; readonly isOnline: Promise<unknown> };

export class LimitedWork {
  readonly #source: string;
  #last: Promise<unknown> = Promise.resolve();
  #thread: Thread | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** `source`: as in heavy-work.ts; without a thread there is no limit either. */
  constructor(source: string) {
    this.#source = source;
  }

  /** undefined: it failed, or was not done in time. */
  async run(task: HeavyTask, limitMs: number): Promise<HeavyOutcome | undefined> {
    const run = () => (this.#source === '' ? runHeavyTask(task) : this.#runInThread(task, limitMs));
    const done = this.#last.then(run);
    this.#last = done.catch(() => undefined);
    const outcome = await done;
    return outcome?.kind === 'failed' ? undefined : outcome;
  }

  close(): void {
    clearTimeout(this.#idle);
    void this.#thread?.worker.terminate();
    this.#thread = undefined;
  }

  #start(): Thread {
    const worker = new Worker(this.#source, { eval: true, workerData: { numberMark } });
    // The daemon's end must not wait for it.
    worker.unref();
    const isOver = (): void => {
      if (this.#thread?.worker === worker) this.#thread = undefined;
    };
    worker.on('error', isOver);
    worker.on('exit', isOver);
    // A start on a busy machine must not use up the time of the work.
    const isOnline = new Promise((resolve) => {
      worker.once('online', resolve);
      worker.once('exit', resolve);
    });
    return { worker, isOnline };
  }

  async #runInThread(task: HeavyTask, limitMs: number): Promise<HeavyOutcome | undefined> {
    clearTimeout(this.#idle);
    this.#thread ??= this.#start();
    const { worker, isOnline } = this.#thread;
    await isOnline;
    return new Promise((resolve) => {
      const finish = (outcome: HeavyOutcome | undefined): void => {
        clearTimeout(timer);
        worker.off('message', answered);
        worker.off('exit', lost);
        this.#idle = setTimeout(() => this.close(), idleMs).unref();
        resolve(outcome);
      };
      const answered = ({ outcome }: { outcome: HeavyOutcome }): void => finish(outcome);
      const lost = (): void => finish(undefined);
      const timer = setTimeout(() => {
        if (this.#thread?.worker === worker) this.close();
        lost();
      }, limitMs);
      worker.on('message', answered);
      worker.on('exit', lost);
      worker.postMessage({ id: 0, task });
      // Its end came before we listened.
      if (this.#thread?.worker !== worker) lost();
    });
  }
}
