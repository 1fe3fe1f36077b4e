import { describe, expect, it } from 'vitest';
import { errorLine, idKey, paramText, peek } from '../../../src/wrapper/frames.ts';

const look = (text: string) => peek(Buffer.from(text));

describe('peek', () => {
  it('keeps an id as it was written', () => {
    for (const id of ['1', '-0', '1.50', '1E2', '12345678901234567890', '"a\\u0041"', '""']) {
      expect(look(`{"method":"m","id":${id}}`)).toMatchObject({ kind: 'request', id, method: 'm' });
    }
  });

  it('takes the last of two members of one name, as JSON.parse does', () => {
    expect(look('{"id":1,"method":"a","id":2}')).toMatchObject({ id: '2' });
  });

  it.each([
    ['[]', -32600, 'null'],
    [' \t[ ]', -32600, 'null'],
    ['[{"id":1}', -32700, 'null'],
    ['[{"id":1}] x', -32700, 'null'],
    ['[{"id":1},]', -32700, 'null'],
    ['{"id":1', -32700, 'null'],
    ['nonsense', -32700, 'null'],
    ['"text"', -32700, 'null'],
    ['{"id":null,"method":"m"}', -32600, 'null'],
    ['{"id":true,"method":"m"}', -32600, 'null'],
    ['{"id":[1],"method":"m"}', -32600, 'null'],
    ['{"id":1,"method":2}', -32600, '1'],
    ['{"id":1,"method":"m","params":"text"}', -32600, '1'],
    ['{}', -32600, 'null'],
  ])('%s is answered with %i', (text, code, id) => {
    expect(look(text)).toMatchObject({ kind: 'invalid', code, id });
  });

  it('tells notifications and responses apart', () => {
    expect(look('{"method":"n"}')).toMatchObject({ kind: 'notification', method: 'n' });
    expect(look('{"id":1,"result":null}')).toMatchObject({ kind: 'response', isError: false });
    expect(look('{"id":"1","error":{"code":1}}')).toMatchObject({ kind: 'response', isError: true, key: 's1' });
  });
});

it('has one key for all spellings of an id and different keys for different ids', () => {
  expect(idKey('"\\u0061"')).toBe(idKey('"a"'));
  expect(idKey('1.0')).toBe(idKey('1'));
  expect(idKey('1')).not.toBe(idKey('"1"'));
  expect(idKey('12345678901234567890')).not.toBe(idKey('12345678901234567891'));
  expect(idKey('null')).toBeUndefined();
});

it('finds a member of params as its own text', () => {
  const line = Buffer.from('{"id":1,"method":"m","params":{ "uri" : "ä://x" , "n":1.0}}');
  const frame = peek(line);
  const params = frame.kind === 'request' ? frame.params : undefined;
  expect(paramText(line, params, 'uri')).toBe('"ä://x"');
  expect(paramText(line, params, 'n')).toBe('1.0');
  expect(paramText(line, params, 'x')).toBeUndefined();
});

it('puts the id’s own text into an error', () => {
  expect(errorLine('1.50', -1, 'no "x"')).toBe(
    '{"jsonrpc":"2.0","id":1.50,"error":{"code":-1,"message":"no \\"x\\""}}',
  );
});
