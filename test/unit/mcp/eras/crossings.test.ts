// What is between a program of one era and a server of another, in both directions.
import { describe, expect, it } from 'vitest';
import { parseEnvelope, type RequestEnvelope, type ResponseEnvelope, withEdits } from '../../../../src/mcp/envelope.ts';
import type { CrossedCall, EraName } from '../../../../src/mcp/eras/era.ts';
import { eras } from '../../../../src/mcp/eras/eras.ts';

type Json = Record<string, unknown>;
const prefix = 'io.modelcontextprotocol/';
const who = { clientInfo: { name: 'p' }, capabilities: {} };
const own = {
  [`${prefix}protocolVersion`]: '2026-07-28',
  [`${prefix}clientInfo`]: { name: 'p' },
  [`${prefix}clientCapabilities`]: {},
};
const others = {
  [`${prefix}protocolVersion`]: '2026-07-28',
  [`${prefix}clientInfo`]: { name: 'its own' },
  [`${prefix}clientCapabilities`]: { roots: {} },
};

function between(program: EraName, server: EraName) {
  const era = eras.find(({ name }) => name === server);
  if (!era) throw new Error(`no era ${server}`);
  return era.from[program];
}

function read(message: Json) {
  return parseEnvelope(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...message })));
}
function requestOf(params: Json): RequestEnvelope {
  const envelope = read({ method: 'tools/call', params });
  if (envelope.kind !== 'request') throw new Error(envelope.kind);
  return envelope;
}
function answerOf(member: Json): ResponseEnvelope {
  const envelope = read(member);
  if (envelope.kind !== 'response') throw new Error(envelope.kind);
  return envelope;
}

function sent(program: EraName, server: EraName, params: Json, answers?: { state: string }): unknown {
  const request = requestOf(params);
  const given = answers && { responses: new Map([['q', '{"action":"accept"}']]), state: answers.state };
  const edits = between(program, server).requestEdits(request, { who: () => who, answers: given });
  return JSON.parse(withEdits(request.line, edits).toString()).params;
}
function told(program: EraName, server: EraName, member: Json, known: Partial<CrossedCall> = {}): unknown {
  const answer = answerOf(member);
  const call = { method: 'tools/call', lacks: new Set<string>(), isReshaped: () => false, ...known };
  const {
    jsonrpc: _,
    id: __,
    ...rest
  } = JSON.parse(withEdits(answer.line, between(program, server).answerEdits(answer, call)).toString());
  return rest;
}

const pairs: [EraName, EraName][] = eras.flatMap((one) => eras.map(({ name }): [EraName, EraName] => [one.name, name]));

describe('a request', () => {
  const same: typeof pairs = [
    ['sessions', 'sessions'],
    ['stateless', 'stateless'],
  ];
  it.each(same)('goes from %s to %s as it was written', (program, server) => {
    const params = { name: 't', _meta: { ...others, a: 1 } };
    expect(sent(program, server, params)).toEqual(params);
  });

  it('says who asks where its server knows it from nothing else', () => {
    expect(sent('sessions', 'stateless', { name: 't' })).toEqual({ name: 't', _meta: own });
    expect(sent('sessions', 'stateless', { name: 't', _meta: { a: 1 } })).toEqual({
      name: 't',
      _meta: { ...own, a: 1 },
    });
    // One of our own in a program's name says it as little.
    expect(sent('stateless', 'stateless', { name: 't' })).toEqual({ name: 't', _meta: own });
  });

  it('says it no more where the handshake did', () => {
    expect(sent('stateless', 'sessions', { name: 't', _meta: { ...others, a: 1 } })).toEqual({
      name: 't',
      _meta: { a: 1 },
    });
    expect(sent('stateless', 'sessions', { name: 't' })).toEqual({ name: 't' });
  });

  it.each(pairs)('from %s to %s has the answers to questions only where the server asked by its answer', (...pair) => {
    const [, server] = pair;
    const asked = { inputResponses: { q: { action: 'accept' } }, requestState: 's' };
    expect(sent(...pair, { name: 't', _meta: others }, { state: '"s"' })).toMatchObject(
      server === 'stateless' ? { name: 't', ...asked } : { name: 't' },
    );
    if (server === 'sessions')
      expect(sent(...pair, { name: 't' }, { state: '"s"' })).not.toHaveProperty('requestState');
  });
});

