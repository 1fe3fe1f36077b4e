// A call that waited for a copy of its server and got none. A model must know that it did not run, and whether to repeat
// it; a person needs a command that works as it stands.
import { AppError, callFate } from '../base/errors.ts';
import { ownCommand } from '../base/own-command.ts';

export function notRunError(server: string, error: AppError): AppError {
  const { code, message, hint, data, cause } = error;
  if (data?.['mayHaveRun'] === false && data['retry'] !== undefined) return error;
  const fate = callFate(code, false);
  const isSafe = fate.retry === 'safe';
  const outlook = isSafe ? 'trying again is safe' : 'trying again does not help before that is mended';
  const verb = isSafe ? 'logs' : 'explain';
  const command = hint?.includes(ownCommand('')) ? '' : `More: \`${ownCommand(`${verb} ${server}`)}\``;
  return new AppError({
    code,
    message: `${message} The call did not run; ${outlook}.`,
    hint: [hint, command].filter(Boolean).join(' '),
    data: { ...data, ...fate },
    ...(cause === undefined ? {} : { cause }),
  });
}
