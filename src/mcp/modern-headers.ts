// Headers of revision 2026-07-28 repeat parts of the body, so that what stands between need not read it. They must agree.
import { stringAt, textAt } from '../base/json-scan.ts';
import { type Envelope, memberAt, type RequestEnvelope } from './envelope.ts';
import { statelessVersion } from './versions.ts';

export type HeaderReader = (name: string) => string | undefined;

const namePaths: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

/** What differs, for people; undefined: all agree. */
export function headerMismatch(request: RequestEnvelope, version: string, header: HeaderReader): string | undefined {
  const { line, method, params } = request;
  const given = header('mcp-protocol-version');
  if (given !== version) return `MCP-Protocol-Version is ${given ?? 'missing'}, the body says ${version}`;
  const named = header('mcp-method');
  if (named !== method) return `Mcp-Method is ${named ?? 'missing'}, the body says ${method}`;
  const path = namePaths[method];
  const name = path && stringAt(line, memberAt(line, params, [path]));
  if (path === undefined || name === undefined) return undefined;
  const target = decodeHeader(header('mcp-name'));
  return target === name ? undefined : `Mcp-Name is ${target ?? 'missing'}, the body says ${name}`;
}

/** One parameter that a tool's schema marks with `x-mcp-header`: where its value stands in the arguments. */
export type MarkedParam = { path: readonly string[]; name: string };

export function paramHeaderMismatch(
  request: RequestEnvelope,
  marked: readonly MarkedParam[],
  header: HeaderReader,
): string | undefined {
  for (const { path, name } of marked) {
    const text = argumentText(request, path);
    const given = decodeHeader(header(`mcp-param-${name.toLowerCase()}`));
    if (text === undefined && given !== undefined) return `Mcp-Param-${name} is there, the argument is not`;
    if (text !== undefined && given !== text && !isSameNumber(given, text)) {
      return `Mcp-Param-${name} is ${given === undefined ? 'missing' : 'another value'}`;
    }
  }
  return undefined;
}

/** The headers of one call; an argument that is missing or null has none. */
export function paramHeaders(request: RequestEnvelope, marked: readonly MarkedParam[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, name } of marked) {
    const text = argumentText(request, path);
    if (text !== undefined) headers[`mcp-param-${name.toLowerCase()}`] = headerValue(text);
  }
  return headers;
}

function argumentText({ line, params }: RequestEnvelope, path: readonly string[]): string | undefined {
  const at = memberAt(line, params, ['arguments', ...path]);
  const text = at && textAt(line, at);
  return text === 'null' ? undefined : (stringAt(line, at) ?? decimalText(text));
}

/** `4.2e1` is 42; what a double cannot hold stays as it was written. */
function decimalText(text: string | undefined): string | undefined {
  const number = isNumber(text) ? Number(text) : Number.NaN;
  return text && Number.isSafeInteger(number) && /[.eE]/.test(text) ? String(number) : text;
}

/** What is not plain printable ASCII goes in base64, marked as such, and so does what would pass for that. */
export function headerValue(text: string): string {
  const isPlain = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

/**
 * The marked parameters of an input schema, at any depth of `properties`; a text instead says why the definition is
 * invalid, which makes the tool one that must not be offered.
 */
export function markedParams(schema: unknown): readonly MarkedParam[] | string {
  const marked: MarkedParam[] = [];
  const problem = collectMarked(schema, [], marked);
  if (problem !== undefined) return problem;
  const names = new Set(marked.map(({ name }) => name.toLowerCase()));
  return names.size === marked.length ? marked : 'two parameters have the same one';
}

const markKey = 'x-mcp-header';
/** Far more headers than a request may have; each is looked for in the arguments. */
const maxMarked = 100;
/** As deep as the messages themselves may be: a hostile schema must not fill the stack. */
const maxSchemaDepth = 200;

function collectMarked(schema: unknown, path: readonly string[], marked: MarkedParam[]): string | undefined {
  if (path.length > maxSchemaDepth) return 'its schema is nested too deeply';
  if (typeof schema !== 'object' || schema === null) return undefined;
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'properties' && typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        const problem = collectMarked(inner, [...path, name], marked);
        if (problem !== undefined) return problem;
      }
    } else if (key === markKey) {
      const problem = path.length === 0 ? 'it is on no parameter' : markProblem(value, property(schema, 'type'));
      if (problem !== undefined) return problem;
      if (marked.length >= maxMarked) return `more than ${maxMarked} parameters have one`;
      marked.push({ path, name: String(value) });
    } else if (!dataKeywords.has(key) && hasMark(value, 0)) {
      return `it stands below "${key}", where no value can be found`;
    }
  }
  return undefined;
}

/** Their values are data, in which the word means nothing. */
const dataKeywords: ReadonlySet<string> = new Set(['default', 'const', 'enum', 'examples']);

function markProblem(name: unknown, type: unknown): string | undefined {
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'it is no header name';
  const types: unknown[] = Array.isArray(type) ? type.filter((one) => one !== 'null') : [type];
  const isPrimitive = types.length === 1 && primitives.has(types[0]);
  return isPrimitive ? undefined : `"${name}" is on a parameter that is no string, integer or boolean`;
}

const primitives: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);

function hasMark(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth > maxSchemaDepth) return true;
  return Object.entries(value).some(
    ([key, inner]) => key === markKey || (!dataKeywords.has(key) && hasMark(inner, depth + 1)),
  );
}

/** Values that a header cannot carry come as `=?base64?…?=`. A damaged one is no value. */
function decodeHeader(value: string | undefined): string | undefined {
  const encoded = value === undefined ? undefined : /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value?.trim();
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) return undefined;
  return Buffer.from(encoded, 'base64').toString('utf8');
}

/** `42` and `42.0` are one number. */
function isSameNumber(a: string | undefined, b: string | undefined): boolean {
  return isNumber(a) && isNumber(b) && Number(a) === Number(b);
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined;
}

// Headers by which a 2026-07-28 server, or a gateway before it, routes a message without reading its body.

const namedBy: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
};

export function routingHeaders(envelope: Envelope): Record<string, string> {
  if (envelope.kind !== 'request' && envelope.kind !== 'notification') return {};
  const { line, params, method } = envelope;
  const member = namedBy[method];
  const name = member === undefined ? undefined : stringAt(line, memberAt(line, params, [member]));
  return {
    'mcp-protocol-version': statelessVersion,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': headerValue(name) }),
  };
}
