// One JSON-RPC message as bytes plus the places of its envelope. Payloads stay unread. The only reader of messages: what
// the wrapper takes for a request and what the daemon takes for one must never differ.

import {
  arrayElements,
  type Edit,
  isArrayAt,
  isKeyAt,
  isObjectAt,
  JsonSyntaxError,
  memberOf,
  type Span,
  splice,
  stringAt,
  textAt,
} from '../base/json-scan.ts';
import { closeBracket, comma, skipSpace, skipValue } from '../base/json-skip.ts';
import { type EnvelopeScan, scanEnvelope } from './envelope-scan.ts';

type Common = { readonly line: Buffer };
export type RequestEnvelope = Common & {
  readonly kind: 'request';
  readonly id: Span;
  /** The id as it is written; answers repeat it byte for byte. */
  readonly idText: string;
  readonly method: string;
  /** Of an object; undefined: there are none, which may be written as `null` or `[]`. */
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
  /** It answers a request of ours: its id is none of the other side's. */
  readonly isAnswer: boolean;
  /** A batch, which only one revision has; `batchOf` gives its messages. */
  readonly isBatch: boolean;
};
export type Envelope = RequestEnvelope | NotificationEnvelope | ResponseEnvelope | InvalidEnvelope;

/** Validates the whole message, so that nothing malformed is passed on. */
export function parseEnvelope(line: Buffer): Envelope {
  let scan: EnvelopeScan;
  try {
    scan = scanEnvelope(line);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return isArrayAt(line, wholeOf(line)) ? parseBatch(line) : noJson(line, error);
  }
  const { id, params, result, error, jsonrpc, hasTwice } = scan;
  // Written as null it is none: answers of servers that write all members of a message.
  const methodSpan = scan.method && line[scan.method.start] !== 0x6e ? scan.method : undefined;
  const idText = id && textAt(line, id);
  const invalid = (reason: string): InvalidEnvelope => ({
    ...{ kind: 'invalid', line, code: -32600, reason, isBatch: false },
    idText: isIdText(idText) ? idText : undefined,
    isAnswer: !methodSpan && (result !== undefined || error !== undefined),
  });
  if (hasTwice) return invalid('an envelope member occurs twice');
  if (!jsonrpc || !isVersion(line, jsonrpc)) return invalid('"jsonrpc" must be "2.0"');
  if (methodSpan) {
    const method = stringAt(line, methodSpan);
    if (method === undefined) return invalid('"method" must be a string');
    const hasParams = isObjectAt(line, params);
    if (params && !hasParams && !isNothing(line, params)) return invalid('"params" must be an object');
    const read = { line, method, params: hasParams ? params : undefined };
    if (id === undefined) return { kind: 'notification', ...read };
    if (!isIdText(idText)) return invalid('"id" must be a string or a number');
    return { kind: 'request', id, idText, ...read };
  }
  if (id === undefined || (!result && !error)) return invalid('neither a request nor a response');
  return { kind: 'response', line, id, idText: idText ?? 'null', ...outcome(line, result, error) };
}

/** Where both are written, null says that it is the other one. */
function outcome(line: Buffer, result: Span | undefined, error: Span | undefined) {
  const isNull = (span: Span) => line[span.start] === 0x6e;
  if (!result || !error) return { result, error };
  if (isNull(error)) return { result, error: undefined };
  return isNull(result) ? { result: undefined, error } : { result, error };
}

function parseBatch(line: Buffer): InvalidEnvelope {
  try {
    const whole = wholeOf(line);
    if (skipSpace(line, skipValue(line, whole.start)) < line.length) {
      throw new JsonSyntaxError('text after the value', line.length);
    }
    const refused = { kind: 'invalid', line, code: -32600, idText: undefined, isAnswer: false } as const;
    const isEmpty = line[skipSpace(line, whole.start + 1)] === closeBracket;
    if (isEmpty) return { ...refused, reason: 'an empty batch', isBatch: false };
    return { ...refused, reason: 'batches are part of revision 2025-03-26 only', isBatch: true };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return noJson(line, error);
  }
}

function noJson(line: Buffer, { message }: JsonSyntaxError): InvalidEnvelope {
  const nothing = { idText: undefined, isAnswer: false, isBatch: false };
  return { kind: 'invalid', line, code: -32700, reason: message, ...nothing };
}

/** More than any program sends at once. Each is answered: without an end, few bytes would be made into many lines. */
export const maxBatch = 1_000;

/** The messages of what was read as a batch, each as its own bytes; undefined: more than are taken. */
export function batchOf({ line }: InvalidEnvelope): readonly Buffer[] | undefined {
  const messages: Buffer[] = [];
  let at = skipSpace(line, wholeOf(line).start + 1);
  while (at < line.length && line[at] !== closeBracket) {
    if (messages.length === maxBatch) return undefined;
    const end = skipValue(line, at);
    messages.push(line.subarray(at, end));
    at = skipSpace(line, end);
    if (line[at] === comma) at = skipSpace(line, at + 1);
  }
  return messages;
}

/** For whoever sent it. */
export function whyInvalid({ reason }: InvalidEnvelope): string {
  return `Invalid message: ${reason}.`;
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

/** A member of `params` as its own text. */
export function paramText(envelope: { line: Buffer; params: Span | undefined }, name: string): string | undefined {
  const span = memberAt(envelope.line, envelope.params, [name]);
  return span && textAt(envelope.line, span);
}

/** Gives params to a message that has none, in place of what it may have written for that. */
export function paramsEdit(line: Buffer, params: string): Edit {
  const written = memberOf(line, wholeOf(line), 'params');
  if (written) return { at: written, with: params };
  const end = line.lastIndexOf(0x7d);
  return { at: { start: end, end }, with: `,"params":${params}` };
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

/** Every decoder of text takes the mark of UTF-8 off, so programs that write it are not noticed. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function wholeOf(line: Buffer): Span {
  return { start: skipSpace(line, 0), end: line.length };
}

function isVersion(line: Buffer, { start, end }: Span): boolean {
  return line[start] === 0x22 && isKeyAt(line, start, end, '2.0');
}

/** Some clients write an absent object as null; where lists and maps are one type, an empty map is written as a list. */
function isNothing(line: Buffer, span: Span): boolean {
  return line[span.start] === 0x6e || (isArrayAt(line, span) && skipSpace(line, span.start + 1) === span.end - 1);
}

function isIdText(idText: string | undefined): idText is string {
  return idText !== undefined && /^["\d-]/.test(idText);
}
