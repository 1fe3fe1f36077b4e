// A tool's result from its bytes, for reading. Where it is handed on unchanged, its bytes are.
import { type Span, textAt } from '../base/json-scan.ts';
import { memberAt } from '../mcp/envelope.ts';
import { isObject, parseExact } from './exact-json.ts';

/** `at`: where in `bytes` it stands; the whole if absent. What is no object is read as an empty one. */
export function readResultBytes(bytes: Buffer, at: Span = { start: 0, end: bytes.length }): Record<string, unknown> {
  const value: unknown = JSON.parse(textAt(bytes, at));
  if (!isObject(value)) return {};
  const structure = value['structuredContent'] === undefined ? undefined : memberAt(bytes, at, ['structuredContent']);
  const text = structure && textAt(bytes, structure);
  // Numbers that a double cannot hold come back as they were, also from the part that is cut.
  return text && /\d{16}/.test(text) ? { ...value, structuredContent: parseExact(text) } : value;
}
