// One call between a program and a server of the same family, or of different ones.
import { describe, expect, it } from 'vitest';
import type { ForwardDeps } from '../../../src/calls/forward.ts';
import { metaKeys } from '../../../src/mcp/modern.ts';
import { statelessVersion } from '../../../src/mcp/versions.ts';
import type { Answer } from '../../../src/upstream/channel-request.ts';
import { createWorld, request, type SessionSetup, settled } from '../../support/call-rig.ts';

type Setup = { program?: string; server?: string; own?: SessionSetup; entry?: Record<string, unknown> };

async function open({ program, server: version, own, entry = {} }: Setup, deps: Partial<ForwardDeps> = {}) {
  const world = createWorld({ servers: { s: { ...(version ? { version } : {}), entry } } });
  const host = world.session('a', { ...(program ? { version: program } : {}), ...own });
  const server = world.server('s');
  await world.ready(host, 's');
  const forwarder = world.forwarder(deps);
  const call = (text: string, onOutcome?: (outcome: Answer) => void) => {
    const hooks = onOutcome ? { onOutcome } : {};
    forwarder.forward({ session: host.session, request: request(text), entry: world.entry('s'), edits: [], ...hooks });
    return server.take();
  };
  return { world, host, server, call };
}

const envelope = {
  [metaKeys.protocolVersion]: statelessVersion,
  [metaKeys.clientInfo]: { name: 'test', version: '0' },
  [metaKeys.clientCapabilities]: {},
};
const plainCall = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}';
const modernCall = (more = '') =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","_meta":{${more}"${metaKeys.protocolVersion}":"${statelessVersion}","${metaKeys.clientCapabilities}":{},"x":1.0}}}`;
const readCall = '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x:1"}}';
const structured = { content: [], structuredContent: [1] };

describe('both with sessions', () => {
  it('a structure that is no object stays, unless the program was given another definition of the tool', async () => {
    for (const isReshaped of [false, true]) {
      const { host, server, call } = await open({}, { isReshaped: () => isReshaped });
      server.answer(call(plainCall), structured);
      expect(host.answerTo(1)?.result).toEqual(isReshaped ? { content: [] } : structured);
    }
  });

  it('nobody asks about definitions for an answer without a structure, or for what is no call', async () => {
    const asked: string[] = [];
    const isReshaped = () => asked.push('asked') > 0;
    const { host, server, call } = await open({}, { isReshaped });
    server.answer(call(plainCall), { content: [], _meta: { [metaKeys.serverInfo]: 1 }, resultType: 'x' });
    expect(host.sent[0]?.text).toContain('resultType');
    server.answer(call(readCall.replace('"id":1', '"id":2')), structured);
    expect(host.answerTo(2)?.result).toEqual(structured);
    expect(asked).toEqual([]);
  });
});

describe('a program without sessions and a server with them', () => {
  const setup = { program: statelessVersion };

  it('what the request says of its client is no part of it there; the rest stays as it is', async () => {
    const { call } = await open(setup);
    const asked = call(modernCall());
    expect(asked.text).toBe(
      `{"jsonrpc":"2.0","id":${asked.id},"method":"tools/call","params":{"name":"t","_meta":{"x":1.0}}}`,
    );
  });

  it('a call that fails because the program could not be asked says so in the program’s own words', async () => {
    const { host, server, call } = await open(setup);
    const asked = call(modernCall());
    const open1 = host.session.requests.get('1');
    open1?.noteLack?.('sampling');
    open1?.noteLack?.('roots');
    server.say(`{"jsonrpc":"2.0","id":${asked.id},"error":{"code":-5,"message":"no","n":1.50}}`);
    expect(host.sent[0]?.text).toContain('"cause":{"code":-5,"message":"no","n":1.50}');
    expect(host.answerTo(1)?.error).toMatchObject({
      code: -32021,
      message: 'This needs sampling, roots, which the request did not declare.',
      data: { requiredCapabilities: { sampling: {}, roots: {} } },
    });
  });

  it('one that goes on without, and one that fails for another reason, are answered as ever', async () => {
    const { host, server, call } = await open(setup);
    const first = call(modernCall());
    host.session.requests.get('1')?.noteLack?.('sampling');
    server.answer(first, { n: 1 });
    expect(host.sent[0]?.json.result).toEqual({ n: 1 });
    server.refuse(call(modernCall()), { code: -5, message: 'no' });
    expect(host.sent[1]?.json.error).toEqual({ code: -5, message: 'no' });
  });
});

