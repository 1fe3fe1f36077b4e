// What a change of the config file means now: a daemon that runs takes it before the command ends.
import { AppError, describeError } from '../base/errors.ts';
import type { EditResult } from '../config/edit.ts';
import type { Problem } from '../link/control.ts';
import type { CommandContext } from './command.ts';
import { plural, shortPath } from './render/format.ts';
import { problemLines, readerOf } from './render/reader.ts';
import { wrapText } from './render/text-width.ts';

export type Effect = {
  /** With a daemon, after "3 sessions are open: ". */
  live: string;
  /** Without one. */
  later: string;
};

type Taken =
  | { kind: 'absent' }
  | { kind: 'other'; configPath: string }
  | { kind: 'taken'; sessions: number; problem: Problem | undefined }
  | { kind: 'silent'; why: string };

export async function printEditOutcome(context: CommandContext, result: EditResult, effect: Effect): Promise<void> {
  const { terminal, home } = context;
  const say = (text: string) => terminal.print(...wrapText(text, terminal.width));
  terminal.print(`Config: ${shortPath(result.path, home)}${result.isCreated ? ' (created)' : ''}`);
  const taken = await terminal.progress('Telling the daemon', () => tellDaemon(context));
  switch (taken.kind) {
    case 'absent':
      return terminal.print(effect.later);
    case 'other':
      return terminal.print(`The running daemon reads another file: ${shortPath(taken.configPath, home)}`);
    case 'silent':
      return say(`A daemon runs and did not say that it has taken this; it reads the file by itself. ${taken.why}`);
    case 'taken': {
      if (taken.problem) {
        say('The running daemon keeps its last good configuration:');
        return terminal.print(...problemLines(taken.problem, readerOf(context)));
      }
      const open = taken.sessions === 1 ? '1 session is open' : `${plural(taken.sessions, 'session')} are open`;
      return say(`The running daemon has taken it; ${open}: ${effect.live}`);
    }
  }
}

async function tellDaemon({ daemon, locations }: CommandContext): Promise<Taken> {
  try {
    const client = await daemon.find();
    if (!client) return { kind: 'absent' };
    const { daemon: running, sessions } = await client.status();
    if (running.configPath !== locations.configPath) return { kind: 'other', configPath: running.configPath };
    return { kind: 'taken', sessions: sessions.length, problem: await client.reload() };
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_RUNNING') return { kind: 'absent' };
    return { kind: 'silent', why: describeError(error) };
  }
}
