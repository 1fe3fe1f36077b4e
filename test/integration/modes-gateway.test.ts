// Gateway mode from the host's pipe to the server and back: what is listed, found, called, hidden, shortened and read again.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { facePath, readFace } from '../../src/link/faces.ts';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { displace, scopeOf } from '../support/displace.ts';
import { eventually, patienceMs } from '../support/eventually.ts';
import { invoke, jsonOf, refOf, search, start } from '../support/gateway-calls.ts';
import { errorOf, namesIn, resultOf, textOf } from '../support/mcp-client.ts';

const gatewayNames = [
  'gateway_search',
  'gateway_describe',
  'gateway_invoke',
  'gateway_invoke_async',
  'gateway_invoke_status',
  'gateway_get_result',
];

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(() => rig.dispose());
const gateway = (options: { project?: string; name?: string } = {}) =>
  rig.open({ args: ['--mode', 'gateway'], ...options });

describe('the mode of a session', () => {
  it('comes from its own flag, else from the config for its program, else from the number of tools', async () => {
    rig.writeConfig(
      { echo: fixture('echo.mjs', { ECHO_EXTRA_TOOLS: '60' }) },
      { tools: { clients: { cursor: 'dynamic', tiny: 'all' } } },
    );
    const lists = async (options: { name?: string; args?: string[] }) => {
      const session = await rig.open(options);
      return session.toolNames();
    };
    expect(await lists({ name: 'claude-code' })).toContain('echo__extra_59');
    expect(await lists({ name: 'some-editor' })).toEqual(gatewayNames);
    expect(await lists({ name: 'cursor' })).toEqual(['retrieve_tools', 'gateway_get_result']);
    expect(await lists({ name: 'tiny' })).toContain('echo__extra_59');
    expect(await lists({ name: 'cursor', args: ['--mode', 'gateway'] })).toEqual(gatewayNames);
    // One server alone stays what it is, whatever is asked.
    expect(await lists({ name: 'cursor', args: ['--server', 'echo', '--mode', 'gateway'] })).toContain('extra_59');
    expect((await rig.status()).sessions.map(({ mode }) => mode).sort()).toEqual(
      ['all', 'all', 'all', 'dynamic', 'gateway', 'gateway'].sort(),
    );
  });

  it('is "all" for any program while the tools are few', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const session = await rig.open({ name: 'some-editor' });
    expect(await session.toolNames()).toContain('echo__pid');
  });
});

