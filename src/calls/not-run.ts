// A call that waited for a copy of its server and got none. A model must know that it did not run, and whether to repeat
// it; a person needs a command that works as it stands.
import { AppError, type ErrorCode } from '../base/errors.ts';
import type { Edit } from '../base/json-scan.ts';
import { ownCommand } from '../base/own-command.ts';
import { type ResponseEnvelope, withEdits } from '../mcp/envelope.ts';

/** What may be gone at the next try. Everything else waits for somebody to mend it. */
const passing: ReadonlySet<ErrorCode> = new Set([
  'DAEMON_GONE',
  'LIST_FAILED',
  'SERVER_CRASHED',
  'SERVER_OVERLOADED',
  'SERVER_START_FAILED',
  'SERVER_START_TIMEOUT',
  'SERVER_STOPPED',
]);

export function notRunError(server: string, error: AppError): AppError {
  const { code, message, hint, data, cause } = error;
  if (data?.['mayHaveRun'] === false && data['retry'] !== undefined) return error;
  const retry = passing.has(code) ? 'safe' : 'after-fix';
  const outlook = retry === 'safe' ? 'trying again is safe' : 'trying again does not help before that is mended';
  const verb = retry === 'safe' ? 'logs' : 'explain';
  const command = hint?.includes(ownCommand('')) ? '' : `More: \`${ownCommand(`${verb} ${server}`)}\``;
  return new AppError({
    code,
    message: `${message} The call did not run; ${outlook}.`,
    hint: [hint, command].filter(Boolean).join(' '),
    data: { ...data, mayHaveRun: false, retry },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A server answered the call of one of our own tools with a protocol error: the host gets that very error. */
export class RefusedByServer extends Error {
  readonly #envelope: ResponseEnvelope;
  readonly #edits: readonly Edit[];

  /** `edits`: what differs in it, where it is too large to be handed on. */
  constructor(envelope: ResponseEnvelope, edits: readonly Edit[] = []) {
    super('the server refused the call');
    this.name = 'RefusedByServer';
    this.#envelope = envelope;
    this.#edits = edits;
  }

  lineFor(idText: string): Buffer {
    return withEdits(this.#envelope.line, [{ at: this.#envelope.id, with: idText }, ...this.#edits]);
  }
}
