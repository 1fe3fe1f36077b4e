import { expect, it } from 'vitest';
import { AppError, type ErrorCode } from '../../../src/base/errors.ts';
import { ownCommand } from '../../../src/base/own-command.ts';
import { notRunError } from '../../../src/calls/not-run.ts';

const notRun = (code: ErrorCode, data?: Record<string, unknown>) =>
  notRunError('notes', new AppError({ code, message: 'It is so.', ...(data ? { data } : {}) }));

it.each([
  'DAEMON_GONE',
  'LIST_FAILED',
  'SERVER_CRASHED',
  'SERVER_START_TIMEOUT',
  'SERVER_STOPPED',
] as const)('says of %s that trying again is safe, though the same code may stand for a call that ran', (code) => {
  const error = notRun(code);
  expect(error).toMatchObject({ code, data: { mayHaveRun: false, retry: 'safe' } });
  expect(error.message).toContain('did not run; trying again is safe');
  expect(error.hint).toContain('logs notes');
});

it.each([
  'SERVER_FAILED',
  'SERVER_DISABLED',
  'SERVER_NEEDS_VARIABLE',
  'CONFIG_INVALID',
] as const)('says of %s that somebody has to mend it first', (code) => {
  const error = notRun(code, { exitCode: 3 });
  expect(error.data).toEqual({ exitCode: 3, mayHaveRun: false, retry: 'after-fix' });
  expect(error.message).toContain('does not help before that is mended');
  expect(error.hint).toContain('explain notes');
});

it('leaves an error that says all of it already', () => {
  const data = { mayHaveRun: false, retry: 'after-fix' };
  expect(notRun('SERVER_STOPPED', data)).toMatchObject({ message: 'It is so.', data });
});

it('names one command at most, and keeps the cause', () => {
  const cause = new Error('why');
  const hint = `Run \`${ownCommand('login s')}\`.`;
  const error = notRunError('s', new AppError({ code: 'SERVER_NEEDS_LOGIN', message: 'x', hint, cause }));
  expect(error.hint).toBe(hint);
  expect(error.cause).toBe(cause);
  const other = notRunError('s', new AppError({ code: 'SERVER_NEEDS_LOGIN', message: 'x', hint: 'Log in.' }));
  expect(other.hint).toBe(`Log in. More: \`${ownCommand('explain s')}\``);
});
