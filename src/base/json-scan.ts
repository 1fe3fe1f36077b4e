// Validates JSON bytes and says where its members lie, without building values. The relay rewrites ids and names by
// replacing byte ranges, so that what it does not own (big integers, unknown fields, key order) passes unchanged.
import {
  backslash,
  closeBrace,
  closeBracket,
  colon,
  comma,
  JsonSyntaxError,
  openBrace,
  openBracket,
  quote,
  skipSpace,
  skipString,
  skipValue,
} from './json-skip.ts';

export { JsonSyntaxError };

/** Byte offsets in one buffer; `end` is exclusive. */
export type Span = { readonly start: number; readonly end: number };
export type Member = { readonly key: string; readonly value: Span };
export type Edit = { readonly at: Span; readonly with: string | Uint8Array };

/**
 * Validates the object that fills `span` and calls `visit` with the places of each member's key and value. Nothing is
 * allocated for a member: this runs for every message. Throws JsonSyntaxError.
 */
export function eachMember(
  bytes: Uint8Array,
  span: Span,
  visit: (keyStart: number, keyEnd: number, start: number, end: number) => void,
): void {
  let at = skipSpace(bytes, span.start);
  if (bytes[at] !== openBrace) throw new JsonSyntaxError('expected an object', at);
  at = skipSpace(bytes, at + 1);
  if (bytes[at] === closeBrace) return ensureEnd(bytes, at + 1, span.end);
  for (;;) {
    const [keyStart, keyEnd] = [at, skipString(bytes, at)];
    at = skipSpace(bytes, keyEnd);
    if (bytes[at] !== colon) throw new JsonSyntaxError('expected a colon', at);
    const start = skipSpace(bytes, at + 1);
    const end = skipValue(bytes, start);
    visit(keyStart, keyEnd, start, end);
    at = skipSpace(bytes, end);
    if (bytes[at] === comma) at = skipSpace(bytes, at + 1);
    else if (bytes[at] === closeBrace) break;
    else throw new JsonSyntaxError('expected a comma or a closing brace', at);
  }
  ensureEnd(bytes, at + 1, span.end);
}

/** Members of the object that fills `span` (whole buffer by default). Throws JsonSyntaxError if it is not valid JSON. */
export function objectMembers(bytes: Uint8Array, span: Span = { start: 0, end: bytes.length }): Member[] {
  const members: Member[] = [];
  eachMember(bytes, span, (keyStart, keyEnd, start, end) => {
    members.push({ key: decodeString(bytes, { start: keyStart, end: keyEnd }), value: { start, end } });
  });
  return members;
}

/** The last member of that name in an object that was validated before, as JSON.parse would take it. */
export function memberOf(bytes: Uint8Array, span: Span, key: string): Span | undefined {
  let found: Span | undefined;
  eachMember(bytes, span, (keyStart, keyEnd, start, end) => {
    if (isKeyAt(bytes, keyStart, keyEnd, key)) found = { start, end };
  });
  return found;
}

/** Whether the string with its quotes at these places is `key`, which must be ASCII without quote and backslash. */
export function isKeyAt(bytes: Uint8Array, start: number, end: number, key: string): boolean {
  const length = end - start - 2;
  if (length !== key.length) return length > key.length && isEscapedKey(bytes, start, end, key);
  for (let i = 0; i < length; i += 1) {
    if (bytes[start + 1 + i] !== key.charCodeAt(i)) return false;
  }
  return true;
}

/** A key may be written with escapes: "i\u0064" is "id" to every parser. */
function isEscapedKey(bytes: Uint8Array, start: number, end: number, key: string): boolean {
  let at = start;
  // In this key alone: to search the rest of the message for each of its members would take minutes.
  while (at < end && bytes[at] !== backslash) at += 1;
  return at < end && decodeString(bytes, { start, end }) === key;
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
  const ordered = edits.length < 2 ? edits : [...edits].sort((a, b) => a.at.start - b.at.start);
  let length = bytes.length;
  for (const { at, with: text } of ordered) length += byteLength(text) - (at.end - at.start);
  const out = Buffer.allocUnsafe(length);
  const source = view(bytes);
  let [from, to] = [0, 0];
  for (const { at, with: text } of ordered) {
    to += source.copy(out, to, from, at.start);
    if (typeof text === 'string') to += out.write(text, to);
    else {
      out.set(text, to);
      to += text.length;
    }
    from = at.end;
  }
  source.copy(out, to, from);
  return out;
}

/** Edits that take parts out of an array or object, commas included. `ends`: where each of its parts ends. */
export function cutEdits(
  bytes: Uint8Array,
  container: Span,
  ends: readonly number[],
  isGone: (index: number) => boolean,
): Edit[] {
  const firstKept = ends.findIndex((_, i) => !isGone(i));
  if (firstKept < 0) return [{ at: { start: container.start + 1, end: container.end - 1 }, with: '' }];
  const edits: Edit[] = [];
  ends.forEach((end, i) => {
    const before = ends[i - 1];
    if (i > firstKept && before !== undefined && isGone(i)) edits.push({ at: { start: before, end }, with: '' });
  });
  const last = ends[firstKept - 1];
  if (last === undefined) return edits;
  const afterComma = view(bytes).indexOf(comma, last) + 1;
  return [{ at: { start: container.start + 1, end: afterComma }, with: '' }, ...edits];
}

function byteLength(text: string | Uint8Array): number {
  return typeof text === 'string' ? Buffer.byteLength(text) : text.length;
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
