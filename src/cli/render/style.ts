// Colours for people. `plain` is used for files, pipes, NO_COLOR and the slash command.
import { randomBytes } from 'node:crypto';

const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

export type StyleName = keyof typeof codes;
export type Paint = (style: StyleName | undefined, text: string) => string;

export const plain: Paint = (_style, text) => text;

export type Styles = {
  paint: Paint;
  /** The line as a terminal takes it: our styles as sequences, everything between them through `write`. */
  finish: (line: string, write: (text: string) => string) => string;
};

export function createStyles(): Styles {
  // Stands for ESC [ in what we paint until the terminal writes it. Whatever else in a text looks like a sequence is
  // somebody else's and is written out there; nobody can put this into a name, as it is drawn anew each time.
  const mark = `\u0001${randomBytes(16).toString('hex')}:`;
  return {
    paint: (style, text) => {
      if (style === undefined || text === '') return text;
      const [on, off] = codes[style];
      return `${mark}${on}m${text}${mark}${off}m`;
    },
    finish: (line, write) => {
      const [first = '', ...styled] = line.split(mark);
      const rest = styled.map((part) => {
        const end = part.indexOf('m') + 1;
        return `\u001b[${part.slice(0, end)}${write(part.slice(end))}`;
      });
      return write(first) + rest.join('');
    },
  };
}
