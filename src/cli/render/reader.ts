// What every text for people needs to know about its reader, and the pieces they share.
import type { Problem } from '../../link/control.ts';
import type { Paint } from './style.ts';
import type { Terminal } from './terminal.ts';
import { wrapText } from './text-width.ts';

export type Reader = {
  width: number;
  paint: Paint;
  home: string | undefined;
  now: number;
  hint: (text: string) => string;
};

type ReaderSource = { terminal: Terminal; home: string; now: () => number; hint: Reader['hint'] };

export function problemLines(problem: Problem, reader: Reader, indent = '  '): string[] {
  const width = reader.width - indent.length;
  const lines = wrapText(reader.hint(problem.message), width).map((line) => indent + reader.paint('red', line));
  if (problem.hint) lines.push(...wrapText(reader.hint(problem.hint), width).map((line) => indent + line));
  return lines;
}

/** A label of eight columns and a text that goes on below itself. */
export function labelled(label: string, text: string, reader: Reader): string[] {
  const [first = '', ...more] = wrapText(text, reader.width - 8);
  return [`${label.padEnd(8)}${first}`, ...more.map((line) => ' '.repeat(8) + line)];
}

/** Of a command's context: who reads it, and when. */
export function readerOf({ terminal, home, now, hint }: ReaderSource): Reader {
  return { width: terminal.width, paint: terminal.paint, home, now: now(), hint };
}
