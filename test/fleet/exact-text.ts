// JSON as it was written: entries of a list in their own bytes, without the space between tokens. JSON.parse would round
// numbers and forget the order.
import { isRecord } from '../../src/base/guards.ts';

const tokenPattern = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;

export type Value =
  | { kind: 'object'; members: [key: string, value: Value][] }
  | { kind: 'array'; items: Value[] }
  | { kind: 'leaf'; text: string };

export function parseExact(text: string): Value {
  const tokens = text.match(tokenPattern) ?? [];
  let at = 0;
  const take = () => tokens[at++] ?? '';
  const until = (end: string, one: () => void) => {
    while (at < tokens.length && tokens[at] !== end) {
      one();
      if (tokens[at] === ',') at += 1;
    }
    at += 1;
  };
  const value = (): Value => {
    const token = take();
    if (token === '{') {
      const members: [string, Value][] = [];
      until('}', () => {
        const key = String(JSON.parse(take()));
        at += 1;
        members.push([key, value()]);
      });
      return { kind: 'object', members };
    }
    if (token === '[') {
      const items: Value[] = [];
      until(']', () => items.push(value()));
      return { kind: 'array', items };
    }
    return { kind: 'leaf', text: token };
  };
  return value();
}

/** With `isSorted`, members come in the order of their keys: two that are equal then mean the same. */
export function write(value: Value | undefined, isSorted = false): string {
  if (value === undefined) return '';
  if (value.kind === 'leaf') return isSorted ? meaningOf(value.text) : value.text;
  if (value.kind === 'array') return `[${value.items.map((item) => write(item, isSorted)).join(',')}]`;
  const members = isSorted ? [...value.members].sort(([a], [b]) => (a < b ? -1 : 1)) : value.members;
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${write(member, isSorted)}`).join(',')}}`;
}

/** A string whichever way its characters are escaped; a number as it stands. */
function meaningOf(leaf: string): string {
  return leaf.startsWith('"') ? JSON.stringify(JSON.parse(leaf)) : leaf;
}

export function memberOf(value: Value | undefined, ...path: string[]): Value | undefined {
  let found = value;
  for (const key of path) {
    found = found?.kind === 'object' ? found.members.findLast(([name]) => name === key)?.[1] : undefined;
  }
  return found;
}

export function without(value: Value, key: string): Value {
  if (value.kind !== 'object') return value;
  return { kind: 'object', members: value.members.filter(([name]) => name !== key) };
}

export function itemsOf(value: Value | undefined): Value[] {
  return value?.kind === 'array' ? value.items : [];
}

export function textOf(value: Value | undefined): string {
  if (value?.kind !== 'leaf' || !value.text.startsWith('"')) return '';
  return String(JSON.parse(value.text));
}

/** The raw line of the answer with that id. */
export function lineWithId(lines: readonly string[], id: string): string {
  const found = lines.findLast((line) => {
    if (!line.includes(JSON.stringify(id))) return false;
    try {
      const message: unknown = JSON.parse(line);
      return isRecord(message) && message['id'] === id && !('method' in message);
    } catch {
      return false; // no message: said by whoever reads the server's garbage
    }
  });
  return found ?? '';
}
