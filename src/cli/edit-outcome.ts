// What a change of the config file means now: a running daemon reloads by itself.
import type { EditResult } from '../config/edit.ts';
import type { CommandContext } from './command.ts';
import { plural, shortPath } from './render/format.ts';
import { wrapText } from './render/text-width.ts';
import { findStatus } from './running.ts';

export type Effect = {
  /** With a daemon, after "3 sessions are open; ". */
  live: string;
  /** Without one. */
  later: string;
};

export async function printEditOutcome(context: CommandContext, result: EditResult, effect: Effect): Promise<void> {
  const { terminal, home } = context;
  const file = shortPath(result.path, home);
  terminal.print(`Config: ${file}${result.isCreated ? ' (created)' : ''}`);
  const { status, problem } = await findStatus(context);
  if (problem)
    terminal.print(...wrapText(`A daemon is there but does not answer now: ${problem.message}`, terminal.width));
  else if (!status) terminal.print(effect.later);
  else if (status.daemon.configPath !== context.locations.configPath) {
    terminal.print(`The running daemon reads another file: ${shortPath(status.daemon.configPath, home)}`);
  } else {
    const sessions = status.sessions.length;
    const open = sessions === 1 ? '1 session is open' : `${plural(sessions, 'session')} are open`;
    terminal.print(...wrapText(`A daemon runs and reloads by itself; ${open}: ${effect.live}`, terminal.width));
  }
}
