// Shortening text: never inside a character. Half of a surrogate pair makes a whole JSON message unreadable for some
// programs, a letter without its accent is another letter, and half an escape is none. The only place that cuts text by a
// length: test/contract/text-cuts.test.ts finds the others.
import { jsonText } from './plain-text.ts';

/** At most `maxChars` UTF-16 units; what is lost at the end is marked. */
export function cutChars(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${firstChars(text, maxChars - 1)}…`;
}

/** The start of a text; nothing says that there was more. */
export function firstChars(text: string, maxChars: number): string {
  return text.slice(0, wholeBefore(text, maxChars));
}

/** The end of a text. */
export function lastChars(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : text.slice(wholeAfter(text, text.length - maxChars));
}

/** What stands between two places, with the whole of each character that they part. */
export function charsBetween(text: string, from: number, to: number): string {
  return text.slice(wholeBefore(text, from), wholeAfter(text, to));
}

/** Names of others in a sentence of ours: few, each short and one word of it, and how many more there are. */
export function joinNames(names: readonly string[], { most = 5, maxChars = 80 } = {}): string {
  const shown = names.slice(0, most).map((name) => {
    const short = cutChars(name, maxChars);
    // Without quotes it could go on as if we spoke.
    return /^[\p{L}\p{N}_.@/:…-]+$/u.test(short) ? short : `"${cutChars(jsonText(name).slice(1, -1), maxChars)}"`;
  });
  const more = names.length - shown.length;
  return more === 0 ? shown.join(', ') : `${shown.join(', ')} and ${more} more`;
}

/** The largest position up to `at` between two code points, for whoever counts on from there. */
export function safeEnd(text: string, at: number): number {
  return isHalved(text, at) ? at - 1 : at;
}

/** U+FFFD for each half of a character: programs in other languages refuse a whole message for one. */
export function wholeCharacters(text: string): string {
  return Buffer.from(text).toString();
}

/**
 * JSON that strict parsers read too: what it writes as an escape is a half without its other one. For values of others that
 * are written anew; what passes as bytes stays as it was.
 */
export function wholeJson(value: unknown, indent?: number | string): string {
  const text = JSON.stringify(value, undefined, indent) ?? 'null';
  if (!/\\ud[89a-f]/.test(text)) return text;
  return text.replace(/\\(?:(ud[89a-f][\da-f]{2})|.)/g, (written, half?: string) => (half ? '\\ufffd' : written));
}

/** The largest position up to `at` that parts nothing. */
function wholeBefore(text: string, at: number): number {
  const start = joinedAt(text, at)?.start ?? at;
  return Math.max(0, at - start > maxJoined ? safeEnd(text, at) : start);
}

/** The smallest one from `at` on. */
function wholeAfter(text: string, at: number): number {
  const end = joinedAt(text, at)?.end ?? at;
  if (end - at > maxJoined) return isHalved(text, at) ? at + 1 : at;
  return Math.min(text.length, end);
}

/** Longer than any accents or joined pictures that are no attack. */
const maxJoined = 32;
/** On each side of a place: as much as may belong together there. */
const lookChars = 2 * maxJoined;

let segmenter: Intl.Segmenter | undefined;
/** Escapes of JSON as we write them out too, and sequences of a terminal. */
const escapes =
  /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u(?:[\da-fA-F]{4}|\{[\da-fA-F]{1,6}\})|\\["\\/bfnrt]|\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|.)/gu;

/** What a cut at `at` would part: an escape, or one character as people count them. */
function joinedAt(text: string, at: number): Span | undefined {
  if (at <= 0 || at >= text.length) return undefined;
  const from = safeEnd(text, Math.max(0, at - lookChars));
  const near = text.slice(from, at + lookChars);
  const isAround = ({ start, end }: Span) => start < at && at < end;
  for (const { index, 0: found } of near.matchAll(escapes)) {
    const span = { start: from + index, end: from + index + found.length };
    if (isAround(span)) return span;
  }
  // Nearly every place.
  if (text.charCodeAt(at - 1) < 0x80 && text.charCodeAt(at) < 0x80 && text[at - 1] !== '\r') return undefined;
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  const found = segmenter.segment(near).containing(at - from);
  const start = from + (found?.index ?? 0);
  const span = flagAt(text, safeEnd(text, at)) ?? { start, end: start + (found?.segment.length ?? 0) };
  return isAround(span) ? span : undefined;
}

type Span = { readonly start: number; readonly end: number };

/** In UTF-16 units, of 2,048 flags. A row of many cuts must not be walked to its beginning at each of them. */
const maxFlagRow = 8_192;

/** Two letters are one flag; which two tells only the beginning of their row. */
function flagAt(text: string, at: number): Span | undefined {
  const isLetter = (place: number) => {
    const behind = text.charCodeAt(place + 1);
    return text.charCodeAt(place) === 0xd83c && behind >= 0xdde6 && behind <= 0xddff;
  };
  if (!isLetter(at)) return undefined;
  let first = at;
  while (first >= 2 && at - first < maxFlagRow && isLetter(first - 2)) first -= 2;
  const start = (at - first) % 4 === 0 ? at : at - 2;
  return { start, end: start + (isLetter(start + 2) ? 4 : 2) };
}

/** Whether both halves of one code point stand around `at`. */
function isHalved(text: string, at: number): boolean {
  const [before, behind] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  return before >= 0xd800 && before <= 0xdbff && behind >= 0xdc00 && behind <= 0xdfff;
}
