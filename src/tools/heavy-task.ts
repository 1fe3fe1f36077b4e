// One piece of work on a large result, in whichever thread.
import { readFileSync } from 'node:fs';
import { AppError } from '../base/errors.ts';
import { stringifyExact } from './exact-json.ts';
import type { HeavyOutcome, HeavyTask } from './heavy-work.ts';
import { viewResult } from './result-view.ts';
import { shieldResult } from './shield.ts';

/** Paging through one result parses it once. */
let lastRead: { readonly ref: string; readonly result: unknown } | undefined;

export function runHeavyTask(task: HeavyTask): HeavyOutcome {
  try {
    if (task.kind === 'view') {
      if (lastRead?.ref !== task.ref) lastRead = { ref: task.ref, result: JSON.parse(readFileSync(task.path, 'utf8')) };
      return { kind: 'view', view: viewResult(lastRead.result, task.request) };
    }
    const { bytes, policy, ref } = task;
    const result: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    const shielded = shieldResult(result, policy, { put: () => ref }).result;
    return shielded === result ? { kind: 'unchanged' } : { kind: 'shortened', text: stringifyExact(shielded) };
  } catch (error) {
    if (error instanceof AppError) {
      return { kind: 'failed', code: error.code, message: error.message, hint: error.hint };
    }
    return { kind: 'failed', code: '', message: error instanceof Error ? error.message : String(error) };
  }
}
