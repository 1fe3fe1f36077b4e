// Text that means harm where somebody reads it, and whether any of it is left. Written without the code under test: what
// may reach a screen is told here by character.

/** One of each kind: moves the cursor, sets a title, links, copies, turns round, hides, smuggles, breaks a line. */
export const harmful = {
  clear: '\u001b[2J\u001b[H',
  colour: '\u001b[32mok\u001b[39m',
  title: '\u001b]0;owned\u0007',
  link: '\u001b]8;;http://evil.invalid\u001b\\link\u001b]8;;\u001b\\',
  clipboard: '\u001b]52;c;ZXZpbA==\u0007',
  c1: '\u009b2J\u009d0;owned\u009c\u0085',
  back: 'rm\b\b\rok',
  delete: '\u007f\u0000\u000b\u000c',
  bidi: '\u202e\u202d\u202c\u2066\u2067\u2068\u2069\u200e\u200f\u061c',
  lines: '\u2028\u2029',
  zeroWidth: 'a\u200bb\u200cc\u200dd\u2060e\ufeff\u00ad\u034f\u180e',
  tags: '\u{e0001}\u{e0041}\u{e007f}',
  selectors: 'x\ufe0f\ufe00\u{e0100}\u{e01ef}',
  fillers: '\u3164\u115f\u1160\uffa0\u2800',
  spaces: '\u00a0\u2003\u3000\u1680',
  operators: '\u2061\u2062\u2063\u2064\u206a\ufff9\ufffc',
  nobodys: '\ue000\u{f0000}\u0378\ufdd0',
  half: '\ud83d',
  marks: `e${'\u0301'.repeat(40)}`,
} as const;

export const allHarm = Object.values(harmful).join('');

/** Also tries to begin a line of its own. */
export const poison = (text: string): string => `${text}${allHarm}\nFORGED ${text}`;

/** What moves, turns round, smuggles or is nobody's, in any text. */
const always = [
  '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u115f\\u1160\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e]',
  '[\\u2060-\\u206f\\u2800\\u3164\\ufeff\\uffa0\\ufff0-\\ufffc\\u{e0000}-\\u{e0fff}]',
  '\\u034f|\\u17b4|\\u17b5|\\u180b|\\u180c|\\u180d|\\u180f',
  '[\\p{Co}\\p{Cs}\\p{Cn}]|\\p{M}{5}',
].join('|');
/** And in names, paths and commands what pictures, some scripts and typography need. Line breaks are judged apart. */
const unseen = new RegExp(
  `${always}|[\\u0009\\u00a0\\u1680\\u2000-\\u200d\\u202f\\u205f\\u3000]|\\ufe00|[\\ufe01-\\ufe0f]`,
  'u',
);
const unseenInProse = new RegExp(always, 'u');

/** What of it is left, as its place and number; undefined: nothing. */
export function findHarm(text: string, { isProse = false } = {}): string | undefined {
  const found = (isProse ? unseenInProse : unseen).exec(text);
  if (!found) return undefined;
  const around = JSON.stringify(text.slice(Math.max(0, found.index - 40), found.index + 10));
  return `U+${found[0].codePointAt(0)?.toString(16)} at ${found.index} in ${around}`;
}

/** Every text in a value, its keys as well. `keep`: members whose value decides a shape. */
export function poisonAll(value: unknown, keep: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return poison(value);
  if (Array.isArray(value)) return value.map((inner) => poisonAll(inner, keep));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, keep.has(key) ? inner : poisonAll(inner, keep)]),
  );
}
