import { describe, expect, it } from 'vitest';
import { parseEnvelope, type RequestEnvelope, type ResponseEnvelope, withEdits } from '../../../src/mcp/envelope.ts';
import { answerEdits, isInputRequired, readInputRequired, withElicitationId } from '../../../src/mcp/input-required.ts';

const response = (result: string): ResponseEnvelope => {
  const envelope = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"result":${result}}`));
  if (envelope.kind !== 'response') throw new Error('no response');
  return envelope;
};
const request = (params: string): RequestEnvelope => {
  const envelope = parseEnvelope(Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`));
  if (envelope.kind !== 'request') throw new Error('no request');
  return envelope;
};

describe('an answer that asks first', () => {
  it('is told from results that only speak of it', () => {
    expect(isInputRequired(response('{"resultType":"input_required","requestState":"s"}'))).toBe(true);
    expect(isInputRequired(response('{"content":[{"resultType":"input_required"}]}'))).toBe(false);
    expect(isInputRequired(response('{"resultType":"complete","x":"input_required"}'))).toBe(false);
  });

  it('is read with the state byte for byte', () => {
    const asks =
      '"inputRequests":{"a b":{"method":"roots/list"},"c":{"method":"elicitation/create","params":{"n":1e400}}}';
    expect(readInputRequired(response(`{"requestState":"\\u0041\\/b",${asks}}`))).toEqual({
      state: '"\\u0041\\/b"',
      requests: [
        { name: 'a b', method: 'roots/list', params: '{}' },
        { name: 'c', method: 'elicitation/create', params: '{"n":1e400}' },
      ],
    });
  });

  it.each([
    '{}',
    '{"requestState":7}',
    '{"inputRequests":[]}',
    '{"inputRequests":{"a":7}}',
    '{"inputRequests":{"a":{"params":{}}}}',
    '{"inputRequests":{"a":{"method":"tools/call"}}}',
  ])('that nobody can answer is refused: %s', (result) => {
    expect(readInputRequired(response(result))).toEqual(expect.any(String));
  });
});

it('the call anew carries the answers under their names and the state as it was', () => {
  const sent = (params: string, answers: Parameters<typeof answerEdits>[1]): string => {
    const envelope = request(params);
    return withEdits(envelope.line, answerEdits(envelope, answers)).toString();
  };
  const responses = new Map([['a "b"', '{"n":1e400}']]);
  expect(sent('{"name":"t"}', { responses, state: '"\\u0041"' })).toContain(
    '"params":{"inputResponses":{"a \\"b\\"":{"n":1e400}},"requestState":"\\u0041","name":"t"}',
  );
  expect(JSON.parse(sent('{"name":"t"}', { responses: undefined, state: '"s"' })).params).toEqual({
    name: 't',
    requestState: 's',
  });
  expect(sent('{"name":"t"}', { responses: undefined, state: undefined })).toContain('"params":{"name":"t"}');
});

it('a page to open gets an id where it has none', () => {
  const page = '{ "mode":"url","url":"https://example.com"}';
  expect(JSON.parse(withElicitationId(page, 'e1'))).toEqual({ ...JSON.parse(page), elicitationId: 'e1' });
  for (const params of ['{"mode":"url","elicitationId":"own"}', '{"message":"m"}', '{}']) {
    expect(withElicitationId(params, 'e1')).toBe(params);
  }
});
