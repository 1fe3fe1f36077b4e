// What a host, a stranger on the socket or a careless person may do wrong. Nothing of it may reach another session.
import { writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { errorOf, type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let witness: McpClient;
let daemon: number | undefined;
beforeEach(async () => {
  rig = new DaemonRig();
  rig.writeConfig({ echo: fixture('echo.mjs'), verbatim: fixture('verbatim.mjs') });
  witness = await rig.open();
  expect(textOf(await witness.call('echo__echo', { text: 'before' }))).toBe('before');
  [daemon] = rig.daemons();
});
afterEach(async () => {
  try {
    expect(textOf(await witness.call('echo__echo', { text: 'after' }))).toBe('after');
    expect(witness.messages.filter((message) => 'error' in message)).toEqual([]);
    expect(witness.garbage).toEqual([]);
    expect(rig.daemons()).toEqual([daemon]);
    expect(rig.log().filter(({ event }) => event === 'stray-error' || event === 'request.failed')).toEqual([]);
  } finally {
    await rig.dispose();
  }
});

it.each([
  ['text', 'not json', -32700],
  ['half an object', '{"jsonrpc":"2.0","id":1,"method":"tools/list"', -32700],
  ['a control character in a string', '{"jsonrpc":"2.0","id":1,"method":"a\tb"}', -32700],
  ['a number', '17', -32700],
  ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600],
  ['a batch of nothing', '[]', -32600],
  ['neither method nor id', '{"jsonrpc":"2.0"}', -32600],
  ['an id that is an object', '{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}', -32600],
  ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
  ['an id that is true', '{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600],
  [
    'a depth beyond any message',
    `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(100_000)}`,
    -32700,
  ],
])('answers %s with an error and goes on', async (_what, line, code) => {
  const session = await rig.open();
  session.send(line);
  const answer = await session.find((message) => 'error' in message, 'the error');
  expect(errorOf(answer).code).toBe(code);
  expect(textOf(await session.call('echo__echo', { text: 'goes on' }))).toBe('goes on');
});

it('answers each id of a batch: with its result in revision 2025-03-26, with an error in any other', async () => {
  const batch = [
    { jsonrpc: '2.0', id: 'one', method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/progress', params: {} },
    { jsonrpc: '2.0', id: 'two', method: 'tools/call', params: { name: 'echo__echo', arguments: { text: 'hi' } } },
  ];
  const old = await rig.connected();
  const clientInfo = { name: 'old', version: '1' };
  await old.request('initialize', { protocolVersion: '2025-03-26', capabilities: {}, clientInfo });
  const recent = await rig.open();
  for (const session of [old, recent]) session.send(JSON.stringify(batch));
  expect(await old.answer('one')).toMatchObject({ result: {} });
  expect(textOf(await old.answer('two'))).toBe('hi');
  for (const id of ['one', 'two']) expect(errorOf(await recent.answer(id)).code).toBe(-32600);
});

it('takes no notice of lines of blanks, and refuses a cursor that it never gave', async () => {
  const session = await rig.open();
  for (const line of ['', ' ', '\t \r']) session.send(line);
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
    expect(errorOf(await session.request(method, { cursor: 'x' })).code).toBe(-32602);
    expect(await session.request(method, { cursor: '' })).toHaveProperty('result');
  }
  expect(session.messages.filter((message) => message['id'] === null)).toEqual([]);
});

it.each([
  ['another jsonrpc version', '{"jsonrpc":"1.0","id":"bad","method":"ping"}', -32600],
  ['a method that is a number', '{"jsonrpc":"2.0","id":"bad","method":5}', -32600],
  ['params that are a list', '{"jsonrpc":"2.0","id":"bad","method":"ping","params":[1]}', -32600],
  ['an envelope member twice', '{"jsonrpc":"2.0","id":"bad","method":"ping","method":"tools/list"}', -32600],
  ['an unknown method', '{"jsonrpc":"2.0","id":"bad","method":"no/such"}', -32601],
  ['a method of the link', '{"jsonrpc":"2.0","id":"bad","method":"aitkit/drain"}', -32601],
  ['server/discover', '{"jsonrpc":"2.0","id":"bad","method":"server/discover"}', -32601],
  ['a call without a name', '{"jsonrpc":"2.0","id":"bad","method":"tools/call","params":{}}', -32602],
  [
    'a call of an unknown tool',
    '{"jsonrpc":"2.0","id":"bad","method":"tools/call","params":{"name":"echo__nope"}}',
    -32602,
  ],
  [
    'a call of an unknown server',
    '{"jsonrpc":"2.0","id":"bad","method":"tools/call","params":{"name":"nope__echo"}}',
    -32602,
  ],
  ['an unknown resource', '{"jsonrpc":"2.0","id":"bad","method":"resources/read","params":{}}', -32602],
  [
    'an unknown log level',
    '{"jsonrpc":"2.0","id":"bad","method":"logging/setLevel","params":{"level":"loud"}}',
    -32602,
  ],
])('names what is wrong with %s, under its id', async (_what, line, code) => {
  const session = await rig.open();
  session.send(line);
  const { message, ...error } = errorOf(await session.answer('bad'));
  expect(error.code).toBe(code);
  expect(message.length).toBeGreaterThan(10);
  expect(textOf(await session.call('echo__echo', { text: 'goes on' }))).toBe('goes on');
});

it('repeats ids of every type byte for byte', async () => {
  const session = await rig.open();
  const ids = [
    '0',
    '-1',
    '1.5',
    '1e3',
    '9007199254740993',
    '-12345678901234567890123',
    '""',
    '"a\\"b\\\\"',
    '"\\u0041\\ud83d\\ude00"',
    '"1"',
    '1',
  ];
  const params = JSON.stringify({ name: 'echo__slow', arguments: { until: join(rig.home, 'all') } });
  for (const id of ids) session.send(`{"id": ${id} ,"method":"tools/call","jsonrpc":"2.0","params":${params}}`);
  await rig.statusUntil(
    ({ servers }) => servers.some(({ instances }) => instances.some(({ inFlight }) => inFlight === ids.length)),
    'all calls to run',
  );
  writeFileSync(join(rig.home, 'all'), '');
  for (const id of ids) {
    const line = await session.line(
      (text) => text.includes(`"id":${id},`) || text.includes(`"id":${id}}`),
      `the answer to ${id}`,
    );
    expect(line).toContain('"done"');
  }
});

it.each(['null', '[]'])('takes params that are %s for none', async (params) => {
  const session = rig.session();
  const clientInfo = { name: 'lenient', version: '1' };
  await session.request('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
  session.send(`{"jsonrpc":"2.0","method":"notifications/initialized","params":${params}}`);
  session.send(`{"jsonrpc":"2.0","id":"ping","method":"ping","params":${params}}`);
  session.send(`{"jsonrpc":"2.0","id":"list","method":"tools/list","params":${params}}`);
  expect(resultOf(await session.answer('ping'))).toEqual({});
  expect(resultOf(await session.answer('list'))).toHaveProperty('tools');
});

it('cancels a call whatever the spelling of its id, and answers it no more', async () => {
  const session = await rig.open();
  const params = '{"name":"echo__slow","arguments":{"forever":true}}';
  session.send(`{"jsonrpc":"2.0","id":7.0,"method":"tools/call","params":${params}}`);
  await rig.statusUntil(
    (status) => status.servers.some(({ instances }) => instances.some(({ inFlight }) => inFlight > 0)),
    'the call to run',
  );
  session.send('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}');
  await rig.statusUntil(
    (status) => status.servers.every(({ instances }) => instances.every(({ inFlight }) => inFlight === 0)),
    'the call to end',
  );
  // Free again.
  session.send(`{"jsonrpc":"2.0","id":7e0,"method":"ping"}`);
  await session.line((text) => text === '{"jsonrpc":"2.0","id":7e0,"result":{}}', 'the answer');
});

it('refuses an id that is still in use, and answers the first under it', async () => {
  const session = await rig.open();
  const until = join(rig.home, 'refused');
  const call = (text: string) =>
    session.send({
      jsonrpc: '2.0',
      id: 7,
      method: 'tools/call',
      params: { name: 'echo__slow', arguments: { text, until } },
    });
  call('first');
  call('second');
  await session.until(() => session.messages.find(({ id }) => id === 7), 'the refusal');
  writeFileSync(until, '');
  await session.until(() => (session.messages.filter(({ id }) => id === 7).length === 2 ? true : undefined), 'both');
  const [refused, answered] = session.messages.filter(({ id }) => id === 7);
  expect(errorOf(refused ?? {}).code).toBe(-32600);
  expect(textOf(answered ?? {})).toBe('first');
  call('again');
  const third = await session.until(() => session.messages.filter(({ id }) => id === 7)[2], 'the third');
  expect(textOf(third)).toBe('again');
});

it('passes numbers, spellings and unknown members through byte for byte, both ways', async () => {
  const session = await rig.open();
  const args = `{"m":"<<\\u00e9 \\/ 12345678901234567890 >>","n":[12345678901234567890, 1.50,1E400,-0.0],"d":{"k":1,"k":2}}`;
  const params = `{ "x-unknown":[ 1.0 ],"name":"verbatim__same", "arguments":${args} ,"_meta":{"x/y":9007199254740993}}`;
  session.send(`{"jsonrpc":"2.0","id":77,"method":"tools/call","params":${params}}`);
  const line = await session.line((text) => text.includes('"id":77'), 'the answer');
  expect(line).toContain('"n":[12345678901234567890,1.50,1E2,-0],"s":"\\u0041\\/","x":{"a":1,"a":2}');
  expect(line).toContain('"x-envelope" : [1.0]');
  expect(line).toContain('"args":"<<\\u00e9 \\/ 12345678901234567890 >>"');
  // As the server saw it: only the id and the name differ.
  const seen = String(resultOf(await session.answer(77))['seen']);
  expect(seen).toContain(params.replace('"verbatim__same"', '"same"'));

  session.send('{"jsonrpc":"2.0","id":78,"method":"tools/list"}');
  const list = await session.line((text) => text.includes('"id":78'), 'the list');
  expect(list).toContain('"inputSchema":{"type":"object","maximum":1e400},"x-n":1.50,"x-big":12345678901234567890}');
});

it('carries lines of ten megabytes both ways while another session is served', async () => {
  const session = await rig.open();
  const bytes = 10_000_000;
  const text = 'ä"\\n'.repeat(bytes / 5);
  const [echoed, made, ...small] = await Promise.all([
    session.call('echo__echo', { text }),
    session.call('echo__big', { bytes }),
    ...Array.from({ length: 20 }, (_, i) => witness.call('echo__echo', { text: `small ${i}` })),
  ]);
  expect(textOf(echoed) === text).toBe(true);
  expect(textOf(made)).toHaveLength(bytes);
  expect(small.map(textOf)).toEqual(Array.from({ length: 20 }, (_, i) => `small ${i}`));
});

it('ends a session with half a line, and only that one', async () => {
  const session = await rig.open();
  session.child.stdin?.end('{"jsonrpc":"2.0","id":1,"method":"tools/ca');
  expect((await session.exited).code).toBe(0);
  await rig.statusUntil((status) => status.sessions.length === 1, 'the session to be gone');
});

it('still answers what was asked before the end of input', async () => {
  const session = rig.session();
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'pipe', version: '1' } };
  session.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const until = join(rig.home, 'ended');
  session.send({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo__slow', arguments: { until } } });
  session.child.stdin?.end();
  await rig.statusUntil(
    ({ servers }) => servers.some(({ instances }) => instances.some(({ inFlight }) => inFlight === 1)),
    'the call to run',
  );
  writeFileSync(until, '');
  await session.close();
  expect(textOf(await session.answer(2))).toBe('done');
});

it.each([
  ['noise', Buffer.from([0, 1, 2, 255, 10, 10])],
  ['a hello that is none', Buffer.from('{"jsonrpc":"2.0","id":"hello","method":"aitkit/hello","params":{}}\n')],
  ['half a hello', Buffer.from('{"jsonrpc":"2.0","id":"hello"')],
  ['a hello without end', Buffer.alloc(2_000_000, '{')],
  ['half a request', Buffer.from('GET /status HTTP/1.1\r\nHos')],
  ['a request of another kind', Buffer.from('CONNECT a:1 HTTP/1.1\r\n\r\n')],
])('survives a stranger on the socket who sends %s', async (_what, bytes) => {
  const socket = createConnection(rig.locations.socketPath);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  await new Promise((resolve) => socket.write(bytes, resolve));
  socket.destroy();
  const status = await rig.status();
  expect(status.sessions).toHaveLength(1);
});

it('keeps the last good config while the file is broken, says so, and takes the repaired one', async () => {
  const session = await rig.open();
  await session.toolNames();
  rig.writeConfigText('{ "mcpServers": { "echo": ');
  const broken = await rig.statusUntil(({ config }) => config.error !== undefined, 'the error');
  expect(broken.config.error?.message).toContain('mcp_proxy_config.json');
  expect(broken.problems).toHaveLength(1);
  expect(await session.toolNames()).toContain('echo__echo');
  expect(session.notifications('notifications/tools/list_changed')).toEqual([]);

  rig.writeConfig({ echo: { command: 5 }, verbatim: fixture('verbatim.mjs'), other: fixture('echo.mjs') });
  const invalid = await rig.statusUntil(
    ({ problems }) => problems.length === 1 && JSON.stringify(problems).includes('echo'),
    'the entry',
  );
  expect(invalid.config.error).toBeUndefined();
  expect(textOf(await session.call('echo__echo', { text: 'last good form' }))).toBe('last good form');

  rig.writeConfig({ echo: fixture('echo.mjs'), verbatim: fixture('verbatim.mjs') });
  await rig.statusUntil(({ problems }) => problems.length === 0, 'the repaired config');
});
