// TOML edits by whole statements. The parser (smol-toml) keeps no layout, so statements are found by a small scanner and
// every result is proved: the edited text must parse to the old value with exactly the wanted difference, or it is refused.
import { parse, TomlError } from 'smol-toml';
import { canonicalJson } from '../../base/canonical-json.ts';
import { isRecord } from '../../base/guards.ts';
import { endOfLine, lineOf, type Unreadable } from './document-text.ts';

export type TomlOp =
  | { op: 'toml-remove'; path: string[] }
  /** Appends one table of strings, lists of strings and booleans. */
  | { op: 'toml-append'; path: string[]; value: Record<string, string | readonly string[] | boolean> };

type Statement = { kind: 'header' | 'value'; path: string[]; start: number; end: number };

export function readToml(text: string): { value: Record<string, unknown> } | Unreadable {
  try {
    const value: unknown = parse(text, { integersAsBigInt: 'asNeeded' });
    return isRecord(value) ? { value } : { reason: 'does not hold a TOML table' };
  } catch (error) {
    if (error instanceof TomlError) {
      const what = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? 'syntax error';
      return { reason: `is not valid TOML (${what}, line ${error.line}, column ${error.column})`, line: error.line };
    }
    if (error instanceof RangeError) return { reason: 'is nested too deep to be read' };
    throw error;
  }
}

/** Finds the line of a table or key, or 1. */
export function tomlLines(text: string): (path: readonly string[]) => number {
  const statements = scanStatements(text);
  return (path) => {
    const found = statements.find((statement) => startsWith(statement.path, path));
    return found ? lineOf(text, found.start) : 1;
  };
}

export function editToml(text: string, ops: readonly TomlOp[]): string {
  let current = text;
  for (let i = 0; i < ops.length; ) {
    const op = ops[i];
    if (op?.op === 'toml-append') {
      current = append(current, op);
      i += 1;
      continue;
    }
    // The text is read anew for every change, so removals go together.
    const end = ops.findIndex((other, at) => at > i && other.op === 'toml-append');
    const paths = ops.slice(i, end < 0 ? ops.length : end).map(({ path }) => path);
    current = removeTables(current, paths);
    i += paths.length;
  }
  return current;
}

function removeTables(text: string, paths: readonly string[][]): string {
  const statements = scanStatements(text);
  const isDoomed = (statement: Statement) => paths.some((path) => startsWith(statement.path, path));
  const missing = paths.find((path) => !statements.some((statement) => startsWith(statement.path, path)));
  let after = text;
  for (const { start, end } of statements.filter(isDoomed).reverse()) after = after.slice(0, start) + after.slice(end);
  const expected = paths.reduce<unknown>((value, path) => without(value, path), parsedValue(text));
  const actual = parsedValue(after);
  const wrong = missing ?? (paths.some((path) => isSameExceptEmpty(actual, expected, path)) ? undefined : paths[0]);
  if (wrong === undefined) return after;
  // One by one: tables that existed only through several of them are judged for each.
  if (paths.length > 1) return paths.reduce((current, path) => removeTables(current, [path]), text);
  throw new Error(`writes ${wrong.join('.')} in a form that cannot be taken out alone (one inline table)`);
}

function append(text: string, op: Extract<TomlOp, { op: 'toml-append' }>): string {
  const existing = op.path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), parsedValue(text));
  if (existing !== undefined && canonicalJson(toJson(existing)) === canonicalJson(op.value)) return text;
  const eol = endOfLine(text);
  const lines = Object.entries(op.value).map(([key, value]) => `${tomlKey(key)} = ${tomlValue(value)}`);
  const gap = text === '' ? '' : text.endsWith('\n') ? eol : eol + eol;
  const after = `${text}${gap}[${op.path.map(tomlKey).join('.')}]${eol}${lines.join(eol)}${eol}`;
  const reading = readToml(after);
  if ('reason' in reading) throw new Error(`has no room for a table ${op.path.join('.')}: it ${reading.reason}`);
  return after;
}

function parsedValue(text: string): Record<string, unknown> {
  const reading = readToml(text);
  if ('reason' in reading) throw new Error(reading.reason);
  return reading.value;
}

