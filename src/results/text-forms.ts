// What a text block really holds: JSON, one JSON value a line, a table, or prose. Shield and result store read it the same
// way, so that a row the shield counted is the row the store hands out.
import { type Json, parseExact } from './exact-json.ts';

export type TextForm =
  | { readonly form: 'json'; readonly value: Json; readonly indent: string | undefined }
  | { readonly form: 'ndjson'; readonly rows: readonly Json[] }
  | ({ readonly form: 'table' } & Table)
  | { readonly form: 'plain' };

const plain: TextForm = { form: 'plain' };

export function readText(text: string): TextForm {
  return readJson(text) ?? readLines(text) ?? readRecords(text) ?? plain;
}

function readJson(text: string): TextForm | undefined {
  if (!/^\s*[[{"]/.test(text)) return undefined;
  const value = tryParse(text);
  return value === undefined ? undefined : { form: 'json', value, indent: /^\s*[[{]\r?\n([ \t]+)/.exec(text)?.[1] };
}

function readLines(text: string): TextForm | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2) return undefined;
  const rows: Json[] = [];
  for (const line of lines) {
    const value = /^\s*[[{]/.test(line) ? tryParse(line) : undefined;
    if (value === undefined) return undefined;
    rows.push(value);
  }
  return { form: 'ndjson', rows };
}

function tryParse(text: string): Json | undefined {
  try {
    return parseExact(text);
  } catch {
    return undefined; // not JSON: the caller tries the next form
  }
}

function readRecords(text: string): TextForm | undefined {
  const table = readTable(text);
  return table && { form: 'table', ...table };
}

// Tables: Markdown's, and records of cells between commas, tabs or semicolons (RFC 4180).
export type Separator = '|' | ',' | '\t' | ';';
export type Table = {
  readonly separator: Separator;
  readonly headRows: number;
  /** Raw records with the head lines first; joining them with a line feed gives the text again. */
  readonly rows: readonly string[];
};

/** Fewer records than this could be prose with a comma in each line. */
const minRecords = 4;
const sampledRecords = 20;
const sampledLines = 200;

function readTable(text: string): Table | undefined {
  const lines = text.split('\n');
  if (lines.length < minRecords) return undefined;
  if (/^\s*\|.*\|\s*$/.test(lines[0] ?? '') && /^\s*\|[\s:|-]+\|\s*$/.test(lines[1] ?? '')) {
    return lines.every((line) => line.trim() === '' || line.trimStart().startsWith('|'))
      ? { separator: '|', headRows: 2, rows: lines }
      : undefined;
  }
  for (const separator of [',', '\t', ';'] as const) {
    if (isSeparator(lines, separator)) return { separator, headRows: 1, rows: splitRecords(lines, separator) };
  }
  return undefined;
}

/** Judged by the first records, so that a log of ten megabytes is not taken apart just to see that it is no table. */
function isSeparator(lines: readonly string[], separator: Separator): boolean {
  const records = splitRecords(lines.slice(0, sampledLines), separator).filter((row) => row.trim() !== '');
  const isPart = lines.length > sampledLines;
  const sample = records.slice(0, Math.min(sampledRecords, isPart ? records.length - 1 : records.length));
  if (sample.length < minRecords) return false;
  const width = cellsOf(sample[0] ?? '', separator).length;
  return width > 1 && sample.every((row) => cellsOf(row, separator).length === width);
}

/** A line feed inside quotes belongs to the cell, not between two records. */
function splitRecords(lines: readonly string[], separator: Separator): string[] {
  const records: string[] = [];
  let open: string[] = [];
  let isQuoted = false;
  for (const line of lines) {
    open.push(line);
    // Most lines have no quotes, and megabytes of them are read again for each page.
    if (line.includes('"')) ({ isQuoted } = scan(line, separator, isQuoted));
    if (isQuoted) continue;
    records.push(open.join('\n'));
    open = [];
  }
  if (open.length > 0) records.push(open.join('\n'));
  return records;
}

/** Raw cells; joined by the separator they are the record again. */
export function cellsOf(record: string, separator: Separator): string[] {
  if (separator === '|') return record.split('|');
  const ends = [...scan(record, separator, false).separators, record.length];
  return ends.map((end, index) => record.slice(index === 0 ? 0 : (ends[index - 1] ?? 0) + 1, end));
}

/**
 * Where cells end, and whether the text ends inside a quoted one. Only a cell's first character opens quotes: the sign of
 * inches in `5" pipe` does not.
 */
function scan(
  text: string,
  separator: Separator,
  isQuotedBefore: boolean,
): { separators: number[]; isQuoted: boolean } {
  const separators: number[] = [];
  let isQuoted = isQuotedBefore;
  let cellStart = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (isQuoted) {
      at = text.indexOf('"', at);
      if (at < 0) break;
      if (text[at + 1] === '"') at += 1;
      else isQuoted = false;
    } else if (char === separator) {
      separators.push(at);
      cellStart = at + 1;
    } else if (char === '"' && at === cellStart) isQuoted = true;
  }
  return { separators, isQuoted };
}