describe('gateway mode', () => {
  it('lists its six tools at once and says in its instructions how to use them', async () => {
    // A server that does not start before the end of the test: the list must not wait for it.
    rig.writeConfig({ slow: fixture('slow-start.mjs', { START_FILE: join(rig.home, 'never') }) });
    const session = await rig.connected({ args: ['--mode', 'gateway'] });
    const answer = await session.initialize();
    expect(String(resultOf(answer)['instructions'])).toContain('gateway_search');
    expect(await session.toolNames()).toEqual(gatewayNames);
    // What the wrapper answers with while no daemon is there is the same.
    const key = { projectRoot: rig.project('project'), mode: 'gateway' };
    const face = await eventually(() => readFace(facePath(rig.locations.facesDir, key)), { what: 'the face' });
    expect(namesIn({ result: face.lists.tools?.result }, 'tools')).toEqual(gatewayNames);
    expect(String(face.initialize['instructions'])).toContain('gateway_search');
  });

  it('finds, describes and calls a tool, and its result is what the server sent', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs'), other: fixture('echo.mjs', { ECHO_NAME: 'other' }) });
    const session = await gateway();
    const [hit] = await search(session, 'write a line to stderr', { servers: ['echo'] });
    expect(hit).toMatchObject({ id: 'echo__stderr', server: 'echo', args: ['line'] });
    const described = jsonOf(await session.call('gateway_describe', { ids: ['echo__raw', 'other:big', 'no::such'] }));
    expect(described).toMatchObject({
      tools: [
        { id: 'echo__raw', title: 'Raw', annotations: { readOnlyHint: true } },
        { id: 'other__big', inputSchema: { required: ['bytes'] } },
        { id: 'no::such', error: expect.stringContaining('unknown') },
      ],
    });
    expect(await search(session, 'raw', { readOnly: true })).toMatchObject([{ id: 'echo__raw' }, { id: 'other__raw' }]);
    expect(errorOf(await invoke(session, 'echo__fail', { code: -32050 }))).toMatchObject({ code: -32050 });
    expect(resultOf(await invoke(session, 'echo__fail'))).toMatchObject({ isError: true });
  });

  it('hands on arguments and results byte for byte', async () => {
    rig.writeConfig({ verbatim: fixture('repeat.mjs') });
    const session = await gateway();
    const args = '{"n":98765432109876543210,"f":1.50,"e":1e-05,"text":"\\u00e9"}';
    const tool = `{"id":"verbatim__repeat","args":${args}}`;
    session.send(
      `{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"gateway_invoke","arguments":${tool}}}`,
    );
    const line = await session.line((text) => text.includes('"id":"x"'), 'the answer');
    expect(line).toBe(`{"jsonrpc":"2.0","id":"x","result":{"content":[],"structuredContent":${args}}}`);
    // The same under the protocol's own name for them.
    session.send(
      `{"jsonrpc":"2.0","id":"y","method":"tools/call","params":{"name":"gateway_invoke","arguments":${tool.replace('"args"', '"arguments"')}}}`,
    );
    expect(await session.line((text) => text.includes('"id":"y"'), 'the answer')).toContain(args);
  });

  it('answers wrong arguments and unknown ids so that the next try can be right', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const session = await gateway();
    const wrong = await invoke(session, 'echo__big', { bytes: 'many' });
    expect(resultOf(wrong)['isError']).toBe(true);
    expect(jsonOf(wrong)).toMatchObject({ wrong: ['bytes must be number'], inputSchema: { required: ['bytes'] } });
    const unknown = await invoke(session, 'echo__bigg');
    expect(resultOf(unknown)).toMatchObject({ isError: true, _meta: { 'aitkit/error': { code: 'TOOL_UNKNOWN' } } });
    expect(textOf(unknown)).toContain('echo__big');
    expect(textOf(await session.call('gateway_search', { query: 5 }))).toContain('expected string');
    // Arguments as the JSON of an object, printed over several lines, are that object.
    const args = JSON.stringify({ text: 'two\nlines', n: 1 }, undefined, 2);
    expect(textOf(await session.call('gateway_invoke', { id: 'echo__echo', args }))).toBe('two\nlines');
  });

  it('checks a pattern of a server without holding the calls of others', async () => {
    const properties = { text: { type: 'string', pattern: '^(a+)+$' } };
    const REPEAT_SCHEMA = JSON.stringify({ type: 'object', properties });
    rig.writeConfig({ verbatim: fixture('repeat.mjs', { REPEAT_SCHEMA }), echo: fixture('echo.mjs') });
    const [session, other] = [await gateway(), await gateway()];
    await invoke(other, 'echo__echo', { text: 'warm' });
    const wrong = await invoke(session, 'verbatim__repeat', { text: 'b' });
    expect(jsonOf(wrong)).toMatchObject({ wrong: ['text must match pattern "^(a+)+$"'] });
    // Longer than the world exists, for a backtracking engine: the server has the last word then.
    const text = `${'a'.repeat(60)}!`;
    const endless = invoke(session, 'verbatim__repeat', { text });
    expect(textOf(await invoke(other, 'echo__echo', { text: 'free' }))).toBe('free');
    expect(resultOf(await endless)).toMatchObject({ structuredContent: { text } });
  });

  it('hands on an error of a server shortened where it is large, and says how to get the rest', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const session = await gateway();
    const { message } = errorOf(await invoke(session, 'echo__fail', { code: -32050, bytes: 300_000 }));
    expect(message.length).toBeLessThan(6_000);
    const ref = /"ref":"([^"]+)"/.exec(message)?.[1];
    expect(jsonOf(await session.call('gateway_get_result', { ref, path: '$.message' }))).toMatchObject({
      total: 300_000,
    });
    const job = await start(session, 'echo__fail', { code: -32050, bytes: 300_000 });
    const failed = await eventually(
      async () => {
        const { state, error } = jsonOf(await session.call('gateway_invoke_status', { jobId: job }));
        return state === 'failed' ? String(error) : undefined;
      },
      { what: 'the job to fail' },
    );
    expect(failed.length).toBeLessThan(6_000);
    expect(failed).toContain('gateway_get_result');
  });

  it('asks the host on behalf of a server, shows progress and passes on a cancel', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const session = await rig.open({ args: ['--mode', 'gateway'], capabilities: { elicitation: {} } });
    const asked = invoke(session, 'echo__ask_back', { message: 'Sure?' });
    const question = await session.find(({ method }) => method === 'elicitation/create', 'the question');
    session.send({ jsonrpc: '2.0', id: question['id'], result: { action: 'accept', content: { answer: 'yes' } } });
    expect(textOf(await asked)).toContain('"answer":"yes"');

    const slow = { id: 'echo__slow', args: { steps: 300, forever: true } };
    const params = { name: 'gateway_invoke', arguments: slow, _meta: { progressToken: 'mine' } };
    session.send({ jsonrpc: '2.0', id: 'slow', method: 'tools/call', params });
    const progress = await session.notification('notifications/progress');
    expect(progress).toMatchObject({ params: { progressToken: 'mine', total: 300 } });
    session.notify('notifications/cancelled', { requestId: 'slow', reason: 'enough' });
    await rig.statusUntil(
      ({ servers }) => servers.every(({ instances }) => instances.every(({ inFlight }) => inFlight === 0)),
      'the call to end',
    );
    expect(textOf(await invoke(session, 'echo__echo', { text: 'after' }))).toBe('after');
    expect(session.messages.filter(({ id }) => id === 'slow')).toEqual([]);
  });

  it('knows nothing of a server that belongs to another project, nor of denied tools', async () => {
    const [mine, theirs] = [rig.project('mine'), rig.project('theirs')];
    rig.writeConfig({
      open: fixture('echo.mjs', {}, { tools: { deny: ['env'] } }),
      secret: fixture('echo.mjs', { ECHO_EXTRA_TOOLS: '2' }, { projects: [theirs] }),
    });
    const inside = await gateway({ project: theirs });
    expect(textOf(await invoke(inside, 'secret__extra_1', { value: 'x' }))).toBe('extra 1 x');
    const outside = await gateway({ project: mine });
    expect((await search(outside, '', { limit: 50 })).map(({ server }) => server)).not.toContain('secret');
    expect(await search(outside, 'extra tool number 1')).not.toContainEqual(
      expect.objectContaining({ server: 'secret' }),
    );
    expect(await search(outside, 'secret', { servers: ['secret'] })).toEqual([]);
    expect((await search(outside, '', { limit: 50 })).map(({ id }) => id)).not.toContain('open__env');
    const hidden = await invoke(outside, 'secret__extra_1');
    const invented = await invoke(outside, 'nobody__extra_1');
    expect(textOf(hidden).replaceAll('secret', 'nobody')).toBe(textOf(invented));
    expect(resultOf(await invoke(outside, 'open__env'))['isError']).toBe(true);
    expect(resultOf(await outside.call('gateway_invoke_async', { id: 'secret__extra_1' }))['isError']).toBe(true);
    expect(textOf(await outside.call('gateway_describe', { ids: ['secret__extra_1'] }))).toContain('unknown');
  });

  it('finds a tool that a server adds while the session is open', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const session = await gateway();
    expect(await search(session, 'transmogrify')).toEqual([]);
    await invoke(session, 'echo__add_tool', { name: 'transmogrify_image' });
    await expect
      .poll(async () => (await search(session, 'transmogrify')).map(({ id }) => id))
      .toEqual(['echo__transmogrify_image']);
    // Its own list is the six tools, whatever servers do.
    expect(session.notifications('notifications/tools/list_changed')).toEqual([]);
  });
});

