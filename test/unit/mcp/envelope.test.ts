import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  batchOf,
  type Envelope,
  maxBatch,
  memberAt,
  paramsEdit,
  paramText,
  parseEnvelope,
  withEdits,
} from '../../../src/mcp/envelope.ts';
import { invalidLine } from '../../../src/mcp/messages.ts';

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
    ['{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}', -32600],
    ['{"jsonrpc":"2.0","method":"a","params":"text"}', -32600],
    ['{"jsonrpc":"2.0","result":1}', -32600],
  ])('refuses %s with %i', (text, code) => {
    expect(parse(text)).toMatchObject({ kind: 'invalid', code });
  });

  it('never throws, whatever the bytes are', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseEnvelope(Buffer.from(bytes))));
    fc.assert(fc.property(fc.json(), (text) => void parse(text)));
  });
});

it.each(['null', '[]', '[ \t]'])('takes params that are written as %s for none', (params) => {
  const envelope = parse(`{"jsonrpc":"2.0","id":1,"method":"a","params":${params} }`);
  expect(envelope).toMatchObject({ kind: 'request', params: undefined });
  const filled = withEdits(envelope.line, [paramsEdit(envelope.line, '{"b":1}')]);
  expect(filled.toString()).toBe('{"jsonrpc":"2.0","id":1,"method":"a","params":{"b":1} }');
});

it('gives params to a message that has no such member', () => {
  const { line } = parse('{"jsonrpc":"2.0","method":"a"}');
  expect(withEdits(line, [paramsEdit(line, '{}')]).toString()).toBe('{"jsonrpc":"2.0","method":"a","params":{}}');
});

describe('what is refused', () => {
  it('holds the messages of a batch, each with its own bytes', () => {
    const envelope = parse(' [ {"id":1} , 2,[3]]');
    expect(envelope.kind === 'invalid' && batchOf(envelope)?.map(String)).toEqual(['{"id":1}', '2', '[3]']);
  });

  it('takes a thousand messages in a batch, and cuts out no more of them', () => {
    const of = (count: number) => parse(`[${'1,'.repeat(count - 1)}1]`);
    const lengths = [maxBatch, maxBatch + 1].map(of).map((one) => one.kind === 'invalid' && batchOf(one)?.length);
    expect(lengths).toEqual([maxBatch, undefined]);
  });

  it.each(['[]', ' \t[ ]', '[1', '[1] x', '[1,]', '17'])('is no batch: %s', (text) => {
    expect(parse(text)).toMatchObject({ kind: 'invalid', isBatch: false });
  });

  it('is told under its id, unless that is the id of a request of ours', () => {
    const told = (text: string) => {
      const envelope = parse(text);
      return envelope.kind === 'invalid' ? JSON.parse(invalidLine(envelope).toString()) : undefined;
    };
    expect(told('{"jsonrpc":"1.0","id":"a","method":"m"}')).toMatchObject({ id: 'a', error: { code: -32600 } });
    expect(told('{"jsonrpc":"2.0","id":3}')).toMatchObject({ id: 3, error: { code: -32600 } });
    expect(told('{"jsonrpc":"1.0","id":5,"result":{}}')).toMatchObject({ id: null, error: { code: -32600 } });
  });
});

it('finds a member of params as its own text', () => {
  const envelope = parse('{"jsonrpc":"2.0","id":1,"method":"m","params":{ "uri" : "ä://x" , "n":1.0}}');
  if (envelope.kind !== 'request') throw new Error('no request');
  expect(paramText(envelope, 'uri')).toBe('"ä://x"');
  expect(paramText(envelope, 'n')).toBe('1.0');
  expect(paramText(envelope, 'x')).toBeUndefined();
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
