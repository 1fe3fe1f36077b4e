// Programs of revisions with sessions on servers of 2026-07-28, through wrapper and daemon: they are asked by requests,
// subscribe and log as on any server of their own family.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../scripts/build-defines.ts';
import { DaemonRig } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { errorOf, type McpClient, type Message, namesIn, resultOf, textOf } from '../support/mcp-client.ts';
import { at, metaKey } from '../support/mcp-http-client.ts';

const program = join(root, 'test/fixtures/upstreams/modern.mjs');
const all = { elicitation: { form: {}, url: {} }, sampling: {}, roots: { listChanged: true } };
const model = { role: 'assistant', content: { type: 'text', text: 'Hello' }, model: 'm' };
const answers: Record<string, Message> = {
  'elicitation/create': { action: 'accept', content: { name: 'Ann' } },
  'sampling/createMessage': model,
  'roots/list': { roots: [{ uri: 'file:///w' }] },
};

/** Requests of the daemon to the host. */
const asked = (client: McpClient) => client.messages.filter((message) => 'method' in message && 'id' in message);
const nextAsk = (client: McpClient, skip = 0) => client.until(() => asked(client)[skip], 'a question');
const reply = (client: McpClient, ask: Message, outcome: Message) =>
  client.send({ jsonrpc: '2.0', id: ask['id'], ...outcome });
/** Starts a call whose answer the test waits for later. */
const begin = (client: McpClient, id: string, name: string, args: Message = {}) =>
  client.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } });

