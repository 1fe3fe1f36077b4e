// A tool's result from its bytes, for reading. Where it is handed on unchanged, its bytes are.
import { readBytesIfPresent } from '../base/atomic-file.ts';
import { isObjectAt, objectMembers, type Span, textAt } from '../base/json-scan.ts';
import { isObject, parseExact } from './exact-json.ts';

/** A text of half a GiB is the longest that V8 holds. */
const maxSpilledBytes = 512 * 1024 * 1024;

/** A result that was put on disk. Throws when its file is gone. */
export function readSpilled(path: string): Record<string, unknown> {
  const bytes = readBytesIfPresent(path, maxSpilledBytes);
  if (!bytes) throw new Error(`${path} is gone`);
  return readResultBytes(bytes);
}

/** `at`: where in `bytes` it stands; the whole if absent. What is no object is read as an empty one. */
export function readResultBytes(bytes: Buffer, at: Span = { start: 0, end: bytes.length }): Record<string, unknown> {
  const value: unknown = JSON.parse(textAt(bytes, at));
  if (!isObject(value)) return {};
  // Numbers that a double cannot hold come back as they were, also from the part that is cut. Not in `content`: its JSON
  // is text.
  const members = new Map(isObjectAt(bytes, at) ? objectMembers(bytes, at).map((one) => [one.key, one.value]) : []);
  members.delete('content');
  const exact = [...members].flatMap(([key, member]): [string, unknown][] => {
    const text = textAt(bytes, member);
    return /\d{16}/.test(text) ? [[key, parseExact(text)]] : [];
  });
  return exact.length > 0 ? { ...value, ...Object.fromEntries(exact) } : value;
}
