// One piece of work on a large result, in whichever thread.
import { AppError } from '../base/errors.ts';
import type { HeavyOutcome, HeavyTask } from './heavy-work.ts';
import { readResultBytes, readSpilled } from './result-bytes.ts';
import { viewResult } from './result-view.ts';
import { shieldResult } from './shield.ts';
import { readCheck, readRule } from './structure-rule.ts';

/** Paging through one result parses it once. */
let lastRead: { readonly ref: string; readonly result: unknown } | undefined;

export function runHeavyTask(task: HeavyTask): HeavyOutcome {
  try {
    if (task.kind === 'view') {
      if (lastRead?.ref !== task.ref) lastRead = { ref: task.ref, result: readSpilled(task.path) };
      return { kind: 'view', view: viewResult(lastRead.result, task.request) };
    }
    if (task.kind === 'check') return { kind: 'checked', mistakes: readCheck(task.code)(task.value) };
    const { bytes, policy, ref, ruleCode } = task;
    const result = readResultBytes(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    const bound = ruleCode === undefined ? policy : { ...policy, isValidStructure: readRule(ruleCode) };
    const shielded = shieldResult(result, bound, { put: () => ref }).result;
    return shielded === result ? { kind: 'unchanged' } : { kind: 'shortened', text: JSON.stringify(shielded) };
  } catch (error) {
    if (error instanceof AppError) {
      return { kind: 'failed', code: error.code, message: error.message, hint: error.hint };
    }
    return { kind: 'failed', code: '', message: error instanceof Error ? error.message : String(error) };
  }
}
