// The one error class and the catalogue of its codes. Every code has a line in docs/errors.md (a test compares the two).

export const errorCodes = [
  'BAD_ARGUMENT',
  'CONFIG_CONFLICT',
  'CONFIG_INVALID',
  'CONFIG_UNREADABLE',
  'CONFIG_UNSAFE',
  'DAEMON_BUSY',
  'DAEMON_GONE',
  'DAEMON_HUNG',
  'DAEMON_REFUSED',
  'DAEMON_START_FAILED',
  'DAEMON_UNFIT',
  'DEMO_FAILED',
  'DIRECTORY_UNSAFE',
  'FILE_CHANGED',
  'INPUT_REFUSED',
  'JOB_LIMIT',
  'JOB_UNKNOWN',
  'LIST_FAILED',
  'MESSAGE_INVALID',
  'MESSAGE_TOO_LARGE',
  'MIGRATION_BUSY',
  'MIGRATION_FAILED',
  'MIGRATION_REFUSED',
  'NODE_TOO_OLD',
  'NOTHING_TO_UNDO',
  'NOT_RUNNING',
  'PATH_RELATIVE',
  'RESULT_UNKNOWN',
  'SERVER_CRASHED',
  'SERVER_DISABLED',
  'SERVER_EXISTS',
  'SERVER_FAILED',
  'SERVER_HUNG',
  'SERVER_NEEDS_LOGIN',
  'SERVER_NEEDS_PROJECT',
  'SERVER_NEEDS_VARIABLE',
  'SERVER_NOT_INSTALLED',
  'SERVER_OVERLOADED',
  'SERVER_START_FAILED',
  'SERVER_START_TIMEOUT',
  'SERVER_STOPPED',
  'SERVER_UNKNOWN',
  'SETTINGS_DIFFER',
  'TOOL_CANCELLED',
  'TOOL_UNKNOWN',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export type AppErrorInit = {
  code: ErrorCode;
  /** What happened, to what, with the value. */
  message: string;
  /** What to do next, as a command when there is one. */
  hint?: string;
  cause?: unknown;
  data?: Record<string, unknown>;
};

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Record<string, unknown> | undefined;

  constructor(init: AppErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause });
    this.name = 'AppError';
    this.code = init.code;
    this.hint = init.hint;
    this.data = init.data;
  }
}

/** The code of a system error (`ENOENT` …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** One line for a person: message and hint. */
export function describeError(error: unknown): string {
  if (error instanceof AppError) return error.hint ? `${error.message} ${error.hint}` : error.message;
  return error instanceof Error ? error.message : String(error);
}

/** The chain of causes for the log, outermost first. */
export function causeChain(error: unknown): string[] {
  const chain: string[] = [];
  for (let at: unknown = error; at !== undefined && chain.length < 8; ) {
    chain.push(at instanceof Error ? `${at.name}: ${at.message}` : String(at));
    at = at instanceof Error ? at.cause : undefined;
  }
  return chain;
}
