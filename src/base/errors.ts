// The one error class and the table of its codes: one row says all that programs do with one. What each means to a person
// stands in scripts/error-texts.ts; docs/errors.md is made of both.

export type ErrorRow = {
  /** HTTP status in the control API. */
  status: 400 | 404 | 500 | 502 | 503;
  /** Name of the JSON-RPC code, where the answer is an error of the protocol. */
  rpc: 'internal' | 'invalidParams' | 'unavailable';
  /** For a call that did not run. safe: the cause may be gone at the next try; else somebody has to mend it. */
  retry: 'after-fix' | 'safe';
  /** Where the code alone tells whether a call ran. */
  mayHaveRun?: boolean;
};

const mended = { status: 503, rpc: 'unavailable', retry: 'after-fix' } as const satisfies ErrorRow;
const passing = { ...mended, retry: 'safe' } as const satisfies ErrorRow;
/** The call was not sent. */
const unsent = { ...mended, mayHaveRun: false } as const satisfies ErrorRow;
const unsentNow = { ...passing, mayHaveRun: false } as const satisfies ErrorRow;
const doubtful = { ...mended, mayHaveRun: true } as const satisfies ErrorRow;

export const errorRows = {
  BAD_ARGUMENT: { ...unsent, status: 400, rpc: 'invalidParams' },
  CALL_REFUSED: { ...mended, status: 502 },
  CALL_TIMEOUT: doubtful,
  CONFIG_CONFLICT: mended,
  CONFIG_INVALID: mended,
  CONFIG_UNREADABLE: mended,
  CONFIG_UNSAFE: mended,
  DAEMON_BUSY: passing,
  DAEMON_GONE: passing,
  DAEMON_HUNG: mended,
  DAEMON_REFUSED: mended,
  DAEMON_START_FAILED: mended,
  DAEMON_UNFIT: mended,
  DEMO_FAILED: mended,
  DIRECTORY_UNSAFE: mended,
  FILE_CHANGED: mended,
  INPUT_REFUSED: mended,
  INTERNAL: { ...mended, status: 500, rpc: 'internal' },
  JOB_LIMIT: unsent,
  JOB_UNKNOWN: mended,
  LIST_FAILED: unsentNow,
  MESSAGE_INVALID: doubtful,
  MESSAGE_TOO_LARGE: { ...mended, status: 400 },
  MIGRATION_BUSY: mended,
  MIGRATION_FAILED: mended,
  MIGRATION_REFUSED: mended,
  NODE_TOO_OLD: mended,
  NOTHING_TO_UNDO: mended,
  NOT_RUNNING: mended,
  PATH_RELATIVE: mended,
  RESULT_UNKNOWN: mended,
  SERVER_CRASHED: passing,
  SERVER_DISABLED: unsent,
  SERVER_EXISTS: mended,
  SERVER_FAILED: mended,
  SERVER_HUNG: mended,
  SERVER_NEEDS_LOGIN: unsent,
  SERVER_NEEDS_PROJECT: unsent,
  SERVER_NEEDS_VARIABLE: unsent,
  SERVER_NOT_INSTALLED: unsent,
  SERVER_OVERLOADED: unsentNow,
  SERVER_START_FAILED: passing,
  SERVER_START_TIMEOUT: unsentNow,
  SERVER_STOPPED: passing,
  SERVER_UNKNOWN: { ...unsent, status: 404 },
  SETTINGS_DIFFER: mended,
  TOOL_CANCELLED: mended,
  TOOL_UNKNOWN: { ...unsent, status: 404, rpc: 'invalidParams' },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorRows;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorRows, value);
}

export function errorRow(code: ErrorCode): ErrorRow {
  return errorRows[code];
}

/** What a call that failed says of itself: whether it may have run, and with that whether to repeat it. */
export function callFate(
  code: ErrorCode,
  mayHaveRun = errorRow(code).mayHaveRun ?? true,
): { mayHaveRun: boolean; retry: 'after-fix' | 'check-first' | 'safe' } {
  return { mayHaveRun, retry: mayHaveRun ? 'check-first' : errorRow(code).retry };
}

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