/** Tables that only existed through what was removed may be gone or empty. */
function isSameExceptEmpty(actual: unknown, expected: unknown, path: readonly string[]): boolean {
  const plain = (value: unknown) => canonicalJson(toJson(value));
  if (plain(actual) === plain(expected)) return true;
  let trimmed: unknown = expected;
  for (let length = path.length - 1; length > 0; length -= 1) {
    const parent = path.slice(0, length);
    const at = parent.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), trimmed);
    if (!isRecord(at) || Object.keys(at).length > 0) return false;
    trimmed = without(trimmed, parent);
    if (plain(actual) === plain(trimmed)) return true;
  }
  return false;
}

function without(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined || !isRecord(value)) return value;
  const copy: Record<string, unknown> = { ...value };
  if (rest.length === 0) delete copy[key];
  else copy[key] = without(copy[key], rest);
  return copy;
}

/** Dates and the like as text, so that two readings can be compared. */
function toJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Date) return `date ${value.toISOString()}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return `number ${value}`;
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toJson(entry)]));
  return value;
}

function startsWith(path: readonly string[], prefix: readonly string[]): boolean {
  return path.length >= prefix.length && prefix.every((key, i) => path[i] === key);
}

function tomlKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

function tomlValue(value: string | readonly string[] | boolean): string {
  if (typeof value === 'boolean') return String(value);
  // A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
  if (typeof value === 'string') return JSON.stringify(value).replaceAll('\x7f', '\\u007F');
  return `[${value.map((entry) => tomlValue(entry)).join(', ')}]`;
}

/** Statements with their full key paths; `end` is behind the line break. Only called on text that parses. */
function scanStatements(text: string): Statement[] {
  const statements: Statement[] = [];
  let table: string[] = [];
  let at = 0;
  while (at < text.length) {
    const lineStart = at;
    at = skipBlanks(text, at);
    const c = text[at];
    if (c === undefined) break;
    if (c === '\n' || c === '\r' || c === '#') {
      at = lineEnd(text, at);
      continue;
    }
    if (c === '[') {
      const isList = text[at + 1] === '[';
      const keys = readKeys(text, at + (isList ? 2 : 1));
      table = keys.path;
      at = lineEnd(text, keys.end);
      statements.push({ kind: 'header', path: table, start: lineStart, end: at });
    } else {
      const keys = readKeys(text, at);
      at = lineEnd(text, skipTomlValue(text, text.indexOf('=', keys.end) + 1));
      statements.push({ kind: 'value', path: [...table, ...keys.path], start: lineStart, end: at });
    }
  }
  return statements;
}

function readKeys(text: string, from: number): { path: string[]; end: number } {
  const path: string[] = [];
  let at = skipBlanks(text, from);
  for (;;) {
    const quote = text[at];
    if (quote === '"' || quote === "'") {
      const end = skipTomlString(text, at);
      const raw = text.slice(at, end);
      const key: unknown = Object.keys(parse(`${raw} = 1`))[0];
      path.push(typeof key === 'string' ? key : raw);
      at = end;
    } else {
      const bare = /[A-Za-z0-9_-]*/y;
      bare.lastIndex = at;
      const key = bare.exec(text)?.[0] ?? '';
      path.push(key);
      at += key.length;
    }
    at = skipBlanks(text, at);
    if (text[at] !== '.') return { path, end: at };
    at = skipBlanks(text, at + 1);
  }
}

/** Up to the end of a value, over strings, comments and brackets of any depth. */
function skipTomlValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; ) {
    const c = text[at];
    if (c === '"' || c === "'") at = skipTomlString(text, at);
    else if (c === '#') {
      if (depth === 0) return at;
      at = lineEnd(text, at);
    } else if (c === '\n' && depth === 0) return at;
    else {
      if (c === '[' || c === '{') depth += 1;
      if (c === ']' || c === '}') depth -= 1;
      at += 1;
    }
  }
  return text.length;
}

function skipTomlString(text: string, from: number): number {
  const quote = text[from] ?? '"';
  const triple = quote.repeat(3);
  const isLong = text.startsWith(triple, from);
  for (let at = from + (isLong ? 3 : 1); at < text.length; at += 1) {
    if (text[at] === '\\' && quote === '"') at += 1;
    else if (isLong && text.startsWith(triple, at)) {
      // up to two more quotes belong to the content: """a"""""
      let end = at + 3;
      while (text[end] === quote && end < at + 5) end += 1;
      return end;
    } else if (!isLong && text[at] === quote) return at + 1;
  }
  return text.length;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  return at;
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at + 1;
}
