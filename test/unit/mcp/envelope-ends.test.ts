import { describe, expect, it } from 'vitest';
import { endsOf, readEnds } from '../../../src/mcp/envelope-ends.ts';

describe('the id of a line that was cut', () => {
  const find = (head: string, tail: string) => readEnds({ head: Buffer.from(head), tail: Buffer.from(tail) }).id;
  it.each([
    ['{"jsonrpc":"2.0","id":7,"method":"m","params":{"id":8', 'x"}}', '7'],
    ['{"method":"m","params":{"id":8,"text":"…', '…"},"id":"seven"}', '"seven"'],
    ['{"params":{"id":8,"text":"…', '…"}, "id" : 9 , "method":"tools/call"}', '9'],
    ['{"result":{"a":[{"id":1}],"b":"', '"},"id":-1.5,"jsonrpc":"2.0"}', '-1.5'],
    ['{"params":{"id":8,"text":"…', '…,\\"id\\":9}"}}', undefined],
    ['{"jsonrpc":"2.0","id":{"x":1},"a":"', '"}', undefined],
    [String.raw`{"jsonrpc":"2.0","id":"\x","a":"`, '"}', undefined],
    ['{"jsonrpc":"2.0","id":1.2.3,"a":"', '"}', undefined],
    ['{"jsonrpc":"2.0","note":"\\"id\\":5,","text":"', '"}', undefined],
  ])('%s … %s', (head, tail, id) => {
    expect(find(head, tail)).toBe(id);
  });
});

it.each([
  ['{"jsonrpc":"2.0","id":3,"result":{"method":"x",,}}', false],
  ['{"jsonrpc":"2.0","id":3,"method":"sampling/createMessage","params":{,}}', true],
  ['{"jsonrpc":"2.0","method":null,"id":3,"result":{,}}', false],
  ['{"result":{,},"id":3,"method":null}', false],
  ['{"params":{,},"method":"sampling/createMessage","id":3}', true],
  ['{"params":{,},"id":3,"method":"sampling/createMessage","jsonrpc":"2.0"}', true],
])('tells whether %s asks or answers', (line, hasMethod) => {
  expect(readEnds(endsOf(Buffer.from(line)))).toEqual({ id: '3', hasMethod });
});
