// Reads JSON with comments and trailing commas and keeps where each value stands, for messages with line and column.
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { type JsonPath, maxProblems } from './problems.ts';

export const parseOptions = { allowTrailingComma: true, disallowComments: false, allowEmptyContent: false };

export type TextPlace = { line: number; column: number };
export type SyntaxProblem = TextPlace & { what: string };
export type ParsedText =
  | { root: Node; value: unknown; problems: []; repeated: { path: JsonPath; place: TextPlace }[] }
  | { root?: undefined; problems: SyntaxProblem[] };

export function parseJsonc(text: string): ParsedText {
  // Editors empty a file for a moment while they save it, so this must not read as "no servers".
  if (/^\ufeff?\s*$/.test(text)) return { problems: [{ line: 1, column: 1, what: 'the file is empty' }] };
  const errors: ParseError[] = [];
  // A byte order mark is no part of JSON; a space keeps all offsets.
  const plain = text.startsWith('\ufeff') ? ` ${text.slice(1)}` : text;
  let root: Node | undefined;
  try {
    root = parseTree(plain, errors, parseOptions);
    if (root && errors.length === 0) {
      const repeated = repeatedKeys(root).map(({ path, offset }) => ({ path, place: placeAt(plain, offset) }));
      return { root, value: getNodeValue(root), problems: [], repeated };
    }
  } catch {
    // The parser recurses: text nested some thousand levels deep overflows the stack.
    return { problems: [{ line: 1, column: 1, what: 'the values are nested too deep' }] };
  }
  const problems = errors
    .slice(0, maxProblems)
    .map(({ error, offset }) => ({ ...placeAt(plain, offset), what: syntaxText(error) }));
  return { problems: problems.filter((problem, i) => problems.findIndex((one) => isSame(one, problem)) === i) };
}

/** Where a text ends too early, the parser says so for each bracket that is open. */
function isSame(a: SyntaxProblem, b: SyntaxProblem): boolean {
  return a.what === b.what && a.line === b.line && a.column === b.column;
}

/** Place of the value at `path`, or of the nearest part of the path that is there. */
export function placeOf(root: Node, text: string, path: JsonPath): TextPlace {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? root : findNodeAtLocation(root, path.slice(0, length));
    if (node) return placeAt(text, (node.parent?.type === 'property' ? node.parent : node).offset);
  }
  return { line: 1, column: 1 };
}

export function placeAt(text: string, offset: number): TextPlace {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

type Repeated = { path: JsonPath; offset: number };

function repeatedKeys(node: Node, path: JsonPath = [], found: Repeated[] = []): Repeated[] {
  if (found.length >= maxProblems) return found;
  if (node.type === 'array') {
    for (const [i, child] of (node.children ?? []).entries()) repeatedKeys(child, [...path, i], found);
    return found;
  }
  const seen = new Set<string>();
  for (const property of node.type === 'object' ? (node.children ?? []) : []) {
    const [key, value] = property.children ?? [];
    if (!key || !value) continue;
    const inner = [...path, String(key.value)];
    if (seen.has(String(key.value)) && found.length < maxProblems) found.push({ path: inner, offset: property.offset });
    seen.add(String(key.value));
    repeatedKeys(value, inner, found);
  }
  return found;
}

function syntaxText(error: ParseError['error']): string {
  const name = printParseErrorCode(error);
  return syntaxTexts[name] ?? `the text is not JSON (${name})`;
}

const syntaxTexts: Record<string, string> = {
  InvalidSymbol: 'an unknown word stands here; texts need double quotes',
  InvalidNumberFormat: 'this is not a number',
  PropertyNameExpected: 'a key in double quotes is expected',
  ValueExpected: 'a value is expected',
  ColonExpected: 'a colon is expected after the key',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'a closing } is missing',
  CloseBracketExpected: 'a closing ] is missing',
  EndOfFileExpected: 'text follows after the end of the configuration',
  InvalidCommentToken: 'this is not a comment; write // or /* */',
  UnexpectedEndOfComment: 'a comment does not end',
  UnexpectedEndOfString: 'a text does not end on its line',
  UnexpectedEndOfNumber: 'a number does not end',
  InvalidUnicode: 'a \\u needs four hexadecimal digits',
  InvalidEscapeCharacter: 'this escape does not exist; write \\\\ for a backslash',
  InvalidCharacter: 'a control character stands in a text',
};
