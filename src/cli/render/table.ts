// Aligned columns that fit the terminal: what may shrink is cut until the row fits, nothing ever wraps.
import { plainLine } from '../../base/plain-text.ts';
import type { Paint, StyleName } from './style.ts';
import { cutText, padText, textWidth } from './text-width.ts';

export type Column = {
  header: string;
  align?: 'left' | 'right';
  /** May be cut down to this many columns; absent: never cut. */
  shrinkTo?: number;
  /** Paths keep their end. */
  cutFrom?: 'start' | 'end';
};
export type Cell = string | { text: string; style: StyleName };
export type TableOptions = { width: number; paint: Paint; indent?: string };

const gap = '  ';

export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): string[] {
  const texts = rows.map((row) => columns.map((_, i) => plainLine(cellText(row[i]))));
  // A column in which no row says anything only costs width.
  const shown = columns.map((_, i) => i).filter((i) => texts.some((row) => row[i] !== ''));
  const indent = options.indent ?? '';
  const widths = fitWidths(columns, texts, shown, options.width - indent.length);
  const line = (cells: readonly string[], style: (i: number) => StyleName | undefined) => {
    const parts = shown.map((i, at) => {
      const column = columns[i];
      const width = widths.get(i) ?? 0;
      const text = cutText(cells[i] ?? '', width, column?.cutFrom);
      const isLast = at === shown.length - 1;
      const align = column?.align ?? 'left';
      const padded = isLast && align === 'left' ? text : padText(text, width, align);
      return options.paint(style(i), padded);
    });
    return `${indent}${parts.join(gap)}`.trimEnd();
  };
  const header = line(
    columns.map((column) => column.header),
    () => 'dim',
  );
  return [header, ...rows.map((row, at) => line(texts[at] ?? [], (i) => cellStyle(row[i])))];
}

function fitWidths(
  columns: readonly Column[],
  texts: readonly (readonly string[])[],
  shown: readonly number[],
  available: number,
): Map<number, number> {
  const widths = new Map<number, number>();
  for (const i of shown) {
    widths.set(i, Math.max(textWidth(columns[i]?.header ?? ''), ...texts.map((row) => textWidth(row[i] ?? ''))));
  }
  const total = () => [...widths.values()].reduce((sum, width) => sum + width + gap.length, -gap.length);
  for (let excess = total() - available; excess > 0; excess -= 1) {
    // The widest one that may still give way loses one column at a time, so that all end up about equal.
    let widest: number | undefined;
    for (const i of shown) {
      const floor = columns[i]?.shrinkTo;
      const width = widths.get(i) ?? 0;
      if (floor === undefined || width <= floor) continue;
      if (widest === undefined || width > (widths.get(widest) ?? 0)) widest = i;
    }
    if (widest === undefined) break;
    widths.set(widest, (widths.get(widest) ?? 0) - 1);
  }
  return widths;
}

function cellText(cell: Cell | undefined): string {
  return cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text;
}

function cellStyle(cell: Cell | undefined): StyleName | undefined {
  return cell === undefined || typeof cell === 'string' ? undefined : cell.style;
}
