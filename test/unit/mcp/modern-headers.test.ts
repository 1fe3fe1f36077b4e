import { describe, expect, it } from 'vitest';
import { parseEnvelope, type RequestEnvelope } from '../../../src/mcp/envelope.ts';
import { headerValue, markedParams, paramHeaderMismatch, paramHeaders } from '../../../src/mcp/modern-headers.ts';

const marked = (properties: unknown, more: object = {}) => markedParams({ type: 'object', properties, ...more });
const call = (args: string): RequestEnvelope => {
  const line = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":${args}}}`;
  const envelope = parseEnvelope(Buffer.from(line));
  if (envelope.kind !== 'request') throw new Error('no request');
  return envelope;
};

describe('marks of a tool definition', () => {
  it('are found at any depth of properties', () => {
    const deep = { type: 'object', properties: { size: { type: ['integer', 'null'], 'x-mcp-header': 'Size' } } };
    expect(marked({ region: { type: 'string', 'x-mcp-header': 'Region' }, plain: { type: 'number' }, deep })).toEqual([
      { path: ['region'], name: 'Region' },
      { path: ['deep', 'size'], name: 'Size' },
    ]);
  });

  it.each([
    ['an empty name', { a: { type: 'string', 'x-mcp-header': '' } }],
    ['no name', { a: { type: 'string', 'x-mcp-header': 7 } }],
    ['a line break', { a: { type: 'string', 'x-mcp-header': 'A\r\nB' } }],
    ['a space', { a: { type: 'string', 'x-mcp-header': 'A B' } }],
    ['a number', { a: { type: 'number', 'x-mcp-header': 'A' } }],
    ['an object', { a: { type: 'object', 'x-mcp-header': 'A' } }],
    ['no type', { a: { 'x-mcp-header': 'A' } }],
    ['items', { a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } }],
    ['a choice', { a: { anyOf: [{ type: 'string', 'x-mcp-header': 'A' }] } }],
    ['equal names', { a: { type: 'string', 'x-mcp-header': 'Id' }, b: { type: 'string', 'x-mcp-header': 'ID' } }],
  ])('make the tool unusable with %s', (_what, properties) => {
    expect(marked(properties)).toEqual(expect.any(String));
  });

  it('make the tool unusable where no value can be found for them, and mean nothing inside data', () => {
    expect(marked({}, { $defs: { a: { type: 'string', 'x-mcp-header': 'A' } } })).toEqual(expect.any(String));
    expect(marked({}, { 'x-mcp-header': 'A' })).toEqual(expect.any(String));
    expect(marked({ a: { type: 'object', default: { 'x-mcp-header': 'A' } } })).toEqual([]);
  });

  it('do not fill the stack', () => {
    let schema: unknown = { type: 'string' };
    for (let i = 0; i < 5_000; i += 1) schema = { type: 'object', properties: { a: schema } };
    expect(markedParams(schema)).toEqual(expect.any(String));
  });
});

describe('headers of a call', () => {
  const params = [
    { path: ['a'], name: 'A' },
    { path: ['b', 'c'], name: 'C' },
  ];

  it('carry text, whole numbers in decimals and truth values; what is missing or null has none', () => {
    expect(paramHeaders(call('{"a":"1e3","b":{"c":1e3}}'), params)).toEqual({
      'mcp-param-a': '1e3',
      'mcp-param-c': '1000',
    });
    expect(paramHeaders(call('{"a":true,"b":7}'), params)).toEqual({ 'mcp-param-a': 'true' });
    expect(paramHeaders(call('{"a":null}'), params)).toEqual({});
    expect(paramHeaders(call('{"a":123456789012345678901}'), params)).toEqual({
      'mcp-param-a': '123456789012345678901',
    });
  });

  it('are what the other side accepts', () => {
    for (const args of [
      '{"a":"x","b":{"c":42}}',
      '{"a":" é ","b":{"c":4.2e1}}',
      '{"a":"=?base64?x?="}',
      '{"a":""}',
      '{}',
    ]) {
      const request = call(args);
      const headers = paramHeaders(request, params);
      expect(paramHeaderMismatch(request, params, (name) => headers[name])).toBeUndefined();
    }
    expect(paramHeaderMismatch(call('{"a":"x"}'), params, () => undefined)).toContain('missing');
    expect(paramHeaderMismatch(call('{}'), params, () => 'x')).toContain('is there');
  });

  it.each([
    ['plain', 'us-west1', 'us-west1'],
    ['inner space', 'a b', 'a b'],
    ['outer space', ' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['a line break', 'line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['other letters', 'Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    ['what looks encoded', '=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
  ])('are written as the specification shows (%s)', (_what, value, header) => {
    expect(headerValue(value)).toBe(header);
  });
});
