// What every text for people needs to know about its reader, and the pieces they share.
import type { Problem } from '../../link/control.ts';
import type { Paint } from './style.ts';
import type { Terminal } from './terminal.ts';
import { wrapText } from './text-width.ts';

export type View = {
  width: number;
  paint: Paint;
  home: string | undefined;
  now: number;
  hint: (text: string) => string;
};

type ViewSource = { terminal: Terminal; home: string; now: () => number; hint: View['hint'] };

export function problemLines(problem: Problem, view: View, indent = '  '): string[] {
  const width = view.width - indent.length;
  const lines = wrapText(view.hint(problem.message), width).map((line) => indent + view.paint('red', line));
  if (problem.hint) lines.push(...wrapText(view.hint(problem.hint), width).map((line) => indent + line));
  return lines;
}

/** A label of eight columns and a text that goes on below itself. */
export function labelled(label: string, text: string, view: View): string[] {
  const [first = '', ...more] = wrapText(text, view.width - 8);
  return [`${label.padEnd(8)}${first}`, ...more.map((line) => ' '.repeat(8) + line)];
}

/** Of a command's context: who reads it, and when. */
export function viewOf({ terminal, home, now, hint }: ViewSource): View {
  return { width: terminal.width, paint: terminal.paint, home, now: now(), hint };
}
