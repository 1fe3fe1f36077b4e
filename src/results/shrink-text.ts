// Shortens the text of one content block in its own kind: JSON stays JSON, a table loses rows, prose loses its middle.
import { stringifyExact } from './exact-json.ts';
import {
  type Cut,
  cutString,
  lastRound,
  limitsOfRound,
  type ShieldPolicy,
  type ShrinkLimits,
  type StringCut,
  shrink,
} from './shrink.ts';
import { cellsOf, readText, type Separator, type Table, type TextForm } from './text-forms.ts';

export type ShrunkText = { readonly text: string; readonly cuts: readonly Cut[] };

/** Returns the text itself, identical, when policy and `maxBytes` allow it. */
export function shrinkText(text: string, policy: ShieldPolicy, maxBytes: number): ShrunkText {
  const form = readText(text);
  let shortest: ShrunkText = { text, cuts: [] };
  for (let round = 0; round <= lastRound; round += 1) {
    shortest = shrinkForm(text, form, limitsOfRound(policy, round, true));
    if (wireBytes(shortest.text) <= maxBytes) return shortest;
  }
  return shortest;
}

/** Bytes inside a JSON string: quotes and line feeds count twice, which matters for JSON in text. */
export function wireBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

/** The text after so many halvings of the limits, whatever its size. */
export function shrinkTextAt(text: string, policy: ShieldPolicy, round: number, stringCut: StringCut): ShrunkText {
  return shrinkForm(text, readText(text), { ...limitsOfRound(policy, round, true), stringCut });
}

function shrinkForm(text: string, form: TextForm, limits: ShrinkLimits): ShrunkText {
  switch (form.form) {
    case 'json': {
      const { value, cuts } = shrink(form.value, limits);
      return cuts.length === 0 ? { text, cuts } : { text: stringifyExact(value, form.indent), cuts };
    }
    case 'ndjson': {
      const { value, cuts } = shrink([...form.rows], limits);
      if (cuts.length === 0 || !Array.isArray(value)) return { text, cuts: [] };
      return { text: value.map((row) => stringifyExact(row)).join('\n'), cuts };
    }
    case 'table': {
      const { rows, cuts } = shrinkTable(form, limits);
      return cuts.length === 0 ? { text, cuts } : { text: rows.join('\n'), cuts };
    }
    case 'plain': {
      if (text.length <= limits.maxString) return { text, cuts: [] };
      const cut: Cut = { kind: 'string', path: '$', kept: limits.maxString, total: text.length };
      return { text: cutString(text, limits), cuts: [cut] };
    }
  }
}

// A table loses its last rows, and in the rows that stay the middle of giant cells. A row never goes from between others:
// whoever reads on behind the last one must find what is missing.
function shrinkTable(
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
