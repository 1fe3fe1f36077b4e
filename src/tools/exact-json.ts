// JSON in and out without touching numbers that a double cannot hold: an id of 19 digits must not come back rounded
// because the text around it was shortened.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const numberMark = '\u0000#';
const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Only what is a number: a server's own string that starts like a mark must not become something else. */
const markedNumber = /"\\u0000#(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"/g;
/** Fifteen digits always survive a double; shorter texts need no look at each token. */
const riskyNumber = /\d{16}|\d\.\d*0(?!\d)|\d[eE]|-0(?![\d.])/;

/** Throws SyntaxError. Numbers that would change are carried as marked strings until `stringifyExact`. */
export function parseExact(text: string): Json {
  const value: Json = JSON.parse(text);
  if (!riskyNumber.test(text)) return value;
  const marked = text.replace(token, (found) =>
    found.startsWith('"') || String(Number(found)) === found ? found : `"\\u0000#${found}"`,
  );
  return JSON.parse(marked);
}

export function stringifyExact(value: unknown, indent?: string): string {
  const text = JSON.stringify(value, undefined, indent) ?? 'null';
  return text.includes('\\u0000#') ? text.replace(markedNumber, '$1') : text;
}

/** Whether this string stands for a number, so that it must not be cut or searched as text. */
export function isMarkedNumber(value: string): boolean {
  return value.startsWith(numberMark);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonObject(value: Json): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tool results were read from JSON, so all that is left to exclude is absence. */
export function isJson(value: unknown): value is Json {
  return value !== undefined;
}

export function jsonOf(value: unknown): Json {
  return isJson(value) ? value : null;
}

/** What a model pays for and a budget counts: bytes of the text as it goes over the wire. */
export function jsonBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value) ?? '');
  } catch (error) {
    // JSON.parse reads any depth, JSON.stringify runs out of stack: what cannot be sent fits nowhere.
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}
