// One JSON-RPC message as bytes plus the places of its envelope. Payloads stay unread.

import {
  arrayElements,
  type Edit,
  isArrayAt,
  isObjectAt,
  JsonSyntaxError,
  memberOf,
  type Span,
  splice,
  stringAt,
  textAt,
} from '../base/json-scan.ts';
import { type EnvelopeScan, scanEnvelope } from './envelope-scan.ts';

type Common = { readonly line: Buffer };
export type RequestEnvelope = Common & {
  readonly kind: 'request';
  readonly id: Span;
  /** The id as it is written; answers repeat it byte for byte. */
  readonly idText: string;
  readonly method: string;
  readonly params: Span | undefined;
};
export type NotificationEnvelope = Common & {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: Span | undefined;
};
export type ResponseEnvelope = Common & {
  readonly kind: 'response';
  readonly id: Span;
  readonly idText: string;
  readonly result: Span | undefined;
  readonly error: Span | undefined;
};
export type InvalidEnvelope = Common & {
  readonly kind: 'invalid';
  /** JSON-RPC code: -32700 not JSON, -32600 no valid request. */
  readonly code: -32700 | -32600;
  readonly reason: string;
  readonly idText: string | undefined;
};
export type Envelope = RequestEnvelope | NotificationEnvelope | ResponseEnvelope | InvalidEnvelope;

/** Validates the whole message, so that nothing malformed is passed on. */
export function parseEnvelope(line: Buffer): Envelope {
  let scan: EnvelopeScan;
  try {
    scan = scanEnvelope(line);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    const isBatch = line[0] === 0x5b;
    const reason = isBatch ? 'batches are not part of this protocol revision' : error.message;
    return { kind: 'invalid', line, code: isBatch ? -32600 : -32700, reason, idText: undefined };
  }
  const { id, method: methodSpan, params, result, error, jsonrpc, hasTwice } = scan;
  const idText = id && textAt(line, id);
  const invalid = (reason: string): InvalidEnvelope => ({
    kind: 'invalid',
    line,
    code: -32600,
    reason,
    idText: isIdText(idText) ? idText : undefined,
  });
  if (hasTwice) return invalid('an envelope member occurs twice');
  if (stringAt(line, jsonrpc) !== '2.0') return invalid('"jsonrpc" must be "2.0"');
  if (methodSpan) {
    const method = stringAt(line, methodSpan);
    if (method === undefined) return invalid('"method" must be a string');
    if (params && !isObjectAt(line, params)) return invalid('"params" must be an object');
    if (id === undefined) return { kind: 'notification', line, method, params };
    if (!isIdText(idText)) return invalid('"id" must be a string or a number');
    return { kind: 'request', line, id, idText, method, params };
  }
  if (id === undefined || (!result && !error)) return invalid('neither a request nor a response');
  return { kind: 'response', line, id, idText: idText ?? 'null', result, error };
}

/** Equal for equal ids, whatever their spelling; a number and a string never meet. */
export function idKey(idText: string): string {
  if (!idText.startsWith('"')) return idText;
  return idText.includes('\\') ? JSON.stringify(JSON.parse(idText)) : idText;
}

/** Which of our own requests is answered; NaN: none. Some servers write our numbers as strings, and the SDKs take that. */
export function answeredNumber(idText: string): number {
  return Number(/^"(\d+)"$/.exec(idText)?.[1] ?? idText);
}

/** Span of a nested member of an object, e.g. `['_meta', 'progressToken']`. */
export function memberAt(line: Buffer, from: Span | undefined, path: readonly string[]): Span | undefined {
  let at = from;
  for (const key of path) {
    if (!isObjectAt(line, at)) return undefined;
    at = memberOf(line, at, key);
  }
  return at;
}

/** Bytes of an answer without its pictures and sound, which cost a model by other measures than their length. */
export function textBytes({ line, result }: ResponseEnvelope): number {
  if (!line.includes('"mimeType"')) return line.length;
  const content = memberAt(line, result, ['content']);
  const blocks = isArrayAt(line, content) ? arrayElements(line, content) : [];
  const media = blocks.map((block) => memberAt(line, block, ['data']) ?? memberAt(line, block, ['resource', 'blob']));
  return media.reduce((left, span) => left - (span ? span.end - span.start : 0), line.length);
}

export function withEdits(line: Buffer, edits: readonly Edit[]): Buffer {
  return edits.length === 0 ? line : splice(line, edits);
}

/**
 * A line break inside a message can only be white space between tokens, where a space does the same; on a wire of lines, and
 * in an event, it would end the message.
 */
export function oneLine(line: Buffer): Buffer {
  if (!line.includes(0x0a) && !line.includes(0x0d)) return line;
  const copy = Buffer.from(line);
  for (let i = 0; i < copy.length; i += 1) if (copy[i] === 0x0a || copy[i] === 0x0d) copy[i] = 0x20;
  return copy;
}

function isIdText(idText: string | undefined): idText is string {
  return idText !== undefined && /^["\d-]/.test(idText);
}
