// Where a command's words go. The only writer of stdout and stderr in the CLI, and so the last step for text of others:
// nothing but our own styles reaches the terminal as more than text, whatever a command forgot.
import type { Writable } from 'node:stream';
import { jsonText, plainText, visible } from '../../base/plain-text.ts';
import type { Environment } from '../../link/locations.ts';
import { createStyles, type Paint, plain } from './style.ts';

export type Terminal = {
  /** stdout, one or several whole lines; a line break inside one is written out like any other control character. */
  print: (...lines: readonly string[]) => void;
  /** stdout, several lines of somebody's prose: what a tool returned. */
  prose: (text: string) => void;
  /** stdout, for programs. */
  json: (value: unknown, indent?: number) => void;
  /** Fills the screen anew, without flicker; on anything but a terminal the lines follow those before. */
  redraw: (lines: readonly string[]) => void;
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
  const styles = hasColours ? createStyles() : undefined;
  const shown = (line: string) => (styles ? styles.finish(line, visible) : visible(line));
  const print = (...lines: readonly string[]) => {
    stdout.write(lines.map((line) => `${shown(line)}\n`).join(''));
  };
  const note = (...lines: readonly string[]) => {
    if (isForSkill) print(...lines);
    else stderr.write(lines.map((line) => `${shown(line)}\n`).join(''));
  };
  let isCleared = false;
  return {
    print,
    prose: (text) => void stdout.write(`${plainText(text)}\n`),
    json: (value, indent = 2) => void stdout.write(`${jsonText(value, indent)}\n`),
    redraw: (lines) => {
      if (!isInteractive) return print(...lines, '');
      const clear = isCleared ? '' : '\u001b[2J';
      isCleared = true;
      // Home, then each line to its end, then the rest of the screen.
      stdout.write(`${clear}\u001b[H${lines.map((line) => `${shown(line)}\u001b[K\n`).join('')}\u001b[J`);
    },
    note,
    paint: styles?.paint ?? plain,
    width: isInteractive ? Math.max(40, stdout.columns ?? defaultWidth) : defaultWidth,
    isInteractive,
    progress: async (what, work) => {
      if (isForSkill) return work();
      const timer = setTimeout(() => stderr.write(`${shown(what)} …\n`), progressAfterMs);
      timer.unref();
      try {
        return await work();
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
