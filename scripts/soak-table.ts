// What a soak hands back and how it is shown.

/** Rows, the head first. `isReached`: no bound was missed. */
export type Table = { title: string; rows: string[][]; isReached: boolean };

export function render({ title, rows: [head = [], ...rows] }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [`## ${title}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
