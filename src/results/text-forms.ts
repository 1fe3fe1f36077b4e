// What a text block really holds: JSON, one JSON value a line, a table, or prose. Shield and result store read it the same
// way, so that a row the shield counted is the row the store hands out.
import { type Json, parseExact } from './exact-json.ts';
import { readTable, type Table } from './tables.ts';

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
