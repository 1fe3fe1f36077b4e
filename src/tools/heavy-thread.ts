// The program of the thread for large results; the build puts it as text into the daemon.
import { parentPort } from 'node:worker_threads';
import { runHeavyTask } from './heavy-task.ts';
import type { HeavyTask } from './heavy-work.ts';

parentPort?.on('message', ({ id, task }: { id: number; task: HeavyTask }) => {
  parentPort?.postMessage({ id, outcome: runHeavyTask(task) });
});
