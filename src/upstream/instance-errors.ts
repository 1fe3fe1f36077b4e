// What a caller and `status` are told when a copy was stopped, did not start in time, or failed.
import { AppError } from '../base/errors.ts';
import { ownCommand } from '../base/own-command.ts';
import type { Problem } from '../link/control.ts';

export function problemOf(error: AppError): Problem {
  return { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) };
}

/** The call did not reach the server. `goesOn`: another copy may have it, without asking anybody. */
export class NotSentError extends AppError {
  readonly goesOn: boolean;

  constructor(message: string, { next }: Pick<StopCause, 'next'>) {
    const isOver = next === 'never';
    super({
      code: 'SERVER_STOPPED',
      message: `${message} The call did not run.`,
      hint: isOver ? `See what there is: ${ownCommand('list')}` : 'Try again: the next call starts it.',
      data: { mayHaveRun: false, retry: isOver ? 'after-fix' : 'safe' },
    });
    this.goesOn = next === 'at once';
  }
}

export function notSentError(server: string, cause: StopCause): NotSentError {
  return new NotSentError(`Server "${server}" was stopped before this call was sent: ${cause.why}.`, cause);
}

/** For what was waiting for its turn when the server ended by itself. */
export function diedBeforeError(server: string): NotSentError {
  return new NotSentError(`Server "${server}" ended before this call was sent.`, { next: 'at once' });
}

export function stoppedError(server: string, { why, next }: StopCause): AppError {
  const check = 'Check what happened before you repeat something that changes state.';
  return new AppError({
    code: 'SERVER_STOPPED',
    message: `Server "${server}" was stopped while this call was running: ${why}. The call may or may not have taken effect.`,
    hint:
      next === 'never'
        ? `${check} See what there is: ${ownCommand('list')}`
        : `The next call starts it again. ${check}`,
    data: { mayHaveRun: true, retry: 'check-first' },
  });
}

export function timeoutError(server: string, ms: number): AppError {
  return new AppError({
    code: 'SERVER_START_TIMEOUT',
    message: `Server "${server}" was not ready after ${Math.round(ms / 1000)} s and was ended.`,
    hint: `See \`${ownCommand(`logs ${server}`)}\`; the next call tries again.`,
  });
}

/** Whatever a start threw, as what a person can act on. */
export function startFailure(server: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const message = `Server "${server}" could not be started: ${String(cause)}.`;
  return new AppError({ code: 'SERVER_START_FAILED', message, cause });
}

export function crashLoop(
  server: string,
  deaths: number,
  last: { message: string | undefined; data: Record<string, unknown> },
): AppError {
  const message = `Server "${server}" died ${deaths} times in a row and is left alone for a while. ${last.message ?? ''}`;
  return new AppError({
    code: 'SERVER_FAILED',
    message: message.trim(),
    data: last.data,
    hint: `It is tried again for the next session, and after a pause. After fixing it, run \`${ownCommand(`restart ${server}`)}\`; its output: \`${ownCommand(`logs ${server}`)}\`.`,
  });
}

// Why we end a copy that did nothing wrong: whoever had a call there is told so, and not that its server crashed.
export type StopCause = {
  /** Completes "was stopped: ". */
  why: string;
  /** What comes instead: another copy takes the calls that were not sent; only the next call starts one; nothing. */
  next: 'at once' | 'on demand' | 'never';
};

export const stopCauses = {
  restarted: { why: 'a person restarted it', next: 'at once' },
  stoppedByPerson: { why: 'a person stopped it', next: 'on demand' },
  changed: { why: 'its entry in the configuration changed', next: 'at once' },
  removed: { why: 'its entry was removed from the configuration or disabled', next: 'never' },
  sharingChanged: { why: 'its sharing changed', next: 'at once' },
  idle: { why: 'it was idle', next: 'at once' },
  sessionEnded: { why: 'its session ended', next: 'on demand' },
  notUsed: { why: 'no session uses it', next: 'at once' },
} as const satisfies Record<string, StopCause>;

export function daemonEnds(reason: string): StopCause {
  return { why: `the mcp-proxy daemon ended (${reason})`, next: 'on demand' };
}
