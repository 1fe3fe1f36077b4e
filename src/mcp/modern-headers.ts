// Headers of revision 2026-07-28 repeat parts of the body, so that what stands between need not read it. They must agree.
import { stringAt, textAt } from '../base/json-scan.ts';
import { memberAt, type RequestEnvelope } from './envelope.ts';

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

/** A tool's parameters that its schema marks with `x-mcp-header`: header name by path of the argument. */
export function paramHeaderMismatch(
  request: RequestEnvelope,
  marked: ReadonlyMap<string, string>,
  header: HeaderReader,
): string | undefined {
  const { line, params } = request;
  for (const [argument, name] of marked) {
    const at = memberAt(line, params, ['arguments', argument]);
    const text = at && (stringAt(line, at) ?? textAt(line, at));
    const isAbsent = text === undefined || (at && textAt(line, at) === 'null');
    const given = decodeHeader(header(`mcp-param-${name.toLowerCase()}`));
    if (isAbsent && given !== undefined) return `Mcp-Param-${name} is there, the argument is not`;
    if (!isAbsent && given !== text && !isSameNumber(given, text)) {
      return `Mcp-Param-${name} is ${given === undefined ? 'missing' : 'another value'}`;
    }
  }
  return undefined;
}

/** Header names by argument, from a tool's input schema. */
export function markedParams(schema: unknown): Map<string, string> {
  const marked = new Map<string, string>();
  const properties = property(schema, 'properties');
  if (typeof properties !== 'object' || properties === null) return marked;
  for (const [argument, definition] of Object.entries(properties)) {
    const name = property(definition, 'x-mcp-header');
    if (typeof name === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(name)) marked.set(argument, name);
  }
  return marked;
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
  const isNumber = (text: string | undefined) => text !== undefined && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
  return isNumber(a) && isNumber(b) && Number(a) === Number(b);
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined;
}
