import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { legacyErrorEdits, legacyNotificationEdits, legacyResultEdits } from '../../../src/mcp/down-convert.ts';
import { parseEnvelope, withEdits } from '../../../src/mcp/envelope.ts';

const serverInfo = 'io.modelcontextprotocol/serverInfo';
const response = (member: string) => {
  const envelope = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,${member}}`));
  if (envelope.kind !== 'response') throw new Error('no response');
  return envelope;
};
const converted = (result: string): unknown => {
  const envelope = response(`"result":${result}`);
  return JSON.parse(withEdits(envelope.line, legacyResultEdits(envelope)).toString()).result;
};

describe('a result of 2026-07-28 for the older family', () => {
  it.each([
    ['{"resultType":"complete","content":[]}', { content: [] }],
    ['{"content":[],"ttlMs":5,"x":1,"cacheScope":"public"}', { content: [], x: 1 }],
    [`{"resultType":"complete","_meta":{"${serverInfo}":{"name":"s"}}}`, {}],
    [`{"_meta":{"a":1,"${serverInfo}":{}},"b":2}`, { _meta: { a: 1 }, b: 2 }],
    [`{"_meta":{"${serverInfo}":{}, "a":1}, "resultType":"complete"}`, { _meta: { a: 1 } }],
    ['{"content":[],"structuredContent":[1]}', { content: [] }],
    ['{"content":[],"structuredContent":{"a":[1]}}', { content: [], structuredContent: { a: [1] } }],
    ['{"_meta":{},"content":[]}', { _meta: {}, content: [] }],
  ])('lacks what that family does not know: %s', (result, expected) => {
    expect(converted(result)).toEqual(expected);
  });

  it('keeps the mark of a kind that has no counterpart', () => {
    expect(converted('{"resultType":"task","ttlMs":1}')).toEqual({ resultType: 'task', ttlMs: 1 });
  });

  it('is otherwise as it was, whatever it holds in whatever order', () => {
    const keys = fc.constantFrom('a', 'resultType', 'ttlMs', '_meta', 'b', 'cacheScope', 'structuredContent');
    const value = (key: string): unknown => {
      if (key === 'resultType') return 'complete';
      return key === '_meta' ? { [serverInfo]: 1, other: 2 } : { ',"}': 1 };
    };
    fc.assert(
      fc.property(fc.uniqueArray(keys), fc.boolean(), (order, isSpaced) => {
        const whole = Object.fromEntries(order.map((key) => [key, value(key)]));
        const kept = order.filter((key) => !['resultType', 'ttlMs', 'cacheScope'].includes(key));
        const expected = Object.fromEntries(kept.map((key) => [key, key === '_meta' ? { other: 2 } : value(key)]));
        expect(converted(JSON.stringify(whole, undefined, isSpaced ? 2 : 0).replaceAll('\n', ' '))).toEqual(expected);
      }),
    );
  });

  it('has the code of the older family for a resource that is not there, and only for that', () => {
    const code = (error: string, method: string): unknown => {
      const envelope = response(`"error":${error}`);
      return JSON.parse(withEdits(envelope.line, legacyErrorEdits(envelope, method)).toString()).error.code;
    };
    const missing = '{"code":-32602,"message":"m","data":{"uri":"x://y"}}';
    expect(code(missing, 'resources/read')).toBe(-32002);
    expect(code(missing, 'tools/call')).toBe(-32602);
    expect(code('{"code":-32602,"message":"bad params"}', 'resources/read')).toBe(-32602);
  });
});

it('a change is told without the mark of our own listening', () => {
  const told = (params: string): unknown => {
    const line = Buffer.from(`{"jsonrpc":"2.0","method":"m","params":${params}}`);
    const envelope = parseEnvelope(line);
    if (envelope.kind !== 'notification') throw new Error('no notification');
    return JSON.parse(withEdits(line, legacyNotificationEdits(envelope)).toString()).params;
  };
  const id = '"io.modelcontextprotocol/subscriptionId":7';
  expect(told(`{"_meta":{${id}},"uri":"u"}`)).toEqual({ uri: 'u' });
  expect(told(`{"uri":"u","_meta":{"a":1,${id}}}`)).toEqual({ uri: 'u', _meta: { a: 1 } });
  expect(told('{"uri":"u"}')).toEqual({ uri: 'u' });
});
