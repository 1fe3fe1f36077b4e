// One list of edits for any kind of file, as data: what the plan holds, what apply writes.
import { endOfLine } from './document-text.ts';
import { editFrontMatter, type FrontMatterOp } from './front-matter.ts';
import { editJsonc, type JsonOp } from './jsonc-document.ts';
import { editToml, type TomlOp } from './toml-document.ts';

/** Appends a line unless it is there. */
export type LineOp = { op: 'line'; line: string };
export type DocumentOp = JsonOp | TomlOp | FrontMatterOp | LineOp;

/** Applies `ops` in order, neighbours of one kind together. Throws an Error whose message completes "<file> …". */
export function editDocument(text: string, ops: readonly DocumentOp[]): string {
  let current = text;
  for (let i = 0; i < ops.length; ) {
    const rest = ops.slice(i);
    const json = takeWhile(rest, isJsonOp);
    const toml = takeWhile(rest, isTomlOp);
    const [first] = rest;
    if (json.length > 0) current = editJsonc(current, json);
    else if (toml.length > 0) current = editToml(current, toml);
    else if (first?.op === 'front-matter') current = editFrontMatter(current, [first]);
    else if (first?.op === 'line') current = addLine(current, first.line);
    i += Math.max(json.length, toml.length, 1);
  }
  return current;
}

function isTomlOp(op: DocumentOp): op is TomlOp {
  return op.op === 'toml-remove' || op.op === 'toml-append';
}

function isJsonOp(op: DocumentOp): op is JsonOp {
  return op.op === 'set' || op.op === 'remove' || op.op === 'add' || op.op === 'insert-after';
}

function takeWhile<T extends DocumentOp>(ops: readonly DocumentOp[], is: (op: DocumentOp) => op is T): T[] {
  const end = ops.findIndex((op) => !is(op));
  return ops.slice(0, end < 0 ? ops.length : end).filter(is);
}

function addLine(text: string, line: string): string {
  if (text.split(/\r?\n/).includes(line)) return text;
  const eol = endOfLine(text);
  return `${text}${text === '' || text.endsWith('\n') ? '' : eol}${line}${eol}`;
}