describe('an answer', () => {
  const result = { resultType: 'complete', ttlMs: 5, content: [], _meta: { [`${prefix}serverInfo`]: { name: 's' } } };
  const absent = { code: -32602, message: 'no', data: { uri: 'a:b' } };

  it.each(pairs)('comes to %s from %s without what that program does not know', (program, server) => {
    const isForeign = program === 'sessions' && server === 'stateless';
    expect(told(program, server, { result })).toEqual({ result: isForeign ? { content: [] } : result });
    const error = { ...absent, code: isForeign ? -32002 : -32602 };
    expect(told(program, server, { error: absent }, { method: 'resources/read' })).toEqual({ error });
    expect(told(program, server, { error: absent })).toEqual({ error: absent });
  });

  it('has a structure that is no object only for who was given the schema', () => {
    const listed = { result: { content: [], structuredContent: [1] } };
    expect(told('sessions', 'sessions', listed)).toEqual(listed);
    const isReshaped = () => true;
    expect(told('sessions', 'sessions', listed, { isReshaped })).toEqual({ result: { content: [] } });
    expect(told('sessions', 'sessions', listed, { isReshaped, method: 'prompts/get' })).toEqual(listed);
    const object = { result: { content: [], structuredContent: { a: 1 } } };
    expect(told('sessions', 'sessions', object, { isReshaped })).toEqual(object);
    expect(told('stateless', 'sessions', listed, { isReshaped })).toEqual(listed);
    expect(told('stateless', 'stateless', listed, { isReshaped })).toEqual(listed);
  });

  it('is not looked through for a structure that it cannot have', () => {
    let looked = 0;
    const isReshaped = () => {
      looked += 1;
      return true;
    };
    told('sessions', 'sessions', { result: { content: [] } }, { isReshaped });
    expect(looked).toBe(0);
  });

  it('that failed for a missing ability says so in the words of a program that declares with each request', () => {
    const error = { code: -32603, message: 'cannot ask' };
    const lacks = new Set(['sampling', 'roots']);
    expect(told('stateless', 'sessions', { error }, { lacks })).toEqual({
      error: {
        code: -32021,
        message: 'This needs sampling, roots, which the request did not declare.',
        data: { requiredCapabilities: { sampling: {}, roots: {} }, cause: error },
      },
    });
    expect(told('stateless', 'sessions', { error })).toEqual({ error });
    expect(told('stateless', 'sessions', { result: {} }, { lacks })).toEqual({ result: {} });
    for (const pair of pairs) {
      if (pair[0] !== 'stateless' || pair[1] !== 'sessions')
        expect(told(...pair, { error }, { lacks })).toEqual({ error });
    }
  });

  it.each(pairs)('to %s from %s names what was not declared only where its program would not understand', (...pair) => {
    const error = { code: -32021, message: 'm', data: { requiredCapabilities: { sampling: {}, roots: {} } } };
    const isForeign = pair[0] === 'sessions' && pair[1] === 'stateless';
    const { undeclared } = between(...pair);
    expect(undeclared(answerOf({ error }))).toEqual(isForeign ? ['sampling', 'roots'] : undefined);
    expect(undeclared(answerOf({ error: { code: -32021, message: 'm' } }))).toEqual(isForeign ? [] : undefined);
    expect(undeclared(answerOf({ error: { code: -32603, message: 'm' } }))).toBeUndefined();
    expect(undeclared(answerOf({ result: {} }))).toBeUndefined();
  });
});
