// Looks at the envelope of one line and builds the answers that are the wrapper's own. Lines themselves are never rewritten.

import {
  arrayElements,
  isArrayAt,
  isObjectAt,
  JsonSyntaxError,
  memberOf,
  type Span,
  stringAt,
  textAt,
} from '../base/json-scan.ts';
import { skipSpace, skipValue } from '../base/json-skip.ts';
import { plainText } from '../base/plain-text.ts';
import { type EnvelopeScan, scanEnvelope } from '../mcp/envelope-scan.ts';

export type Frame =
  | { kind: 'request'; id: string; key: string; method: string; params: Span | undefined }
  | { kind: 'notification'; method: string; params: Span | undefined }
  | { kind: 'response'; id: string; key: string; isError: boolean }
  | { kind: 'batch'; elements: readonly Span[] }
  | { kind: 'invalid'; id: string; code: number; message: string };

export const rpcCodes = { parse: -32700, invalid: -32600, unknownMethod: -32601, away: -32001 } as const;

/** `id` is the id's own text, put into answers as it is: a big or fractional number stays what it was. */
export function peek(line: Buffer): Frame {
  const first = firstByte(line);
  if (first === 0x5b) return peekBatch(line);
  let scan: EnvelopeScan;
  try {
    scan = scanEnvelope(line);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return invalid(rpcCodes.parse, `Parse error: ${error.message}.`);
  }
  const { id: idSpan, params } = scan;
  const method = stringAt(line, scan.method);
  if (idSpan === undefined) {
    if (method === undefined) return invalid(rpcCodes.invalid, 'Invalid request: neither method nor id.');
    return { kind: 'notification', method, params };
  }
  const id = textAt(line, idSpan);
  const key = idKey(id);
  if (method === undefined) {
    const isError = scan.error !== undefined;
    if (isError || scan.result !== undefined) return { kind: 'response', id, key: key ?? id, isError };
    return invalid(rpcCodes.invalid, 'Invalid request: no method.', key === undefined ? 'null' : id);
  }
  if (key === undefined) return invalid(rpcCodes.invalid, 'Invalid request: an id is a string or a number.');
  if (
    params !== undefined &&
    !isObjectAt(line, params) &&
    !isArrayAt(line, params) &&
    textAt(line, params) !== 'null'
  ) {
    return invalid(rpcCodes.invalid, 'Invalid request: params is an object.', id);
  }
  return { kind: 'request', id, key, method, params };
}

function peekBatch(line: Buffer): Frame {
  const whole = { start: 0, end: line.length };
  try {
    // Nothing may follow it: what is passed on is valid JSON.
    if (skipSpace(line, skipValue(line, 0)) < line.length) throw new JsonSyntaxError('text after the message', 0);
    const elements = arrayElements(line, whole);
    return elements.length > 0 ? { kind: 'batch', elements } : invalid(rpcCodes.invalid, 'An empty batch.');
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return invalid(rpcCodes.parse, `Parse error: ${error.message}.`);
  }
}

/** One key for all spellings of an id ("a" and "\u0061", 1 and 1.0); undefined for what no id may be. */
export function idKey(raw: string): string | undefined {
  if (raw.startsWith('"')) return `s${String(JSON.parse(raw))}`;
  const number = Number(raw);
  if (raw === 'null' || Number.isNaN(number) || !/^[-\d]/.test(raw)) return undefined;
  return Number.isSafeInteger(number) ? `n${number}` : `n${raw}`;
}

/** A member of `params` as its own text, or undefined. */
export function paramText(line: Buffer, params: Span | undefined, name: string): string | undefined {
  if (!isObjectAt(line, params)) return undefined;
  const span = memberOf(line, params, name);
  return span && textAt(line, span);
}

export function errorLine(id: string, code: number, message: string, data?: Record<string, unknown>): string {
  return `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message: plainText(message), ...(data ? { data } : {}) })}}`;
}

export function resultLine(id: string, resultJson: string): string {
  return `{"jsonrpc":"2.0","id":${id},"result":${resultJson}}`;
}

function firstByte(line: Buffer): number | undefined {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return byte;
  return undefined;
}

function invalid(code: number, message: string, id = 'null'): Frame {
  return { kind: 'invalid', id, code, message };
}