describe('a program with sessions and a server without them', () => {
  const setup = { server: statelessVersion };

  it('the request says who asks, beside what the program says itself', async () => {
    const { call } = await open(setup);
    expect(call(plainCall).params).toEqual({ name: 't', _meta: envelope });
    const withMeta = call(plainCall.replace('"name"', '"_meta":{"progressToken":"x"},"name"'));
    expect(withMeta.params).toEqual({ name: 't', _meta: { ...envelope, progressToken: withMeta.id } });
    expect(call('{"jsonrpc":"2.0","id":3,"method":"tools/call"}').params).toEqual({ _meta: envelope });
  });

  it('it says what the program declared that has a meaning there, who it is, and its log level', async () => {
    const capabilities = {
      ...{ sampling: { tools: {} }, elicitation: {}, roots: { listChanged: true }, experimental: { x: 1 }, tasks: {} },
      extensions: { 'io.modelcontextprotocol/tasks': {}, 'a/b': {} },
    };
    const { host, call } = await open({ ...setup, own: { capabilities } });
    host.session.client = { name: 'n', capabilities, info: { name: 'n', version: '3', title: 'N' } };
    host.session.logLevel = 'info';
    expect(call(plainCall).params['_meta']).toEqual({
      [metaKeys.protocolVersion]: statelessVersion,
      [metaKeys.clientInfo]: { name: 'n', version: '3', title: 'N' },
      [metaKeys.clientCapabilities]: {
        ...{ sampling: { tools: {} }, elicitation: {}, roots: {}, experimental: { x: 1 }, extensions: { 'a/b': {} } },
      },
      [metaKeys.logLevel]: 'info',
    });
  });

  it('a copy of a project has roots, whatever the program declares; an extension of tasks alone is none', async () => {
    const own = {
      identity: { folder: '/p', projectRoot: '/p' },
      capabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } },
    };
    const { call } = await open({ ...setup, own, entry: { sharing: 'project' } });
    expect(call(plainCall).params['_meta']).toMatchObject({ [metaKeys.clientCapabilities]: { roots: {} } });
    const shared = await open({ ...setup, own });
    expect(shared.call(plainCall).params['_meta']).toEqual(envelope);
  });

  it('the answer is without the newer family’s marks, and without a structure that is no object', async () => {
    const { host, server, call } = await open(setup);
    const marks = {
      resultType: 'complete',
      ttlMs: 5,
      cacheScope: 'private',
      _meta: { [metaKeys.serverInfo]: {}, y: 1 },
    };
    server.answer(call(plainCall), { ...marks, ...structured });
    expect(host.answerTo(1)?.result).toEqual({ content: [], _meta: { y: 1 } });
  });

  it('a resource that is not there has its older code, other errors stay', async () => {
    const { host, server, call } = await open(setup);
    const missing = { code: -32602, message: 'gone', data: { uri: 'x:1' } };
    server.refuse(call(readCall), missing);
    server.refuse(call(readCall), { code: -32602, message: 'odd' });
    server.refuse(call(plainCall.replace('tools/call', 'prompts/get')), missing);
    expect(host.sent.map(({ json }) => json.error?.code)).toEqual([-32002, -32602, -32602]);
  });

  it('a capability that is missing is told in words, since the program knows no such error', async () => {
    const { host, server, call } = await open(setup);
    server.refuse(call(plainCall), { code: -32021, message: 'x', data: { requiredCapabilities: { sampling: {} } } });
    server.refuse(call(plainCall), { code: -32021, message: 'x' });
    expect(host.sent[0]?.text).toMatch(/needs sampling for this.*INPUT_REFUSED.*"mayHaveRun":false/);
    expect(host.sent[1]?.text).toContain('needs an ability for this');
  });
});

describe('both without sessions', () => {
  const setup = { program: statelessVersion, server: statelessVersion };

  it('pass each other’s bytes', async () => {
    const { host, server, call } = await open(setup);
    const asked = call(modernCall());
    expect(asked.text).toBe(modernCall().replace('"id":1', `"id":${asked.id}`));
    server.answer(asked, { resultType: 'complete', ttlMs: 5, structuredContent: [1] });
    expect(host.answerTo(1)?.result).toEqual({ resultType: 'complete', ttlMs: 5, structuredContent: [1] });
  });

  it('a request of our own in the program’s place gets what it lacks', async () => {
    const { call } = await open(setup);
    expect(call(plainCall).params['_meta']).toEqual(envelope);
  });

  it('a question goes to the program, which sends the call anew itself', async () => {
    const { host, server, call } = await open(setup);
    const question = { resultType: 'input_required', requestState: 'st' };
    server.answer(call(modernCall()), question);
    expect(host.answerTo(1)?.result).toEqual(question);
  });

  it('but is asked for whoever takes the outcome in place of it, where the method may have questions', async () => {
    const { host, server, call } = await open({ ...setup, own: { capabilities: { elicitation: {} } } });
    const outcomes: Answer[] = [];
    const inputRequests = { a: { method: 'elicitation/create', params: {} } };
    server.answer(
      call(modernCall(), (outcome) => outcomes.push(outcome)),
      { resultType: 'input_required', inputRequests },
    );
    await settled();
    expect([outcomes, host.told('elicitation/create').length]).toEqual([[], 1]);
    const completion = modernCall().replace('tools/call', 'completion/complete').replace('"id":1', '"id":2');
    server.answer(
      call(completion, (outcome) => outcomes.push(outcome)),
      { resultType: 'input_required', inputRequests },
    );
    expect(outcomes).toHaveLength(1);
  });
});
