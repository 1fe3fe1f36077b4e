// JSON in and out without touching numbers that a double cannot hold: an id of 19 digits must not come back rounded
// because the text around it was shortened.

import { randomBytes } from 'node:crypto';
import { workerData } from 'node:worker_threads';
import { readBytesIfPresent } from '../base/atomic-file.ts';
import { wholeJson } from '../base/cut-text.ts';
import { isRecord } from '../base/guards.ts';
import { isObjectAt, objectMembers, type Span, textAt } from '../base/json-scan.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * What stands for a number begins with it. Drawn at random in each process, so that no server can send a text that is taken
 * for a number; the thread for large results is given its daemon's, as marks pass between the two.
 */
export const numberMark = markOf(workerData) ?? `${randomBytes(12).toString('base64url')}#`;

const number = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const markedNumber = new RegExp(`"${numberMark}([^"]*)"`, 'g');
/** Fifteen digits always survive a double; shorter texts need no look at each token. */
const riskyNumber = /\d{16}|\d\.\d*0(?!\d)|\d[eE]|-0(?![\d.])/;

function markOf(given: unknown): string | undefined {
  return isRecord(given) && typeof given['numberMark'] === 'string' ? given['numberMark'] : undefined;
}

/** Throws SyntaxError. Numbers that would change are carried as marked strings until `stringifyExact`. */
export function parseExact(text: string): Json {
  const value: Json = JSON.parse(text);
  if (!riskyNumber.test(text)) return value;
  return JSON.parse(withMarks(text));
}

/** Of valid JSON. Strings are passed over by hand: a pattern for them runs out of stack in one of some megabytes. */
function withMarks(text: string): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const quote = text.indexOf('"', at);
    const start = quote < 0 ? text.length : quote;
    const end = stringEnd(text, start);
    parts.push(text.slice(at, start).replace(number, marked), text.slice(start, end));
    at = end;
  }
  return parts.join('');
}

function marked(found: string): string {
  return String(Number(found)) === found ? found : `"${numberMark}${found}"`;
}

function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const quote = text.indexOf('"', at);
    if (quote < 0) break;
    let slashes = quote;
    while (text[slashes - 1] === '\\') slashes -= 1;
    if ((quote - slashes) % 2 === 0) return quote + 1;
    at = quote;
  }
  return text.length;
}

export function stringifyExact(value: unknown, indent?: string): string {
  const text = wholeJson(value, indent);
  return text.includes(numberMark) ? text.replace(markedNumber, '$1') : text;
}

/** Whether this string stands for a number, so that it must not be cut or searched as text. */
export function isMarkedNumber(value: string): boolean {
  return value.startsWith(numberMark);
}

/** The digits of a marked number as they came. */
export function digitsOf(marked: string): string {
  return marked.slice(numberMark.length);
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

/** `$.a.b`, or `$["odd key"]` where a dot would be read as a step. */
export function memberPath(path: string, key: string): string {
  return /^[A-Za-z_$][\w$-]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

/** What a model pays for and a budget counts: bytes of the text as it goes over the wire. */
export function jsonBytes(value: unknown): number {
  try {
    return value === undefined ? 0 : Buffer.byteLength(stringifyExact(value));
  } catch (error) {
    // JSON.parse reads any depth, JSON.stringify runs out of stack: what cannot be sent fits nowhere.
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

/** A text of half a GiB is the longest that V8 holds. */
const maxSpilledBytes = 512 * 1024 * 1024;

/** A result that was put on disk. Throws when its file is gone. */
export function readSpilled(path: string): Record<string, unknown> {
  const bytes = readBytesIfPresent(path, maxSpilledBytes);
  if (!bytes) throw new Error(`${path} is gone`);
  return readResultBytes(bytes);
}

/**
 * A tool's result, for reading only: what is handed on unchanged is its bytes. `at`: where in `bytes` it stands; the whole
 * if absent. What is no object is read as an empty one.
 */
export function readResultBytes(bytes: Buffer, at: Span = { start: 0, end: bytes.length }): Record<string, unknown> {
  const value: unknown = JSON.parse(textAt(bytes, at));
  if (!isRecord(value)) return {};
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
