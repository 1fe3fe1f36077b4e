// Colours for people. `plain` is used for files, pipes, NO_COLOR and the slash command.

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
export const coloured: Paint = (style, text) => {
  if (style === undefined || text === '') return text;
  const [on, off] = codes[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
};
