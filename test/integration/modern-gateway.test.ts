// Calls through our own tools (mode gateway) on a server of 2026-07-28: whoever takes the outcome in place of the program
// is not handed a question for one, and a call that gets no answer ends.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { fixture, type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';
import { at, LegacyHttpClient, type Message, ModernHttpClient } from '../support/mcp-http-client.ts';

const form = { action: 'accept', content: { name: 'Ann' } };
const text = (answer: unknown) => String(at(answer, 'result', 'content', 0, 'text'));
const invoke = (id: string, args: Message = {}, name = 'gateway_invoke') => ({ name, arguments: { id, args } });
/** What the status of a job says, each time anew. */
const lookAt = (client: LegacyHttpClient, started: unknown) => {
  const { jobId }: Message = JSON.parse(text(started));
  const params = { name: 'gateway_invoke_status', arguments: { jobId } };
  return async () => JSON.stringify(await client.request(2, 'tools/call', params));
};

describe('calls through the gateway on a server of 2026-07-28', () => {
  let daemon: HttpDaemon;
  const address = () => ({ url: daemon.url('/mcp?mode=gateway'), token: daemon.token });
  const open = async () => {
    const client = new LegacyHttpClient(address(), (method) => (method === 'elicitation/create' ? form : undefined));
    await client.open({ elicitation: {} });
    await client.listen();
    return client;
  };
  beforeAll(async () => {
    const own = { command: process.execPath, sharing: 'shared' };
    daemon = await startHttpDaemon({
      servers: {
        modern: { ...own, args: [fixture('modern.mjs')] },
        echo: { ...own, args: [fixture('echo.mjs')] },
      },
    });
  });
  afterAll(() => daemon?.stop());

  it('ask a program with a session', async () => {
    const client = await open();
    const answer = await client.request(1, 'tools/call', invoke('modern__ask'));
    expect(JSON.parse(text(answer))).toEqual([{ 'form "0"': form }]);
    await client.end();
  });

  it('ask a program without one by the answer to its own call', async () => {
    const client = new ModernHttpClient(address(), { elicitation: {} }, () => form);
    const answer = await client.request(1, 'tools/call', { params: invoke('modern__ask') });
    expect(JSON.parse(text(answer))).toEqual([{ 'form "0"': form }]);
    expect(at(client.messages[0], 'result', 'resultType')).toBe('input_required');
  });

  it('ask the session from within a job', async () => {
    const client = await open();
    const started = await client.request(1, 'tools/call', invoke('modern__ask', {}, 'gateway_invoke_async'));
    const look = lookAt(client, started);
    await eventually(async () => (await look()).includes('Ann'), { what: 'the job to end' });
    await client.end();
  });

  it('end with the error of a server that ends', async () => {
    const client = await open();
    const answer = await client.request(1, 'tools/call', invoke('echo__crash', { code: 3 }));
    expect(at(answer, 'result', '_meta', 'aitkit/error', 'code')).toBe('SERVER_CRASHED');
    // The id is free again, as after any answer.
    expect(text(await client.request(1, 'tools/call', invoke('echo__echo', { text: 'back' })))).toBe('back');
    await client.end();
  });

  it('end a job whose server ends', async () => {
    const client = await open();
    const started = await client.request(1, 'tools/call', invoke('echo__crash', { code: 3 }, 'gateway_invoke_async'));
    const look = lookAt(client, started);
    await eventually(async () => /exited with code 3/.test(await look()), { what: 'the job to fail' });
    await client.end();
  });
});

describe('two windows of one program without a session', () => {
  let daemon: HttpDaemon;
  const window = (mode: string, key?: string) =>
    new ModernHttpClient({
      ...{ url: daemon.url(`/mcp?mode=${mode}`), token: daemon.token },
      ...(key === undefined ? {} : { headers: { 'mcp-client-key': key } }),
    });
  const call = (client: ModernHttpClient, name: string, args: Message = {}) =>
    client.request(1, 'tools/call', { params: { name, arguments: args } });
  const startSlow = async (client: ModernHttpClient) => {
    const started = await call(client, 'gateway_invoke_async', { id: 'echo__slow', args: { forever: true } });
    const { jobId }: Message = JSON.parse(text(started));
    return String(jobId);
  };
  const tools = async (client: ModernHttpClient) => JSON.stringify(await client.request(1, 'tools/list'));
  beforeAll(async () => {
    const echo = { command: process.execPath, sharing: 'shared', args: [fixture('echo.mjs')] };
    daemon = await startHttpDaemon({ servers: { echo } });
  });
  afterAll(() => daemon?.stop());

  it('are not told of each other’s jobs, also not at their limit; who knows an id may look and cancel', async () => {
    const [one, other] = [window('gateway'), window('gateway')];
    const jobs = [await startSlow(one), await startSlow(one), await startSlow(one)];
    const listed = JSON.stringify(await call(other, 'gateway_invoke_status'));
    expect(listed).toContain('Mcp-Client-Key');
    const refused = JSON.stringify(await call(other, 'gateway_invoke_async', { id: 'echo__slow' }));
    expect(refused).toContain('JOB_LIMIT');
    for (const job of jobs) {
      expect(listed + refused).not.toContain(job);
      expect(text(await call(one, 'gateway_invoke_status', { jobId: job, cancel: true }))).toContain('cancelled');
    }
  });

  it('have each their own jobs, results and found tools with a key of their own', async () => {
    const [one, other] = [window('gateway', 'one'), window('gateway', 'other')];
    const job = await startSlow(one);
    expect(JSON.parse(text(await call(other, 'gateway_invoke_status')))).toEqual({ jobs: [] });
    expect(text(await call(other, 'gateway_invoke_status', { jobId: job }))).toContain('No job of this session');
    expect(text(await call(window('gateway', 'one'), 'gateway_invoke_status'))).toContain(job);
    await call(one, 'gateway_invoke_status', { jobId: job, cancel: true });

    const [finds, looks] = [window('dynamic', 'one'), window('dynamic', 'other')];
    await call(finds, 'retrieve_tools', { query: 'returns its arguments' });
    expect(await tools(finds)).toContain('echo__echo');
    expect(await tools(looks)).not.toContain('echo__echo');
  });
});
