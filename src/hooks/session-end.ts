// Takes the record away when the host really ends. After /clear and /resume the process lives on under a new session id.
import { removeRecord } from '../link/record.ts';
import { type HookContext, recordSession } from './session-start.ts';

const goesOn: ReadonlySet<string> = new Set(['clear', 'resume']);

export function endSession(context: HookContext, reason: string | undefined): void {
  if (reason !== undefined && goesOn.has(reason)) recordSession(context);
  else removeRecord(context.recordsDir, context.pid);
}
