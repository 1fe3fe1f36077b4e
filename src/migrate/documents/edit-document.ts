// One list of edits for any kind of file, as data: what the plan holds, what apply writes.
import { endOfLine } from './document-text.ts';
import { editFrontMatter, type FrontMatterOp } from './front-matter.ts';
import { editJsonc, type JsonOp } from './jsonc-document.ts';
import { editToml, type TomlOp } from './toml-document.ts';

/** Appends a line unless it is there. */
export type LineOp = { op: 'line'; line: string };
export type DocumentOp = JsonOp | TomlOp | FrontMatterOp | LineOp;

/** Applies `ops` in order. Throws an Error whose message completes "<file> …". */
export function editDocument(text: string, ops: readonly DocumentOp[]): string {
  let current = text;
  for (const op of ops) {
    switch (op.op) {
      case 'toml-remove':
      case 'toml-append':
        current = editToml(current, [op]);
        break;
      case 'front-matter':
        current = editFrontMatter(current, [op]);
        break;
      case 'line':
        current = addLine(current, op.line);
        break;
      case 'set':
      case 'remove':
      case 'add':
      case 'insert-after':
        current = editJsonc(current, [op]);
        break;
    }
  }
  return current;
}

function addLine(text: string, line: string): string {
  if (text.split(/\r?\n/).includes(line)) return text;
  const eol = endOfLine(text);
  return `${text}${text === '' || text.endsWith('\n') ? '' : eol}${line}${eol}`;
}
