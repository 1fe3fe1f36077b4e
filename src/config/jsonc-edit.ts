// Smallest edits of JSON with comments: each changes the bytes of one property and leaves all others as they are.
import { createScanner, type Node } from 'jsonc-parser';

/** Replaces `length` characters at `offset`. */
export type TextEdit = { offset: number; length: number; text: string };

// Token kinds of the scanner; its enum is `const` and so not there at run time.
const [commaToken, lineBreakToken, spaceToken, endToken] = [5, 14, 15, 17];

export function applyTextEdits(text: string, edits: readonly TextEdit[]): string {
  let result = text;
  for (const { offset, length, text: replacement } of [...edits].sort((a, b) => b.offset - a.offset)) {
    result = result.slice(0, offset) + replacement + result.slice(offset + length);
  }
  return result;
}

export function findProperty(object: Node, key: string): Node | undefined {
  // The last one of that name counts, as in JSON.parse.
  return object.children?.findLast((property) => property.children?.[0]?.value === key);
}

export function replaceValue(text: string, property: Node, value: unknown): TextEdit[] {
  const node = property.children?.[1];
  if (!node) return [];
  const indent = lineIndent(text, property.offset);
  return [{ offset: node.offset, length: node.length, text: render(text, value, indent) }];
}

/** Adds `key` as the last property of `object`, after all comments in it. */
export function insertProperty(text: string, object: Node, key: string, value: unknown): TextEdit[] {
  const last = object.children?.at(-1);
  const end = object.offset + object.length - 1;
  const eol = lineBreak(text);
  const outer = lineIndent(text, object.offset);
  const isOwnLine = last !== undefined && /^[ \t]*$/.test(text.slice(lineStart(text, last.offset), last.offset));
  const inner = last && isOwnLine ? lineIndent(text, last.offset) : outer + indentUnit(text);
  const contentEnd = endOfContent(text, object.offset + 1, end);
  const added = `${eol}${inner}${JSON.stringify(key)}: ${render(text, value, inner)}`;
  const isBraceAlone = /[\r\n]/.test(text.slice(contentEnd, end));
  const addition: TextEdit = isBraceAlone
    ? { offset: contentEnd, length: 0, text: added }
    : { offset: contentEnd, length: end - contentEnd, text: added + eol + outer };
  const lastEnd = last === undefined ? end : last.offset + last.length;
  if (last === undefined || commaBetween(text, lastEnd, end) !== undefined) return [addition];
  if (lastEnd === contentEnd) return [{ ...addition, text: `,${addition.text}` }];
  return [{ offset: lastEnd, length: 0, text: ',' }, addition];
}

/** Removes a property and one comma; with its lines if nothing else stands on them. Comments stay. */
export function removeProperty(text: string, object: Node, property: Node): TextEdit[] {
  const siblings = object.children ?? [];
  const index = siblings.indexOf(property);
  const next = siblings[index + 1];
  const end = property.offset + property.length;
  const objectEnd = object.offset + object.length - 1;
  const commaAfter = commaBetween(text, end, next?.offset ?? objectEnd);
  const isTight = commaAfter !== undefined && text.slice(end, commaAfter).trim() === '';
  const edits = [wholeLines(text, property.offset, isTight && commaAfter !== undefined ? commaAfter + 1 : end)];
  if (commaAfter !== undefined) return isTight ? edits : [...edits, { offset: commaAfter, length: 1, text: '' }];
  const previous = siblings[index - 1];
  const commaBefore = previous && commaBetween(text, previous.offset + previous.length, property.offset);
  return commaBefore === undefined ? edits : [{ offset: commaBefore, length: 1, text: '' }, ...edits];
}

function wholeLines(text: string, from: number, to: number): TextEdit {
  const start = lineStart(text, from);
  const rest = /^[ \t]*(?:\r\n|\n)?/.exec(text.slice(to))?.[0] ?? '';
  const isAlone = text.slice(start, from).trim() === '' && /[\n]$/.test(rest);
  return isAlone
    ? { offset: start, length: to + rest.length - start, text: '' }
    : { offset: from, length: to - from, text: '' };
}

function commaBetween(text: string, from: number, to: number): number | undefined {
  for (const token of tokens(text, from, to)) if (token.kind === commaToken) return token.offset;
  return undefined;
}

/** Where the last token or comment before the closing brace ends. */
function endOfContent(text: string, from: number, to: number): number {
  let end = from;
  for (const token of tokens(text, from, to)) end = token.offset + token.length;
  return end;
}

function* tokens(text: string, from: number, to: number): Generator<{ kind: number; offset: number; length: number }> {
  const scanner = createScanner(text, false);
  scanner.setPosition(from);
  for (let kind: number = scanner.scan(); kind !== endToken; kind = scanner.scan()) {
    const offset = scanner.getTokenOffset();
    if (offset >= to) return;
    if (kind !== lineBreakToken && kind !== spaceToken) yield { kind, offset, length: scanner.getTokenLength() };
  }
}

function render(text: string, value: unknown, indent: string): string {
  return JSON.stringify(value, null, indentUnit(text)).replaceAll('\n', lineBreak(text) + indent);
}

/** The first indentation in the text; two spaces if it has none. */
function indentUnit(text: string): string {
  return /\n([ \t]+)"/.exec(text)?.[1] ?? '  ';
}

function lineBreak(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

function lineIndent(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';
}
