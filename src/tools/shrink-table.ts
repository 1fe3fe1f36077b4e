// A table loses its last rows, and in the rows that stay the middle of giant cells. A row never goes from between others:
// whoever reads on behind the last one must find what is missing.
import { type Cut, cutString, type ShrinkLimits } from './shrink.ts';
import { cellsOf, type Separator, type Table } from './tables.ts';

export function shrinkTable(
  { rows, headRows, separator }: Table,
  limits: ShrinkLimits,
): { rows: readonly string[]; cuts: readonly Cut[] } {
  const cuts: Cut[] = [];
  const kept = rows.slice(0, headRows + limits.maxItems);
  if (kept.length < rows.length) cuts.push({ kind: 'items', path: '$', kept: kept.length, total: rows.length });
  const short = kept.map((row, index) => {
    if (index < headRows || row.length <= limits.maxString) return row;
    const shrunk = cellsOf(row, separator)
      .map((cell) => shrinkCell(cell, separator, limits))
      .join(separator);
    if (shrunk !== row) cuts.push({ kind: 'string', path: `$[${index}]`, kept: shrunk.length, total: row.length });
    return shrunk;
  });
  return { rows: short, cuts };
}

function shrinkCell(cell: string, separator: Separator, limits: ShrinkLimits): string {
  if (cell.length <= limits.maxString) return cell;
  if (separator === '|' || !cell.startsWith('"')) return cutString(cell, limits);
  // Cut as what it holds: half of a doubled quote would end the cell.
  const [, text = '', lineEnd = ''] = /^"([\s\S]*?)"?(\r?)$/.exec(cell) ?? [];
  return `"${cutString(text.replaceAll('""', '"'), limits).replaceAll('"', '""')}"${lineEnd}`;
}
