// How many terminal columns a text takes, and cutting and wrapping by columns.
import { plainLine } from '../../base/plain-text.ts';

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}])/u;
const noWidth = /^[\p{M}\u200b-\u200d\u2060\ufeff]+$/u;

/** Of a text that is plain already. */
export function textWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const segment of graphemes(text)) width += segmentWidth(segment);
  return width;
}

/** A plain `text` in at most `width` columns; what is lost at the end (or the start, for paths) is marked with `…`. */
export function cutText(text: string, width: number, from: 'start' | 'end' = 'end'): string {
  if (textWidth(text) <= width) return text;
  if (width <= 0) return '';
  const parts = [...graphemes(text)];
  if (from === 'start') parts.reverse();
  let used = 1;
  const kept: string[] = [];
  for (const part of parts) {
    used += segmentWidth(part);
    if (used > width) break;
    kept.push(part);
  }
  return from === 'start' ? `…${kept.reverse().join('')}` : `${kept.join('')}…`;
}

export function padText(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + space : space + text;
}

/**
 * Lines of at most `width` columns in plain text, broken at spaces, but not inside `a command` between backticks; what is longer than a
 * line stands on one of its own, uncut.
 */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const [word] of plainLine(text).matchAll(/(?:`[^`]*`|\S)+/g)) {
    if (line !== '' && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** V8 copies the whole text for each segment of it (Node 20): long ones are taken apart piece by piece. */
const pieceChars = 512;

function* graphemes(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const isHalved = (text.codePointAt(at + pieceChars - 1) ?? 0) > 0xffff;
    const piece = text.slice(at, at + pieceChars - (isHalved ? 1 : 0));
    const isLast = at + piece.length === text.length;
    let end = 0;
    for (const { segment, index } of segments.segment(piece)) {
      end = index + segment.length;
      // What the cut may have halved begins the next piece, unless it is all of this one.
      if (!isLast && end === piece.length && index > 0) {
        end = index;
        break;
      }
      yield segment;
    }
    at += end;
  }
}

function segmentWidth(segment: string): number {
  if (noWidth.test(segment)) return 0;
  return wide.test(segment) ? 2 : 1;
}
