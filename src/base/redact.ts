// Secrets never reach log, status or an error. Two nets: values that the config names as secret, and well-known shapes.
// Servers write most of what is read here, so each shape looks at a character a fixed number of times, whatever the text.

export type Redactor = {
  /** Values shorter than six characters are not taken: replacing "true" or "8080" everywhere would hide more than it protects. */
  add: (value: string) => void;
  redact: (text: string) => string;
};

type Span = { start: number; end: number };
type Shape = (text: string) => Span[];

export function createRedactor(): Redactor {
  const values = new Set<string>();
  return {
    add: (value) => {
      if (value.length < 6) return;
      // As it is, and as it looks in a line of JSON or in a URL.
      for (const form of [value, JSON.stringify(value).slice(1, -1), inUrl(value)]) values.add(form);
    },
    redact: (text) => {
      const spans = shapes.flatMap((shape) => shape(text));
      for (const value of values) addAll(spans, text, value);
      return hide(text, spans);
    },
  };
}

function inUrl(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    return value; // half of a surrogate pair stands in no URL
  }
}

function addAll(spans: Span[], text: string, value: string): void {
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length)) {
    spans.push({ start: at, end: at + value.length });
  }
}

/** All found in the text as it came: of a value that holds another one nothing is left over, and no mark is read again. */
function hide(text: string, spans: Span[]): string {
  if (spans.length === 0) return text;
  const parts: string[] = [];
  let shown = 0;
  for (const { start, end } of spans.sort((a, b) => a.start - b.start)) {
    if (start >= shown) parts.push(text.slice(shown, start), '[redacted]');
    shown = Math.max(shown, end);
  }
  return parts.join('') + text.slice(shown);
}

/** Its group, which ends where the match does, or all of it is hidden. */
function byPattern(pattern: RegExp): Shape {
  return (text) =>
    Array.from(text.matchAll(pattern), ({ index, 0: found, 1: secret = found }) => {
      const end = index + found.length;
      return { start: end - secret.length, end };
    });
}

/** Where the run of characters that begins at a place ends; `pattern` is sticky and matches no character as well. */
function runIn(text: string, pattern: RegExp): (from: number) => number {
  return (from) => {
    pattern.lastIndex = from;
    pattern.test(text);
    return pattern.lastIndex;
  };
}

/** A JWT: three words with dots between, of which the first begins as every JSON object does. */
function webTokens(text: string): Span[] {
  const spans: Span[] = [];
  const endOfWord = runIn(text, /[\w-]*/y);
  for (let start = text.indexOf('eyJ'); start >= 0; ) {
    const first = endOfWord(start);
    const second = first - start >= 11 && text[first] === '.' ? endOfWord(first + 1) : first;
    const isWhole = second - first > 8 && text[second] === '.';
    const end = isWhole ? endOfWord(second + 1) : first;
    if (isWhole) spans.push({ start, end });
    // Whatever begins farther on in the first word ends where this ended.
    start = text.indexOf('eyJ', end);
  }
  return spans;
}

/** Names behind which a secret stands, alone or as the end of a longer name: `GITHUB_TOKEN=`, `"clientSecret": "`. */
const secretName =
  /(?:api|access|private)[_-]?key|token|secret|password|passwd|passphrase|credentials?|authorization|cookie/gi;
const leastSecret = 6;

function namedValues(text: string): Span[] {
  const spans: Span[] = [];
  // Quotes may be escaped: a line of JSON in a line of JSON.
  const assignment = /(?:\\*["'])?\s*[=:]\s*(?:\\*["'])?/y;
  const scheme = /(?:Bearer|Basic|Digest|Token)\s+/iy;
  const endOfAssignment = runIn(text, assignment);
  const endOfScheme = runIn(text, scheme);
  const endOfWord = runIn(text, /[^\s"',;&]*/y);
  let done = 0;
  for (const { index, 0: name } of text.matchAll(secretName)) {
    const begin = endOfAssignment(index + name.length);
    // Nothing is assigned, or it is a part of what is hidden already.
    if (begin === 0 || begin <= done) continue;
    // How a login is made is no secret; what follows is.
    const start = endOfScheme(begin) || begin;
    const isQuoted = (text[begin - 1] === '"' || text[begin - 1] === "'") && text[begin - 2] !== '\\';
    const end = isQuoted ? closingQuote(text, start, text[begin - 1]) : withoutEscape(text, start, endOfWord(start));
    if (end - start < leastSecret) continue;
    spans.push({ start, end });
    done = end;
  }
  return spans;
}

/** The rest of its line where it is not closed. */
function closingQuote(text: string, from: number, quote: string | undefined): number {
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === quote || char === '\n') return at;
    if (char === '\\') at += 1;
  }
  return text.length;
}

/** The backslash of an escaped quote belongs to the quote. */
function withoutEscape(text: string, start: number, end: number): number {
  if (text[end] !== '"' && text[end] !== "'") return end;
  let slashes = 0;
  while (end - slashes > start && text[end - slashes - 1] === '\\') slashes += 1;
  return slashes % 2 === 1 ? end - 1 : end;
}

// In each of these patterns nothing that repeats can begin again inside itself: a run that led nowhere is read once.
const shapes: readonly Shape[] = [
  byPattern(/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/g),
  byPattern(/\bsk-[A-Za-z0-9_-]{16,}/g),
  byPattern(/\bxox[abprs]-[A-Za-z0-9-]{10,}/g),
  byPattern(/\bAKIA[0-9A-Z]{16}\b/g),
  byPattern(/\bBearer\s+([A-Za-z0-9._~+/=-]{8,})/gi),
  byPattern(/:\/\/[^\s/:@]*:([^\s/@]+)(?=@)/g),
  webTokens,
  namedValues,
];
