// The program of the thread for large results; the build puts it as text into the daemon.
import { parentPort } from 'node:worker_threads';
import { type HeavyTask, runHeavyTask } from './heavy-task.ts';

parentPort?.on('message', ({ id, task }: { id: number; task: HeavyTask }) => {
  parentPort?.postMessage({ id, outcome: runHeavyTask(task) });
});
