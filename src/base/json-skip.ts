// Finds the end of JSON tokens and values in bytes, and refuses what is no JSON. Each message passes here at least twice,
// byte by byte: loops are bounded by the length and the open containers lie in typed memory, because a read beyond the
// end and an array that shrinks cost five times as much (measured).

export const quote = 0x22;
export const backslash = 0x5c;
export const comma = 0x2c;
export const colon = 0x3a;
export const openBrace = 0x7b;
export const closeBrace = 0x7d;
export const openBracket = 0x5b;
export const closeBracket = 0x5d;

/** Closing brackets stand two above their opening ones in ASCII. */
const closing = 2;

export class JsonSyntaxError extends Error {
  constructor(what: string, at: number) {
    super(`${what} at byte ${at}`);
    this.name = 'JsonSyntaxError';
  }
}

/** Containers that are open where skipValue is; one for all, because it runs to its end. What is deeper takes its own. */
const usualContainers = new Uint8Array(1_000);

export function skipSpace(bytes: Uint8Array, from: number): number {
  const { length } = bytes;
  let at = from;
  while (at < length) {
    const c = bytes[at];
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
    at += 1;
  }
  return at;
}

/** Returns the offset after one valid value; iterative, so that depth costs no stack and needs no limit. */
export function skipValue(bytes: Uint8Array, from: number): number {
  let containers = usualContainers;
  let depth = 0;
  let at = skipSpace(bytes, from);
  for (;;) {
    const c = at < bytes.length ? (bytes[at] ?? 0) : 0;
    if (c === openBrace || c === openBracket) {
      at = skipSpace(bytes, at + 1);
      if (at < bytes.length && bytes[at] === c + closing) at += 1;
      else {
        if (depth === containers.length) containers = grown(containers);
        containers[depth] = c;
        depth += 1;
        if (c === openBrace) at = skipKey(bytes, at);
        continue;
      }
    } else at = c === quote ? skipString(bytes, at) : skipLiteral(bytes, at, c);

    for (;;) {
      if (depth === 0) return at;
      const container = containers[depth - 1] ?? 0;
      at = skipSpace(bytes, at);
      const next = at < bytes.length ? bytes[at] : 0;
      if (next === comma) {
        at = skipSpace(bytes, at + 1);
        if (container === openBrace) at = skipKey(bytes, at);
        break;
      }
      if (next !== container + closing) throw new JsonSyntaxError('expected a comma or a closing bracket', at);
      depth -= 1;
      at += 1;
    }
  }
}

function grown(containers: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(containers.length * 2);
  larger.set(containers);
  return larger;
}

/** Returns the offset after the closing quote. */
export function skipString(bytes: Uint8Array, from: number): number {
  const { length } = bytes;
  if (from >= length || bytes[from] !== quote) throw new JsonSyntaxError('expected a string', from);
  let at = from + 1;
  while (at < length) {
    const c = bytes[at] ?? 0;
    if (c === quote) return at + 1;
    if (c < 0x20) break;
    if (c === backslash) at = skipEscape(bytes, at);
    else at += 1;
  }
  throw new JsonSyntaxError('unfinished string or control character', at);
}

function skipKey(bytes: Uint8Array, from: number): number {
  const at = skipSpace(bytes, skipString(bytes, from));
  if (at >= bytes.length || bytes[at] !== colon) throw new JsonSyntaxError('expected a colon', at);
  return skipSpace(bytes, at + 1);
}

function skipEscape(bytes: Uint8Array, at: number): number {
  const kind = bytes[at + 1];
  if (kind === 0x75) {
    for (let i = at + 2; i < at + 6; i += 1) {
      const c = bytes[i] ?? 0;
      const isHex = isDigit(c) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
      if (!isHex) throw new JsonSyntaxError('bad unicode escape', i);
    }
    return at + 6;
  }
  if (kind === undefined || !'"\\/bfnrt'.includes(String.fromCharCode(kind)))
    throw new JsonSyntaxError('bad escape', at);
  return at + 2;
}

function skipLiteral(bytes: Uint8Array, from: number, first: number): number {
  if (first === 0x74) return skipWord(bytes, from, 'true');
  if (first === 0x66) return skipWord(bytes, from, 'false');
  if (first === 0x6e) return skipWord(bytes, from, 'null');
  return skipNumber(bytes, from);
}

function skipWord(bytes: Uint8Array, from: number, word: string): number {
  for (let i = 1; i < word.length; i += 1) {
    if (bytes[from + i] !== word.charCodeAt(i)) throw new JsonSyntaxError('unexpected text', from);
  }
  return from + word.length;
}

/** RFC 8259: an integer part without leading zeros, then perhaps a fraction, then perhaps an exponent. */
function skipNumber(bytes: Uint8Array, from: number): number {
  const start = bytes[from] === 0x2d ? from + 1 : from;
  let at = bytes[start] === 0x30 ? start + 1 : skipDigits(bytes, start, from);
  if (bytes[at] === 0x2e) at = skipDigits(bytes, at + 1, from);
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    const sign = bytes[at + 1];
    at = skipDigits(bytes, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1, from);
  }
  return at;
}

/** At least one. */
function skipDigits(bytes: Uint8Array, from: number, start: number): number {
  const { length } = bytes;
  let at = from;
  while (at < length && isDigit(bytes[at] ?? 0)) at += 1;
  if (at === from) throw new JsonSyntaxError('unexpected text', start);
  return at;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}