describe.each(['pipe', 'web'])('a server of 2026-07-28 (%s) behind programs with sessions', (server) => {
  const rig = new DaemonRig();
  const trace = join(rig.home, 'trace');
  const tool = (name: string) => `${server}__${name}`;
  const traced = (): Message[] =>
    readFileSync(trace, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  const open = (capabilities: Message = all) => rig.open({ capabilities });
  beforeAll(() => {
    const common = { command: process.execPath, env: { TRACE_FILE: trace }, sharing: 'shared' };
    rig.writeConfig({
      pipe: { ...common, args: [program] },
      web: { ...common, args: [program, '--http', '${PORT}'], url: 'http://127.0.0.1:${PORT}/mcp' },
    });
  });
  afterAll(() => rig.dispose());

  it('asks for a form, the model and the roots by requests, and goes on with what was answered', async () => {
    const client = await open();
    const call = client.call(tool('ask'), { kinds: [['form', 'model', 'roots']] });
    for (let i = 0; i < 3; i += 1) {
      const ask = await nextAsk(client, i);
      reply(client, ask, { result: answers[String(ask['method'])] ?? {} });
    }
    expect(JSON.parse(textOf(await call))).toEqual([
      {
        'form "0"': answers['elicitation/create'],
        'model "1"': model,
        'roots "2"': answers['roots/list'],
      },
    ]);
    expect(resultOf(await call)).toEqual({ content: [{ type: 'text', text: expect.any(String) }] });
    await client.close();
  });

  it('goes through several rounds, also such in which nothing is asked', async () => {
    const client = await open();
    const call = client.call(tool('ask'), { kinds: [['form'], [], ['page']] });
    reply(client, await nextAsk(client), { result: answers['elicitation/create'] ?? {} });
    const page = await nextAsk(client, 1);
    // A program of that family needs an id with a page; such servers give none.
    expect(page['params']).toMatchObject({ mode: 'url', elicitationId: expect.any(String) });
    reply(client, page, { result: { action: 'accept' } });
    expect(JSON.parse(textOf(await call))).toHaveLength(2);
    await client.close();
  });

  it('passes on that a person declined', async () => {
    const client = await open();
    const call = client.call(tool('ask'));
    reply(client, await nextAsk(client), { result: { action: 'decline' } });
    expect(JSON.parse(textOf(await call))).toEqual([{ 'form "0"': { action: 'decline' } }]);
    await client.close();
  });

  it('ends the call with the words of a program that refuses, and withdraws its other questions', async () => {
    const client = await open();
    const call = client.call(tool('ask'), { kinds: [['model', 'form']] });
    await nextAsk(client, 1);
    const [sampling, form] = asked(client);
    reply(client, sampling ?? {}, { error: { code: -1, message: 'not this model' } });
    expect(textOf(await call)).toContain('not this model');
    expect(resultOf(await call)).toMatchObject({ isError: true, _meta: { 'aitkit/error': { code: 'INPUT_REFUSED' } } });
    const withdrawn = await client.notification('notifications/cancelled');
    expect(at(withdrawn, 'params', 'requestId')).toBe(form?.['id']);
    await client.close();
  });

  it('ends a call whose server asks without end', async () => {
    const client = await open();
    const call = client.call(tool('ask'), { forever: true });
    for (let i = 0; i < 10; i += 1) reply(client, await nextAsk(client, i), { result: { action: 'cancel' } });
    expect(textOf(await call)).toContain('more than 10 times');
    expect(asked(client)).toHaveLength(10);
    await client.close();
  });

  it('ends a call whose server asks for what nobody can answer', async () => {
    const client = await open();
    expect(textOf(await client.call(tool('ask'), { kinds: [['odd']] }))).toContain('asks for tools/call');
    await client.close();
  });

  it('withdraws its question when the host cancels the call', async () => {
    const client = await open();
    begin(client, 'gone', tool('ask'));
    const ask = await nextAsk(client);
    client.notify('notifications/cancelled', { requestId: 'gone' });
    expect(at(await client.notification('notifications/cancelled'), 'params', 'requestId')).toBe(ask['id']);
    // A late answer starts nothing, and the id can be used again.
    reply(client, ask, { result: answers['elicitation/create'] ?? {} });
    expect(resultOf(await client.call(tool('ask'), { kinds: [] }))).toMatchObject({ content: [{ text: '[]' }] });
    expect(client.messages.filter(({ id }) => id === 'gone')).toEqual([]);
    await client.close();
  });

  it('asks nobody else when a host dies in the middle of a question', async () => {
    const [dying, other] = [await open(), await open()];
    begin(dying, 'x', tool('ask'));
    await nextAsk(dying);
    const before = traced().filter(({ params }) => at(params, 'inputResponses') !== undefined).length;
    await dying.close();
    expect(textOf(await other.call(tool('ask'), { kinds: [] }))).toBe('[]');
    expect(asked(other)).toEqual([]);
    expect(traced().filter(({ params }) => at(params, 'inputResponses') !== undefined)).toHaveLength(before);
    await other.close();
  });

  it('asks each of two sessions its own, at the same time', async () => {
    const clients = [await open(), await open()];
    const calls = clients.map((client) => client.call(tool('ask'), { kinds: [['form'], ['form']] }));
    for (let round = 0; round < 2; round += 1) {
      for (const [i, client] of clients.entries()) {
        reply(client, await nextAsk(client, round), { result: { action: 'accept', content: { name: `n${i}` } } });
      }
    }
    for (const [i, call] of calls.entries()) {
      const one = { 'form "0"': { action: 'accept', content: { name: `n${i}` } } };
      expect(JSON.parse(textOf(await call))).toEqual([one, one]);
    }
    for (const client of clients) await client.close();
  });

  it('tells the server with each call who asks and what that program can', async () => {
    const [able, plain] = [await open(), await open({})];
    const meta = async (client: McpClient): Promise<Message> => JSON.parse(textOf(await client.call(tool('meta'))));
    expect(await meta(able)).toMatchObject({
      [metaKey('protocolVersion')]: '2026-07-28',
      [metaKey('clientInfo')]: { name: 'test-host', version: '1' },
      [metaKey('clientCapabilities')]: { elicitation: all.elicitation, sampling: {}, roots: {} },
    });
    expect((await meta(plain))[metaKey('clientCapabilities')]).toEqual({});
    expect(textOf(await able.call(tool('needs_model')))).toMatch(/needs sampling/);
    await able.close();
    await plain.close();
  });

  it('answers a form that its program cannot show with `cancel`, and does not make up a model', async () => {
    const client = await open({});
    expect(JSON.parse(textOf(await client.call(tool('ask'))))).toEqual([{ 'form "0"': { action: 'cancel' } }]);
    expect(textOf(await client.call(tool('ask'), { kinds: [['model']] }))).toContain('does not offer sampling');
    await client.close();
  });

  it('asks in the middle of a prompt too', async () => {
    const client = await open();
    const prompt = client.request('prompts/get', { name: tool('ask') });
    reply(client, await nextAsk(client), { result: { action: 'accept', content: {} } });
    expect(at(await prompt, 'result', 'messages', 0, 'content', 'text')).toBe(
      '{"name":{"action":"accept","content":{}}}',
    );
    await client.close();
  });

  it('speaks the codes and shapes of the older family', async () => {
    const client = await open();
    expect(errorOf(await client.request('resources/read', { uri: 'test://clock' })).code).toBe(-32002);
    const listed = resultOf(await client.call(tool('list_value')));
    expect(listed).toEqual({ content: [{ type: 'text', text: 'three' }] });
    await client.close();
  });

  it('subscribes for each session, tells only who wants to know, and ends what nobody wants', async () => {
    const [one, two] = [await open(), await open()];
    const listened = async (): Promise<string[][]> => {
      const wanted: Message[] = JSON.parse(textOf(await one.call(tool('listens'))));
      return wanted.map((filter) => [filter['resourceSubscriptions'] ?? []].flat().map(String));
    };
    const uris = async () => (await listened()).flat().sort();
    // Over HTTP each session has a stream of its own.
    await two.call(tool('meta'));
    const each = server === 'web' ? 2 : 1;
    for (const client of [one, two]) {
      expect(await client.request('resources/subscribe', { uri: 'test://clock' })).toMatchObject({ result: {} });
    }
    await one.request('resources/subscribe', { uri: 'test://other' });
    // The stream that was replaced is closed after the new one is acknowledged: a server hears of that a little later.
    const wanted = [...Array<string>(each).fill('test://clock'), 'test://other'].join();
    await eventually(async () => (await uris()).join() === wanted, { what: `exactly ${wanted}` });
    const refused = errorOf(await one.request('resources/subscribe', { uri: 'test://unknown' }));
    expect(refused.message).toContain('test://unknown');
    await one.call(tool('touch'), { uri: 'test://other' });
    await one.call(tool('touch'), { uri: 'test://clock' });
    const updated = 'notifications/resources/updated';
    await one.notification(updated, 1);
    expect(await two.notification(updated)).toEqual({ jsonrpc: '2.0', method: updated, params: expect.anything() });
    expect(two.notifications(updated).map(({ params }) => params)).toEqual([{ uri: 'test://clock' }]);
    expect(one.notifications(updated).map(({ params }) => at(params, 'uri'))).toEqual(['test://other', 'test://clock']);
    await one.request('resources/unsubscribe', { uri: 'test://other' });
    await two.close();
    await eventually(async () => (await uris()).join() === 'test://clock', { what: 'one to be left' });
    await one.request('resources/unsubscribe', { uri: 'test://clock' });
    await eventually(async () => (await uris()).length === 0, { what: 'none to be left' });
    // Nothing of our own hop reaches a host.
    expect(one.notifications('notifications/subscriptions/acknowledged')).toEqual([]);
    await one.close();
  });

  it('listens again when the server ends its messages, and tells that something may have changed', async () => {
    const client = await open();
    await client.request('resources/subscribe', { uri: 'test://clock' });
    await client.call(tool('end_listens'));
    await client.notification('notifications/resources/updated');
    const again: Message[] = JSON.parse(textOf(await client.call(tool('listens'))));
    expect(again.some(({ resourceSubscriptions }) => String(resourceSubscriptions) === 'test://clock')).toBe(true);
    await client.close();
  });

  it('asks for logs with each call, as loud as the session wants', async () => {
    const client = await open();
    expect(textOf(await client.call(tool('log')))).toBe('none');
    await client.request('logging/setLevel', { level: 'warning' });
    expect(textOf(await client.call(tool('log'), { level: 'error' }))).toBe('warning');
    expect(at(await client.notification('notifications/message'), 'params', 'data')).toBe('least warning');
    expect(traced().map(({ method }) => method)).not.toContain('logging/setLevel');
    await client.close();
  });

  it('cancels as the server hears it', async () => {
    const client = await open();
    begin(client, 'w', tool('wait'));
    await eventually(() => traced().some(({ params }) => at(params, 'name') === 'wait'), { what: 'the call' });
    client.notify('notifications/cancelled', { requestId: 'w', reason: 'enough' });
    const cancelled = () => traced().filter(({ method }) => method === 'notifications/cancelled').length;
    if (server === 'pipe') await eventually(() => cancelled() > 0, { what: 'the cancellation' });
    // Over HTTP the end of the stream says so; such servers take no notifications.
    else await client.call(tool('meta'));
    expect(cancelled() > 0).toBe(server === 'pipe');
    await client.close();
  });

  it('offers what the server offers', async () => {
    const client = await open();
    const list = await client.request('tools/list');
    const names = namesIn(list, 'tools');
    // What no program of the older family can read.
    expect(JSON.stringify(list)).not.toContain('outputSchema');
    expect(names).toContain(tool('place'));
    // A definition that cannot be called over HTTP is left out there only.
    expect(names.includes(tool('bad_mark'))).toBe(server === 'pipe');
    await client.close();
  });
});