describe('shortened results', () => {
  const rows = Array.from({ length: 700 }, (_, i) => ({ id: i, name: `row ${i}`, note: `${i} `.repeat(40) }));

  it('come back whole through the references, page by page, beside an untouched picture', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const session = await gateway();
    const image = { type: 'image', mimeType: 'image/png', data: 'iVBORw0KGgo='.repeat(500) };
    const long = 'line of a log file\n'.repeat(9_000);
    const content = [{ type: 'text', text: JSON.stringify(rows) }, image, { type: 'text', text: long }];
    const short = await invoke(session, 'echo__raw', { result: { content, isError: true, _meta: { a: 1 } } });
    const result = resultOf(short);
    expect(Buffer.byteLength(JSON.stringify(result)) - image.data.length).toBeLessThanOrEqual(65_536);
    expect(result).toMatchObject({ isError: true, _meta: { a: 1 }, content: expect.arrayContaining([image]) });
    expect(JSON.parse(textOf(short))).toBeInstanceOf(Array);

    const ref = refOf(short);
    const back: unknown[] = [];
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const page = jsonOf(await session.call('gateway_get_result', { ref, block: 0, offset, limit: 90 }));
      if (Array.isArray(page['data'])) back.push(...page['data']);
      offset = typeof page['nextOffset'] === 'number' ? page['nextOffset'] : undefined;
    }
    expect(back).toEqual(rows);
    let text = '';
    for (let offset: number | undefined = 0; offset !== undefined; ) {
      const page = jsonOf(
        await session.call('gateway_get_result', { ref, block: 2, offset, limit: 20_000, raw: true }),
      );
      text += String(page['data']);
      offset = typeof page['nextOffset'] === 'number' ? page['nextOffset'] : undefined;
    }
    expect(text).toBe(long);
  });

  it('of several megabytes, which a thread of their own reads, are whole and private all the same', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') });
    const [session, other] = [await gateway(), await gateway()];
    const many = Array.from({ length: 20_000 }, (_, i) => ({ id: i, note: `${i} `.repeat(30) }));
    const content = [{ type: 'text', text: JSON.stringify(many) }];
    const answer = await invoke(session, 'echo__raw', { result: { content, _meta: { a: 1 } } });
    expect(Buffer.byteLength(JSON.stringify(resultOf(answer)))).toBeLessThanOrEqual(65_536);
    expect(resultOf(answer)).toMatchObject({ _meta: { a: 1 } });
    const ref = refOf(answer);
    const read = (more: Record<string, unknown>) => session.call('gateway_get_result', { ref, ...more });
    expect(jsonOf(await read({ offset: 19_999 }))).toMatchObject({ total: 20_000, data: [many[19_999]] });
    expect(jsonOf(await read({ path: '$[12345].id' }))).toMatchObject({ data: 12_345 });
    const wrong = resultOf(await read({ path: '$.nothing' }));
    expect(wrong).toMatchObject({ isError: true, _meta: { 'aitkit/error': { code: 'BAD_ARGUMENT' } } });
    expect(textOf(await other.call('gateway_get_result', { ref }))).toContain('No stored result has this reference');
    // Larger than all that is kept: the model is told to ask for less.
    rig.writeConfig({ echo: fixture('echo.mjs') }, { shield: { maxStoredBytes: 1_500_000 } });
    const bigger = async () => JSON.stringify(await invoke(session, 'echo__big', { bytes: 1_600_000 }));
    await expect.poll(bigger, { timeout: patienceMs }).toContain('too large to be kept');
  });

  it("are private: another session's, a forged and an expired reference get one answer", async () => {
    rig.writeConfig({ echo: fixture('echo.mjs') }, { shield: { keepMs: 1_000 } });
    const [mine, other] = [await gateway(), await gateway()];
    const ref = refOf(await invoke(mine, 'echo__big', { bytes: 200_000 }));
    const read = async (session: typeof mine, key: string) =>
      textOf(await session.call('gateway_get_result', { ref: key }));
    expect(await read(mine, ref)).toContain('"total":200000');
    const stolen = await read(other, ref);
    expect(stolen).toContain('No stored result has this reference');
    expect(await read(mine, 'A'.repeat(22))).toBe(stolen);
    await expect.poll(() => read(mine, ref), { timeout: patienceMs }).toBe(stolen);
  });

  it('outlive the connection of the wrapper, and nothing is left on disk when the session ends', async () => {
    rig.writeConfig({ echo: fixture('echo.mjs', {}, { sharing: 'session' }) });
    const session = await gateway();
    const ref = refOf(await invoke(session, 'echo__big', { bytes: 400_000 }));
    const caches = join(rig.home, '.cache', 'aitkit-mcp-proxy');
    const spilled = join(caches, readdirSync(caches)[0] ?? '', 'results');
    expect(readdirSync(spilled).map((name) => statSync(join(spilled, name)).mode & 0o777)).toEqual([0o600]);
    await displace(rig, await scopeOf(rig, 'echo'));
    expect(textOf(await session.call('gateway_get_result', { ref }))).toContain('"total":400000');
    // The daemon stays: what goes goes for the end of the session.
    await gateway();
    await session.close();
    await expect.poll(() => readdirSync(spilled), { timeout: patienceMs }).toEqual([]);
  });

  it('join the list of "all" where a server asks for it, and only that server is shortened', async () => {
    rig.writeConfig({ cut: fixture('echo.mjs', {}, { shield: true }), whole: fixture('echo.mjs') });
    const session = await rig.open({ name: 'claude-code' });
    const names = await session.toolNames();
    expect(names.filter((name) => name.startsWith('gateway_'))).toEqual(['gateway_get_result']);
    const short = await session.call('cut__big', { bytes: 200_000 });
    expect(textOf(short).length).toBeLessThan(65_536);
    expect(textOf(await session.call('gateway_get_result', { ref: refOf(short) }))).toContain('"total":200000');
    expect(textOf(await session.call('whole__big', { bytes: 200_000 }))).toHaveLength(200_000);
    const alone = await rig.open({ args: ['--server', 'cut'] });
    expect(textOf(await alone.call('big', { bytes: 200_000 }))).toHaveLength(200_000);
  });
});
