// What parsers of other languages refuse in a message although JSON.parse reads it: bytes that are no UTF-8, halves of a
// surrogate pair, and more nesting than they have room for. Each of them loses the whole line, not the one entry.
import { isUtf8 } from 'node:buffer';
import { type Edit, type Span, splice } from '../base/json-scan.ts';
import { closeBrace, closeBracket, openBrace, openBracket, quote, skipString } from '../base/json-skip.ts';

/**
 * serde_json (Rust) reads 127 levels, jiter (the Python SDK) 200, and the message around an entry has three. No schema that
 * people write comes near it.
 */
export const maxDepth = 100;

export function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const c = bytes[at];
    if (c === quote) at = skipString(bytes, at) - 1;
    else if (c === openBrace || c === openBracket) depth += 1;
    else if (c === closeBrace || c === closeBracket) depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}

/** The same with U+FFFD for each byte that is none of UTF-8, as every reader shows it. The same buffer: there are none. */
export function asUtf8(bytes: Buffer): Buffer {
  return isUtf8(bytes) ? bytes : Buffer.from(bytes.toString('utf8'));
}

/** U+FFFD for each half of a surrogate pair that stands alone, except in `kept`. The same buffer: there are none. */
export function withoutHalves(bytes: Buffer, kept: Span | undefined): Buffer {
  if (!bytes.includes('\\u')) return bytes;
  const edits: Edit[] = [];
  let high: Span | undefined;
  const replace = (at: Span | undefined) => {
    if (at && !(kept && at.start >= kept.start && at.end <= kept.end)) edits.push({ at, with: '\\ufffd' });
  };
  // Backslashes stand in strings only, so escapes are found without looking for strings.
  for (const { index, 1: digits } of bytes.toString('latin1').matchAll(/\\(?:u([0-9a-fA-F]{4})|[^u])/g)) {
    const code = digits === undefined ? 0 : Number.parseInt(digits, 16);
    const at = { start: index, end: index + 6 };
    const isLow = code >= 0xdc00 && code <= 0xdfff;
    const isPair = isLow && high?.end === index;
    if (!isPair) {
      replace(high);
      if (isLow) replace(at);
    }
    high = code >= 0xd800 && code <= 0xdbff ? at : undefined;
  }
  replace(high);
  return edits.length === 0 ? bytes : splice(bytes, edits);
}

/** Numbers that no double holds, in `span`: programs that read them get Infinity, which is no number of JSON. */
export function farNumbers(bytes: Buffer, { start, end }: Span): Edit[] {
  const edits: Edit[] = [];
  for (let at = start; at < end; at += 1) {
    const c = bytes[at] ?? 0;
    if (c === quote) at = skipString(bytes, at) - 1;
    if (c !== 0x2d && (c < 0x30 || c > 0x39)) continue;
    const from = at;
    while (at + 1 < end && isOfNumber(bytes[at + 1] ?? 0)) at += 1;
    const value = Number(bytes.toString('latin1', from, at + 1));
    if (Number.isFinite(value)) continue;
    edits.push({ at: { start: from, end: at + 1 }, with: String(Math.sign(value) * Number.MAX_VALUE) });
  }
  return edits;
}

function isOfNumber(c: number): boolean {
  return (c >= 0x30 && c <= 0x39) || c === 0x2e || c === 0x2d || c === 0x2b || c === 0x65 || c === 0x45;
}
