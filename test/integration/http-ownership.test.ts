// What belongs to one session of several on one copy: tasks, questions of tasks, pages to open, kinds of questions.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { fixture, type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';
import { type Answerer, at, LegacyHttpClient, type Message } from '../support/mcp-http-client.ts';

const call = (name: string, args: Message = {}): Message => ({ name, arguments: args });
const text = (answer: Message | undefined) => String(at(answer, 'result', 'content', 0, 'text'));

describe('what belongs to one session', () => {
  let daemon: HttpDaemon;
  beforeAll(async () => {
    daemon = await startHttpDaemon({
      servers: { echo: { command: process.execPath, args: [fixture('echo.mjs')], sharing: 'shared' } },
    });
  });
  afterAll(() => daemon?.stop());

  const connect = async (capabilities: Message = {}, answer?: Answerer) => {
    const client = new LegacyHttpClient({ url: daemon.url('/mcp/echo'), token: daemon.token }, answer);
    await client.open(capabilities);
    await client.listen();
    return client;
  };

  it('lets only the owner of a task look at it, and tells only it of its state', async () => {
    const [owner, other] = [await connect(), await connect()];
    const task = { taskId: 't-1', status: 'working', createdAt: '2026-01-01T00:00:00Z', ttl: 1000 };
    const created = await owner.request(1, 'tools/call', { ...call('raw', { result: { task } }), task: { ttl: 1000 } });
    expect(at(created, 'result', 'task', 'taskId')).toBe('t-1');
    // The server has no tasks/get: that it says so shows that it was asked.
    expect(at(await owner.request(2, 'tasks/get', { taskId: 't-1' }), 'error', 'code')).toBe(-32601);
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
      expect(at(await other.request(method, method, { taskId: 't-1' }), 'error', 'code')).toBe(-32602);
    }
    const status = { jsonrpc: '2.0', method: 'notifications/tasks/status', params: task };
    await other.request(3, 'tools/call', call('send', { message: status }));
    const isStatus = ({ method }: Message) => method === 'notifications/tasks/status';
    await eventually(() => owner.messages.some(isStatus), { what: 'the state to be told' });
    expect(other.messages.some(isStatus)).toBe(false);
    await Promise.all([owner.end(), other.end()]);
  });

  it('asks only in the ways that a program declared', async () => {
    const yes: Answerer = (method) => (method === 'ping' ? {} : { action: 'accept', content: {} });
    const ask = async (capabilities: Message, kind: string) => {
      const client = await connect(capabilities, yes);
      const answer = text(await client.request(1, 'tools/call', call('ask_back', { kind })));
      await client.end();
      return JSON.parse(answer);
    };
    const accepted = { result: { action: 'accept', content: {} } };
    const cancelled = { result: { action: 'cancel' } };
    expect(await ask({ elicitation: {} }, 'elicitation')).toEqual(accepted);
    expect(await ask({ elicitation: {} }, 'url')).toEqual(cancelled);
    expect(await ask({ elicitation: { url: {} } }, 'url')).toEqual(accepted);
    expect(await ask({ elicitation: { url: {} } }, 'elicitation')).toEqual(cancelled);
    expect(await ask({}, 'elicitation')).toEqual(cancelled);
    expect(at(await ask({}, 'sampling'), 'error', 'code')).toBe(-32601);
  });

  it('tells the end of a page only to the session that was asked to open it', async () => {
    const [one, other] = [await connect({ elicitation: { url: {} } }, () => ({ action: 'accept' })), await connect()];
    await one.request(1, 'tools/call', call('ask_back', { kind: 'url' }));
    const asked = one.messages.find(({ method }) => method === 'elicitation/create');
    const elicitationId = at(asked, 'params', 'elicitationId');
    const message = { jsonrpc: '2.0', method: 'notifications/elicitation/complete', params: { elicitationId } };
    await other.request(1, 'tools/call', call('send', { message }));
    const isEnd = ({ method }: Message) => method === 'notifications/elicitation/complete';
    await eventually(() => one.messages.some(isEnd), { what: 'the end of the page' });
    expect(other.messages.some(isEnd)).toBe(false);
    await Promise.all([one.end(), other.end()]);
  });
});
