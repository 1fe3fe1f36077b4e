// Looking at a daemon without starting one.
import { AppError, describeError } from '../base/errors.ts';
import type { StatusReport } from '../link/control.ts';
import type { CommandContext } from './command.ts';

export type FoundStatus = { status?: StatusReport; problem?: AppError };

/** For commands that can do without: a daemon that is there and does not answer is a problem to show, not an end. */
export async function findStatus({
  daemon,
  terminal,
}: Pick<CommandContext, 'daemon' | 'terminal'>): Promise<FoundStatus> {
  try {
    const client = await terminal.progress('Asking the daemon', () => daemon.find());
    return client ? { status: await terminal.progress('Asking the daemon', () => client.status()) } : {};
  } catch (error) {
    if (error instanceof AppError) return { problem: error };
    return { problem: new AppError({ code: 'DAEMON_BUSY', message: describeError(error), cause: error }) };
  }
}
