// Validates JSON bytes and says where its members lie, without building values. The relay rewrites ids and names by
// replacing byte ranges, so that what it does not own (big integers, unknown fields, key order) passes unchanged.

/** Byte offsets in one buffer; `end` is exclusive. */
export type Span = { readonly start: number; readonly end: number };
export type Member = { readonly key: string; readonly value: Span };
export type Edit = { readonly at: Span; readonly with: string | Uint8Array };

/** Deeper nesting than any real message has; recursion-based parsers of servers break at a few thousand. */
const maxDepth = 1_000;

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

export class JsonSyntaxError extends Error {
  constructor(what: string, at: number) {
    super(`${what} at byte ${at}`);
    this.name = 'JsonSyntaxError';
  }
}

/** Members of the object that fills `span` (whole buffer by default). Throws JsonSyntaxError if it is not valid JSON. */
export function objectMembers(bytes: Uint8Array, span: Span = { start: 0, end: bytes.length }): Member[] {
  const members: Member[] = [];
  let at = skipSpace(bytes, span.start);
  if (bytes[at] !== openBrace) throw new JsonSyntaxError('expected an object', at);
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === closeBrace) {
    ensureEnd(bytes, at + 1, span.end);
    return members;
  }
  for (;;) {
    const keyEnd = skipString(bytes, at);
    const key = decodeString(bytes, { start: at, end: keyEnd });
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] !== colon) throw new JsonSyntaxError('expected a colon', at);
    const start = skipSpace(bytes, at + 1);
    const end = skipValue(bytes, start);
    members.push({ key, value: { start, end } });
    at = skipSpace(bytes, end);
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
    else if (bytes[at] === closeBrace) break;
    else throw new JsonSyntaxError('expected a comma or a closing brace', at);
  }
  ensureEnd(bytes, at + 1, span.end);
  return members;
}

/** Spans of the elements of the array that fills `span`. */
export function arrayElements(bytes: Uint8Array, span: Span): Span[] {
  const elements: Span[] = [];
  let at = skipSpace(bytes, span.start);
  if (bytes[at] !== openBracket) throw new JsonSyntaxError('expected an array', at);
  at = skipSpace(bytes, at + 1);
  while (bytes[at] !== closeBracket) {
    const end = skipValue(bytes, at);
    elements.push({ start: at, end });
    at = skipSpace(bytes, end);
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
    else if (bytes[at] !== closeBracket) throw new JsonSyntaxError('expected a comma or a closing bracket', at);
  }
  return elements;
}

/** The last member of that name, as JSON.parse would take it. */
export function findMember(members: readonly Member[], key: string): Span | undefined {
  for (let i = members.length - 1; i >= 0; i -= 1) {
    const member = members[i];
    if (member?.key === key) return member.value;
  }
  return undefined;
}

export function isObjectAt(bytes: Uint8Array, span: Span | undefined): span is Span {
  return span !== undefined && bytes[span.start] === openBrace;
}

export function isArrayAt(bytes: Uint8Array, span: Span | undefined): span is Span {
  return span !== undefined && bytes[span.start] === openBracket;
}

/** The string at `span`, or undefined if something else stands there. */
export function stringAt(bytes: Uint8Array, span: Span | undefined): string | undefined {
  return span !== undefined && bytes[span.start] === quote ? decodeString(bytes, span) : undefined;
}

export function textAt(bytes: Uint8Array, span: Span): string {
  return view(bytes).toString('utf8', span.start, span.end);
}

/** A copy with the given ranges replaced. Edits may come in any order and must not overlap. */
export function splice(bytes: Uint8Array, edits: readonly Edit[]): Buffer {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const edit of [...edits].sort((a, b) => a.at.start - b.at.start)) {
    parts.push(bytes.subarray(from, edit.at.start));
    parts.push(typeof edit.with === 'string' ? Buffer.from(edit.with) : edit.with);
    from = edit.at.end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decodeString(bytes: Uint8Array, span: Span): string {
  const raw = view(bytes).toString('utf8', span.start + 1, span.end - 1);
  return raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw;
}

function ensureEnd(bytes: Uint8Array, from: number, end: number): void {
  const at = skipSpace(bytes, from);
  if (at < end) throw new JsonSyntaxError('text after the value', at);
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const c = bytes[at];
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at;
    at += 1;
  }
}

/** Returns the offset after one valid value; iterative, so that depth costs no stack. */
function skipValue(bytes: Uint8Array, from: number): number {
  const open: number[] = [];
  let at = skipSpace(bytes, from);
  for (;;) {
    const c = bytes[at];
    if (c === openBrace || c === openBracket) {
      at = skipSpace(bytes, at + 1);
      if (bytes[at] === (c === openBrace ? closeBrace : closeBracket)) {
        at += 1;
      } else {
        if (open.push(c) > maxDepth) throw new JsonSyntaxError(`nested deeper than ${maxDepth}`, at);
        if (c === openBrace) at = skipKey(bytes, at);
        continue;
      }
    } else if (c === quote) at = skipString(bytes, at);
    else at = skipLiteral(bytes, at);

    for (;;) {
      const container = open[open.length - 1];
      if (container === undefined) return at;
      at = skipSpace(bytes, at);
      const next = bytes[at];
      if (next === comma) {
        at = skipSpace(bytes, at + 1);
        if (container === openBrace) at = skipKey(bytes, at);
        break;
      }
      if (next !== (container === openBrace ? closeBrace : closeBracket)) {
        throw new JsonSyntaxError('expected a comma or a closing bracket', at);
      }
      open.pop();
      at += 1;
    }
  }
}

function skipKey(bytes: Uint8Array, from: number): number {
  const at = skipSpace(bytes, skipString(bytes, from));
  if (bytes[at] !== colon) throw new JsonSyntaxError('expected a colon', at);
  return skipSpace(bytes, at + 1);
}

function skipString(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== quote) throw new JsonSyntaxError('expected a string', from);
  let at = from + 1;
  for (;;) {
    const c = bytes[at];
    if (c === quote) return at + 1;
    if (c === undefined || c < 0x20) throw new JsonSyntaxError('unfinished string or control character', at);
    if (c === backslash) at = skipEscape(bytes, at);
    else at += 1;
  }
}

function skipEscape(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1];
  if (kind === 0x75) {
    for (let i = at + 2; i < at + 6; i += 1) {
      const c = bytes[i] ?? 0;
      const isHex = (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
      if (!isHex) throw new JsonSyntaxError('bad unicode escape', i);
    }
    return at + 6;
  }
  if (kind === undefined || !'"\\/bfnrt'.includes(String.fromCharCode(kind)))
    throw new JsonSyntaxError('bad escape', at);
  return at + 2;
}

const literal = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

function skipLiteral(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const c = bytes[at];
    // letters, digits, plus, minus, dot
    const isPart =
      c !== undefined &&
      ((c >= 0x30 && c <= 0x39) || (c >= 0x61 && c <= 0x7a) || c === 0x45 || c === 0x2b || c === 0x2d || c === 0x2e);
    if (!isPart) break;
    at += 1;
  }
  if (!literal.test(view(bytes).toString('latin1', from, at))) throw new JsonSyntaxError('unexpected text', from);
  return at;
}
