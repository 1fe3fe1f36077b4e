// What a caller and `status` are told when a copy was stopped, did not start in time, or failed.
import { AppError } from '../base/errors.ts';
import type { Problem } from '../link/control.ts';

export function problemOf(error: AppError): Problem {
  return { code: error.code, message: error.message, ...(error.hint ? { hint: error.hint } : {}) };
}

export function stoppedError(server: string, reason: string): AppError {
  return new AppError({
    code: 'SERVER_CRASHED',
    message: `Server "${server}" was stopped (${reason}) while this call was running; it may or may not have taken effect.`,
    hint: 'It starts again with the next call.',
    data: { mayHaveRun: true },
  });
}

export function notSentError(server: string): AppError {
  return new AppError({
    code: 'SERVER_CRASHED',
    message: `Server "${server}" was stopped before this call was sent.`,
    hint: 'Try again: it starts with the next call.',
    data: { mayHaveRun: false },
  });
}

export function timeoutError(server: string, ms: number): AppError {
  return new AppError({
    code: 'SERVER_START_TIMEOUT',
    message: `Server "${server}" was not ready after ${Math.round(ms / 1000)} s and was ended.`,
    hint: `See \`mcp-proxy logs ${server}\`; the next call tries again.`,
  });
}

/** Whatever a start threw, as what a person can act on. */
export function startFailure(server: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const message = `Server "${server}" could not be started: ${String(cause)}.`;
  return new AppError({ code: 'SERVER_START_FAILED', message, cause });
}

export function crashLoop(server: string, deaths: number, last: string | undefined): AppError {
  const message = `Server "${server}" died ${deaths} times in a row and is not started again by itself. ${last ?? ''}`;
  return new AppError({
    code: 'SERVER_FAILED',
    message: message.trim(),
    hint: `After fixing it, run \`mcp-proxy restart ${server}\`; its output: \`mcp-proxy logs ${server}\`.`,
  });
}
