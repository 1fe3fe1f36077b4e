// What a text block really holds: JSON, one JSON value a line, a table, or prose. Shield and result store read it the same
// way, so that a row the shield counted is the row the store hands out.
import { type Json, parseExact } from './exact-json.ts';

export type TextForm =
  | { readonly form: 'json'; readonly value: Json; readonly indent: string | undefined }
  | { readonly form: 'ndjson'; readonly rows: readonly Json[] }
  /** `rows` are raw records with the head lines first; joining them with a line feed gives the text again. */
  | { readonly form: 'table'; readonly headRows: number; readonly rows: readonly string[] }
  | { readonly form: 'plain' };

const plain: TextForm = { form: 'plain' };
/** Fewer records than this could be prose with a comma in each line. */
const minRecords = 4;
const sampledRecords = 20;
const sampledLines = 200;

export function readText(text: string): TextForm {
  return readJson(text) ?? readLines(text) ?? readTable(text) ?? plain;
}

function readJson(text: string): TextForm | undefined {
  const start = /^\s*[[{]/.exec(text);
  if (!start) return undefined;
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

function readTable(text: string): TextForm | undefined {
  const lines = text.split('\n');
  if (lines.length < minRecords) return undefined;
  if (/^\s*\|.*\|\s*$/.test(lines[0] ?? '') && /^\s*\|[\s:|-]+\|\s*$/.test(lines[1] ?? '')) {
    return lines.every((line) => line.trim() === '' || line.trimStart().startsWith('|'))
      ? { form: 'table', headRows: 2, rows: lines }
      : undefined;
  }
  // Judged by its first records, so that a log of ten megabytes is not taken apart just to see that it is no table.
  const first = splitRecords(lines.slice(0, sampledLines)).filter((row) => row.trim() !== '');
  const sample = first.slice(
    0,
    Math.min(sampledRecords, lines.length > sampledLines ? first.length - 1 : first.length),
  );
  if (sample.length < minRecords) return undefined;
  for (const separator of [',', '\t', ';']) {
    const width = countOutsideQuotes(sample[0] ?? '', separator);
    if (width === 0 || sample.some((row) => countOutsideQuotes(row, separator) !== width)) continue;
    return { form: 'table', headRows: 1, rows: splitRecords(lines) };
  }
  return undefined;
}

/** A line feed inside quotes belongs to the cell, not between two records. */
function splitRecords(lines: readonly string[]): string[] {
  const records: string[] = [];
  let open: string[] = [];
  let quotes = 0;
  for (const line of lines) {
    open.push(line);
    for (const char of line) if (char === '"') quotes += 1;
    if (quotes % 2 === 0) {
      records.push(open.join('\n'));
      open = [];
      quotes = 0;
    }
  }
  if (open.length > 0) records.push(open.join('\n'));
  return records;
}

function countOutsideQuotes(record: string, separator: string): number {
  let count = 0;
  let quoted = false;
  for (const char of record) {
    if (char === '"') quoted = !quoted;
    else if (char === separator && !quoted) count += 1;
  }
  return count;
}
