// Shortening text: never inside a character. Half of a surrogate pair makes a whole JSON message unreadable for some
// programs, and a letter without its accent is another letter.
import { jsonText } from './plain-text.ts';

/** Longer than any accents or joined pictures that are no attack. */
const maxBackSteps = 32;

/** At most `maxChars` UTF-16 units; what is lost at the end is marked. */
export function cutChars(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  let end = safeEnd(text, Math.max(0, maxChars - 1));
  for (let step = 0; step < maxBackSteps && end > 0 && isJoined(text, end); step += 1) end = safeEnd(text, end - 1);
  return `${text.slice(0, end)}…`;
}

/** The end of a text, whole characters only. */
export function lastChars(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  let start = text.length - maxChars;
  if (safeEnd(text, start) !== start) start += 1;
  for (let step = 0; step < maxBackSteps && isJoined(text, start); step += 1) {
    start += (text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(start);
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

/** The largest position up to `at` that does not split a character. */
export function safeEnd(text: string, at: number): number {
  const before = text.charCodeAt(at - 1);
  return at < text.length && before >= 0xd800 && before <= 0xdbff ? at - 1 : at;
}

/** Whether what stands at `at` belongs to the character before it. */
function isJoined(text: string, at: number): boolean {
  const code = text.codePointAt(at);
  return (
    code !== undefined &&
    (/^[\p{M}\p{Emoji_Modifier}\u200d]/u.test(String.fromCodePoint(code)) || text[at - 1] === '\u200d')
  );
}

/** U+FFFD for each half of a character: programs in other languages refuse a whole message for one. */
export function wholeCharacters(text: string): string {
  return Buffer.from(text).toString();
}
