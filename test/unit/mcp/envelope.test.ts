import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Envelope, idKey, memberAt, parseEnvelope, withEdits } from '../../../src/mcp/envelope.ts';

const parse = (text: string): Envelope => parseEnvelope(Buffer.from(text));

describe('an envelope', () => {
  it('is a request, a notification, a response or invalid', () => {
    expect(parse('{"jsonrpc":"2.0","id":1,"method":"a"}')).toMatchObject({ kind: 'request', idText: '1', method: 'a' });
    expect(parse('{"jsonrpc":"2.0","method":"a\\u0062"}')).toMatchObject({ kind: 'notification', method: 'ab' });
    expect(parse('{"result":{},"id":"x","jsonrpc":"2.0"}')).toMatchObject({ kind: 'response', idText: '"x"' });
    expect(parse('{"error":{},"id":null,"jsonrpc":"2.0"}')).toMatchObject({ kind: 'response', idText: 'null' });
  });

  it.each([
    ['{"jsonrpc":"2.0","id":1,"method":"a"', -32700],
    ['{"jsonrpc":"2.0","id":1,"method":"a"} x', -32700],
    ['{"jsonrpc":"2.0","id":01,"method":"a"}', -32700],
    ["{'jsonrpc':'2.0'}", -32700],
    ['', -32700],
    ['[]', -32600],
    ['{}', -32600],
    ['{"jsonrpc":"2.0","id":1}', -32600],
    ['{"jsonrpc":"2.0","id":null,"method":"a"}', -32600],
    ['{"jsonrpc":"2.0","id":[1],"method":"a"}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":null}', -32600],
    ['{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}', -32600],
    ['{"jsonrpc":2.0,"id":1,"method":"a"}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"a","params":null}', -32600],
    ['{"jsonrpc":"2.0","result":1}', -32600],
  ])('refuses %s with %i', (text, code) => {
    expect(parse(text)).toMatchObject({ kind: 'invalid', code });
  });

  it('never throws, whatever the bytes are', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseEnvelope(Buffer.from(bytes))));
    fc.assert(fc.property(fc.json(), (text) => void parse(text)));
  });
});

describe('the key of an id', () => {
  it('is the same for every spelling of a string, and never for a string and a number', () => {
    expect(idKey('"a"')).toBe(idKey('"\\u0061"'));
    expect(idKey('"1"')).not.toBe(idKey('1'));
    expect(idKey('9007199254740993')).not.toBe(idKey('9007199254740992'));
  });
});

describe('an edit', () => {
  it('changes its span and nothing else', () => {
    const id = fc.oneof(fc.integer(), fc.string()).map((value) => JSON.stringify(value));
    fc.assert(
      fc.property(id, id, fc.json(), fc.boolean(), (before, after, payload, isFirst) => {
        const rest = `"jsonrpc":"2.0", "method":"m","params":{"x":${payload}}`;
        const line = (text: string) => (isFirst ? `{"id": ${text} ,${rest}}` : `{${rest},"id":${text}}`);
        const envelope = parse(line(before));
        if (envelope.kind !== 'request') throw new Error('no request');
        expect(withEdits(envelope.line, [{ at: envelope.id, with: after }]).toString()).toBe(line(after));
      }),
    );
  });

  it('finds members by path, also under escaped names, and nothing inside strings', () => {
    const line = Buffer.from('{"params":{"s":"{\\"_meta\\":1}","_m\\u0065ta":{"progressToken":7}}}');
    const span = memberAt(line, { start: 0, end: line.length }, ['params', '_meta', 'progressToken']);
    expect(span && line.toString('utf8', span.start, span.end)).toBe('7');
    expect(memberAt(line, { start: 0, end: line.length }, ['params', 's', '_meta'])).toBeUndefined();
  });
});
