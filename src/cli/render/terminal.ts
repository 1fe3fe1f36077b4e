// Where a command's words go. The only writer of stdout and stderr in the CLI.
import type { Writable } from 'node:stream';
import type { Environment } from '../../link/locations.ts';
import { coloured, type Paint, plain } from './style.ts';

export type Terminal = {
  /** stdout, one or several whole lines. */
  print: (...lines: readonly string[]) => void;
  /** stdout, as it is: output of programs, frames of `--watch`. */
  write: (text: string) => void;
  /** stderr; stdout when the slash command asks, which shows nothing else. */
  note: (...lines: readonly string[]) => void;
  paint: Paint;
  /** Columns to lay out for. */
  width: number;
  isInteractive: boolean;
  /** Runs `work`; if that takes over a second, a line on stderr says what is being waited for. */
  progress: <T>(what: string, work: () => Promise<T>) => Promise<T>;
};

export type TerminalDeps = {
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean };
  env: Environment;
  isForSkill: boolean;
};

/** Where nobody says how wide it is, lines stay readable in a standard window. */
const defaultWidth = 80;
/** People take a second as "at once"; a line for less only flickers. */
const progressAfterMs = 1_000;

export function createTerminal({ stdout, stderr, env, isForSkill }: TerminalDeps): Terminal {
  const isInteractive = stdout.isTTY === true && !isForSkill;
  const hasColours = isInteractive && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const print = (...lines: readonly string[]) => {
    stdout.write(lines.map((line) => `${line}\n`).join(''));
  };
  const note = (...lines: readonly string[]) => {
    if (isForSkill) print(...lines);
    else stderr.write(lines.map((line) => `${line}\n`).join(''));
  };
  return {
    print,
    write: (text) => void stdout.write(text),
    note,
    paint: hasColours ? coloured : plain,
    width: isInteractive ? Math.max(40, stdout.columns ?? defaultWidth) : defaultWidth,
    isInteractive,
    progress: async (what, work) => {
      if (isForSkill) return work();
      const timer = setTimeout(() => stderr.write(`${what} …\n`), progressAfterMs);
      timer.unref();
      try {
        return await work();
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
