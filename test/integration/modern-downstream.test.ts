// Programs of 2026-07-28 on servers with sessions: the server's questions come as answers, the program's answers as the
// call anew.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { fixture, type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';
import { at, type Message, ModernHttpClient } from '../support/mcp-http-client.ts';

const model = { role: 'assistant', content: { type: 'text', text: 'Paris' }, model: 'm' };
const answers: Record<string, unknown> = {
  'elicitation/create': { action: 'accept', content: { name: 'Ann' } },
  'sampling/createMessage': model,
  'roots/list': { roots: [{ uri: 'file:///w' }] },
};
const able = { elicitation: {}, sampling: {}, roots: {} };
const text = (answer: Message | undefined) => String(at(answer, 'result', 'content', 0, 'text'));
const asked = (client: ModernHttpClient, round = 0) =>
  Object.values(Object(at(client.messages[round], 'result', 'inputRequests'))).map((request) => at(request, 'method'));

// Over HTTP a server's question names its call by the stream; through a pipe it is the only one under way.
describe.each(['pipe', 'web'])('a program of 2026-07-28 on a server with sessions (%s)', (server) => {
  let daemon: HttpDaemon;
  const open = (capabilities: Message = able) =>
    new ModernHttpClient(
      { url: daemon.url(`/mcp/${server}`), token: daemon.token },
      capabilities,
      (method) => answers[method],
    );
  const call = (client: ModernHttpClient, name: string, args: Message = {}, signal?: AbortSignal) =>
    client.request(1, 'tools/call', { params: { name, arguments: args }, ...(signal ? { signal } : {}) });
  beforeAll(async () => {
    const own = { command: process.execPath, env: { CONFORMANCE_ERA: 'legacy' }, sampling: true };
    const program = fixture('conformance-server.mjs');
    daemon = await startHttpDaemon({
      servers: {
        pipe: { ...own, args: [program], sharing: 'shared' },
        web: { ...own, args: [program, '--http', '${PORT}'], url: 'http://127.0.0.1:${PORT}/mcp', sharing: 'shared' },
      },
    });
  });
  afterAll(() => daemon?.stop());

  it('is asked for its model', async () => {
    const client = open();
    expect(text(await call(client, 'test_sampling', { prompt: 'Capital?' }))).toBe('LLM response: Paris');
    expect(asked(client)).toEqual(['sampling/createMessage']);
  });

  it('is asked for several things in one round, and over several', async () => {
    const client = open();
    expect(text(await call(client, 'test_input_required_result_multiple_inputs'))).toBe('Got 3 answers.');
    expect(asked(client).sort()).toEqual(['elicitation/create', 'roots/list', 'sampling/createMessage']);
    const again = open();
    expect(text(await call(again, 'test_input_required_result_multi_round'))).toBe('Ann likes ?.');
    expect(again.messages).toHaveLength(3);
  });

  it('is told in its own words when a call fails because it cannot be asked', async () => {
    const error = at(await call(open({}), 'test_sampling', { prompt: 'Capital?' }), 'error');
    expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: { sampling: {} } } });
    // A form that nobody sees is cancelled, and the server goes on.
    expect(text(await call(open({}), 'test_elicitation', { message: 'Who?' }))).toContain('action=cancel');
  });

  it('leaves nothing behind when it goes in the middle of a question', async () => {
    const client = open();
    const params = { name: 'test_sampling', arguments: { prompt: 'Capital?' } };
    const first = await client.round(client.message(1, 'tools/call', params));
    expect(at(first, 'result', 'resultType')).toBe('input_required');
    const state = at(first, 'result', 'requestState');
    const again = { ...params, inputResponses: {}, requestState: state };
    const abort = new AbortController();
    const waiting = client.round(client.message(2, 'tools/call', again), abort.signal).catch(() => undefined);
    abort.abort();
    await waiting;
    const isOver = async () => {
      const late = { ...params, inputResponses: {}, requestState: state };
      return at(await client.round(client.message(3, 'tools/call', late)), 'error', 'code') === -32602;
    };
    await eventually(isOver, { what: 'the call to be over' });
    expect(text(await call(open(), 'test_simple_text'))).toContain('simple text');
  });
});
