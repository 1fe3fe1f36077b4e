// The last step before text of others reaches a terminal, a message of the host or a model. Whatever could move the
// cursor, set a title, turn a line round, end it or be there unseen is written out, never taken out: `\u202e`, `\u{e0041}`.
// The patterns are made when text first needs them: most sessions never show anything but ASCII.

/**
 * Control, format (zero-width, bidirectional, tags), surrogate, private and unassigned characters; line separators;
 * what fonts show as nothing (fillers, variation selectors, and letters and symbols that are blanks).
 */
const unseen = String.raw`[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffc\u{16fe4}\u{1d159}\u{13441}\u{13442}]`;
/** More than these on one letter run over the lines above. */
const stacked = String.raw`(?<=\p{M}{4})\p{M}`;
/** Marks without a letter would sit on what stands before them, which may be a word of ours. */
const loose = String.raw`(?<![\p{L}\p{M}\p{N}\p{So}\p{Sm}])\p{M}+`;
const oddSpace = String.raw`(?! )\p{Zs}`;

/** Emoji with a colour, a presentation or joined to others; keycaps. */
const picture = String.raw`(?!\p{Cn})\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|[\ufe0e\ufe0f])?`;
const joiningScripts = ['Arab', 'Syrc', 'Deva', 'Beng', 'Guru', 'Gujr', 'Orya', 'Taml', 'Telu', 'Knda', 'Mlym', 'Sinh'];
const joining = `[${joiningScripts.map((script) => `\\p{Script=${script}}`).join('')}]`;
const readable = String.raw`${picture}(?:\u200d${picture})*|[0-9#*]\ufe0f\u20e3|(?<=${joining})[\u200c\u200d](?=${joining})`;

const strict = once(() => new RegExp([unseen, oddSpace, stacked, loose].join('|'), 'gu'));
const inProse = once(() => new RegExp(String.raw`(${readable}|[\n\t])|${unseen}|${stacked}`, 'gu'));

/**
 * One line, strict: for names, paths and commands. Idempotent, so that the last writer may do it again. `write`: how one
 * character is written out.
 */
export function visible(text: string, write = writtenOut): string {
  return isAscii(text) ? text : text.replace(strict(), (match) => Array.from(match, write).join(''));
}

/** The same for messages: line breaks and tabs become spaces, so that a text of several lines reads as one. */
export function plainLine(text: string): string {
  // Trimmed last: by then a space is the only blank, and no odd one vanishes unseen.
  return visible(text.replace(/[\t\r\n]+/g, ' ')).trim();
}

/** Several lines of prose: what emoji and scripts with joiners need to be read stays. */
export function plainText(text: string): string {
  if (isAscii(text)) return text;
  return text
    .replaceAll('\r\n', '\n')
    .replace(inProse(), (match, kept: string | undefined) => kept ?? writtenOut(match));
}

/** For a terminal as well as for a program: the escapes parse back to what they stand for. */
export function jsonText(value: unknown, indent?: number): string {
  return visibleJson(JSON.stringify(value, undefined, indent) ?? 'null');
}

/** For a text that is JSON already. */
export function visibleJson(text: string): string {
  if (isAscii(text)) return text;
  return text.replace(strict(), (match) => (match === '\n' ? match : jsonUnits(match)));
}

/**
 * Terminal sequences with what belongs to them taken out: only for what is searched, as a colour inside a word would hide
 * the word from the search.
 */
export function withoutSequences(text: string): string {
  return text.replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g, '');
}

/** `kept` with an end for each direction that it leaves open, which would turn round what stands behind it. */
export function closed(kept: string): string {
  const open: string[] = [];
  for (const [mark] of kept.slice(kept.lastIndexOf('\n') + 1).matchAll(/[\u202a-\u202e\u2066-\u2069]/g)) {
    if (mark === endOfIsolate) {
      const at = open.lastIndexOf(mark);
      if (at >= 0) open.length = at;
    } else if (mark === endOfEmbedding) {
      if (open.at(-1) === mark) open.pop();
    } else open.push(mark >= '\u2066' ? endOfIsolate : endOfEmbedding);
    // Deeper than what displays follow it is no text, and is not searched through for each end either.
    if (open.length > maxDirections) return kept;
  }
  return kept + open.reverse().join('');
}

const endOfEmbedding = '\u202c';
const endOfIsolate = '\u2069';
const maxDirections = 125;

function isAscii(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

function writtenOut(char: string): string {
  if (char === '\n') return '\\n';
  if (char === '\t') return '\\t';
  return char.length > 1 ? `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}` : jsonUnits(char);
}

/** Each UTF-16 unit as JSON writes it. */
export function jsonUnits(text: string): string {
  let out = '';
  for (let i = 0; i < text.length; i += 1) out += `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return out;
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
