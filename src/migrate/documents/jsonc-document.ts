// JSON with comments: reading with exact places, and edits that leave every other byte as it is.

import { randomUUID } from 'node:crypto';
import {
  applyEdits,
  findNodeAtLocation,
  getNodeValue,
  type JSONPath,
  modify,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { canonicalJson } from '../../base/canonical-json.ts';
import { isRecord } from '../../base/guards.ts';
import { endOfLine, lineOf, type Unreadable } from './document-text.ts';

export type DocumentPath = (string | number)[];

export type JsonOp =
  | { op: 'set'; path: DocumentPath; value: unknown }
  | { op: 'remove'; path: DocumentPath }
  /** Appends to the array at `path` (made if absent) unless an equal element is there. */
  | { op: 'add'; path: DocumentPath; value: unknown }
  /** Puts a new element right behind element `path`, whose last part is an index. */
  | { op: 'insert-after'; path: DocumentPath; value: unknown };

export type JsonReading = { value: Record<string, unknown>; root: Node | undefined };

/** The object in `text`; an empty file is an empty object. Comments and trailing commas are accepted. */
export function readJsonc(text: string): JsonReading | Unreadable {
  if (text.trim() === '') return { value: {}, root: undefined };
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { allowTrailingComma: true, disallowComments: false });
  } catch (error) {
    if (error instanceof RangeError) return { reason: 'is nested too deep to be read' };
    throw error;
  }
  const first = errors[0];
  if (first) {
    const line = lineOf(text, first.offset);
    const column = first.offset - text.lastIndexOf('\n', first.offset - 1);
    return { reason: `is not valid JSON (${printParseErrorCode(first.error)}, line ${line}, column ${column})`, line };
  }
  let value: unknown;
  try {
    value = root && getNodeValue(root);
  } catch (error) {
    if (error instanceof RangeError) return { reason: 'is nested too deep to be read' };
    throw error;
  }
  if (!isRecord(value)) return { reason: 'does not hold a JSON object' };
  return { value, root };
}

/** Line of the member's key (or of the element), or 1. */
export function lineOfPath(text: string, root: Node | undefined, path: JSONPath): number {
  const node = root && findNodeAtLocation(root, path);
  if (!node) return 1;
  return lineOf(text, node.parent?.type === 'property' ? node.parent.offset : node.offset);
}

/** A key that stands twice on the way to `path`: readers take the last, an editor would change the first. */
export function findDuplicateKey(root: Node | undefined, path: JSONPath): string | undefined {
  for (let at = root, i = 0; at && i < path.length; i += 1) {
    const key = path[i];
    if (at.type !== 'object' && at.type !== 'array') return undefined;
    if (typeof key === 'string') {
      const same = (at.children ?? []).filter((property) => property.children?.[0]?.value === key);
      if (same.length > 1) return key;
    }
    at = key === undefined ? undefined : findNodeAtLocation(at, [key]);
  }
  return undefined;
}

/** Applies `ops` in order. Throws an Error whose message says why if the file's shape does not allow one. */
export function editJsonc(text: string, ops: readonly JsonOp[]): string {
  const reading = readJsonc(text);
  const root = 'reason' in reading ? undefined : reading.root;
  const collapsed = collapse(
    text,
    root,
    ops.map((op) => op.path),
  );
  let current = collapsed.text;
  for (const op of ops) current = applyJsonOp(current, op);
  return collapsed.expand(current);
}

function applyJsonOp(text: string, op: JsonOp): string {
  const isEmpty = text.trim() === '';
  const base = isEmpty ? `{}${endOfLine(text)}` : text;
  const reading = readJsonc(base);
  if ('reason' in reading) throw new Error(reading.reason);
  const duplicate = findDuplicateKey(reading.root, op.path);
  if (duplicate !== undefined) throw new Error(`holds the key ${JSON.stringify(duplicate)} twice`);
  const formattingOptions = formattingOf(base);
  const parent = valueAt(reading.value, op.path.slice(0, -1));
  if (op.op === 'remove') {
    if (valueAt(reading.value, op.path) === undefined) return text;
    return applyEdits(base, modify(base, op.path, undefined, { formattingOptions }));
  }
  if (op.op === 'set') {
    if (op.path.length > 1 && parent !== undefined && !isRecord(parent) && !Array.isArray(parent)) {
      throw new Error(`has no object at ${op.path.slice(0, -1).join('.')}`);
    }
    return applyEdits(base, modify(base, op.path, op.value, { formattingOptions }));
  }
  if (op.op === 'insert-after') {
    const index = op.path[op.path.length - 1];
    if (!Array.isArray(parent) || typeof index !== 'number') throw new Error(`has no list at ${op.path.join('.')}`);
    const path = [...op.path.slice(0, -1), index + 1];
    return applyEdits(base, modify(base, path, op.value, { formattingOptions, isArrayInsertion: true }));
  }
  const list = valueAt(reading.value, op.path);
  if (list === undefined) return applyEdits(base, modify(base, op.path, [op.value], { formattingOptions }));
  if (!Array.isArray(list)) throw new Error(`has no list at ${op.path.join('.')}`);
  if (list.some((entry) => isDeepEqual(entry, op.value))) return text;
  const path = [...op.path, list.length];
  return applyEdits(base, modify(base, path, op.value, { formattingOptions, isArrayInsertion: true }));
}

export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  let at = value;
  for (const key of path) {
    if (Array.isArray(at) && typeof key === 'number') at = at[key];
    else if (isRecord(at) && typeof key === 'string' && Object.hasOwn(at, key)) at = at[key];
    else return undefined;
  }
  return at;
}

export function isDeepEqual(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** New text is written as the file is: its indentation, its line ends; none in a file of one line. */
function formattingOf(text: string) {
  const indent = /\n([ \t]+)\S/.exec(text)?.[1];
  const usesTabs = indent?.startsWith('\t') ?? false;
  return {
    insertSpaces: !usesTabs,
    tabSize: usesTabs ? 1 : (indent?.length ?? 2),
    eol: endOfLine(text),
  };
}

// Editing reads the whole text once for every change, and a client's state file holds megabytes of other things. What no
// change concerns is taken out before and put back after, byte for byte.

/** Smaller values cost nothing to leave in. */
const leastChars = 256;

type Collapsed = { text: string; expand: (text: string) => string };

/** `paths`: places that will be edited. */
function collapse(text: string, root: Node | undefined, paths: readonly JSONPath[]): Collapsed {
  const mark = randomUUID();
  const spans: Node[] = [];
  if (root) findUntouched(root, paths, spans);
  let short = '';
  let at = 0;
  for (const [i, node] of spans.entries()) {
    short += `${text.slice(at, node.offset)}"${mark}${i}"`;
    at = node.offset + node.length;
  }
  const kept = spans.map((node) => text.slice(node.offset, node.offset + node.length));
  const pattern = new RegExp(`"${mark}(\\d+)"`, 'g');
  return {
    text: short + text.slice(at),
    expand: (edited) => edited.replace(pattern, (_, i) => kept[Number(i)] ?? ''),
  };
}

function findUntouched(node: Node, paths: readonly JSONPath[], spans: Node[]): void {
  if (node.type !== 'object') return;
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (!key || !value) continue;
    const below = paths.filter(([first]) => first === key.value).map(([, ...rest]) => rest);
    if (below.length === 0) {
      if (value.length >= leastChars) spans.push(value);
    } else if (below.every((rest) => rest.length > 0)) findUntouched(value, below, spans);
  }
}
