// One piece of work on a large result, in whichever thread.

import { AppError } from '../base/errors.ts';
import { readResultBytes, readSpilled } from './exact-json.ts';
import { type ResultView, type ViewRequest, viewResult } from './result-view.ts';
import { shieldResult } from './shield.ts';
import type { ShieldPolicy } from './shrink.ts';
import { readCheck, readRule, type StructureMistake } from './structure-rule.ts';

export type HeavyTask =
  | {
      readonly kind: 'shorten';
      /** A tool's result as JSON. */
      readonly bytes: Uint8Array;
      readonly policy: Omit<ShieldPolicy, 'isValidStructure'>;
      /** Under which the whole will be kept; absent: it is too large to keep. */
      readonly ref: string | undefined;
      /** Of the structure, where its tool has an output schema (see structure-rule.ts). */
      readonly ruleCode?: string | undefined;
    }
  | { readonly kind: 'view'; readonly path: string; readonly ref: string; readonly request: ViewRequest }
  /** A value against the code of its schema (see structure-rule.ts). */
  | { readonly kind: 'check'; readonly code: string; readonly value: unknown };

export type HeavyOutcome =
  | { readonly kind: 'unchanged' }
  /** The shortened result as JSON, with marked numbers (see exact-json.ts). */
  | { readonly kind: 'shortened'; readonly text: string }
  | { readonly kind: 'view'; readonly view: ResultView }
  | { readonly kind: 'checked'; readonly mistakes: readonly StructureMistake[] }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly hint?: string | undefined };

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
