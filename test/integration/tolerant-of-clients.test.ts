// What a program may write to us, one row for each of docs/tolerance.md, over a pipe and over HTTP. Breaks when we take less
// than servers made with the official SDKs do.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { errorOf, type McpClient, type Message, resultOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let shared: McpClient;
beforeAll(async () => {
  rig = new DaemonRig();
  rig.writeConfig({ echo: fixture('echo.mjs') });
  shared = await rig.open();
  await shared.toolNames();
});
afterAll(() => rig.dispose());

const done = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const ping = '{"jsonrpc":"2.0","id":9,"method":"ping"}';
const list = '{"jsonrpc":"2.0","id":3,"method":"tools/list"}';
const initialize = (params: Message | undefined): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
const usual: Message = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'odd', version: '1' } };
const hello = (more: Message): string => initialize({ ...usual, ...more });

/** Lines, and the ids that have to be answered with a result. */
const beginnings: Record<string, [string[], number[]]> = {
  'a ping before initialize': [
    [ping, hello({}), done, list],
    [9, 1, 3],
  ],
  'a ping before initialized': [
    [hello({}), ping, done, list],
    [1, 9, 3],
  ],
  'a list before initialized': [
    [hello({}), list],
    [1, 3],
  ],
  'a list before initialize': [[list], [3]],
  'everything at once': [[`${hello({})}\n${done}\n${list}`], [1, 3]],
  'params [] in initialized': [
    [hello({}), done.replace('}', ',"params":[]}'), list],
    [1, 3],
  ],
  'params null in initialized': [
    [hello({}), done.replace('}', ',"params":null}'), list],
    [1, 3],
  ],
  'initialized with id null': [
    [hello({}), done.replace('{', '{"id":null,'), list],
    [1, 3],
  ],
  'clientInfo without version': [
    [hello({ clientInfo: { name: 'odd' } }), done, list],
    [1, 3],
  ],
  'no clientInfo': [
    [hello({ clientInfo: undefined }), done, list],
    [1, 3],
  ],
  'no capabilities': [
    [hello({ capabilities: undefined }), done, list],
    [1, 3],
  ],
  'capabilities null': [
    [hello({ capabilities: null }), done, list],
    [1, 3],
  ],
  'a capability null': [
    [hello({ capabilities: { roots: null } }), done, list],
    [1, 3],
  ],
  'a revision that nobody knows': [
    [hello({ protocolVersion: '2099-01-01' }), done, list],
    [1, 3],
  ],
  'no revision': [
    [hello({ protocolVersion: undefined }), done, list],
    [1, 3],
  ],
  'initialize without params': [
    [initialize(undefined), done, list],
    [1, 3],
  ],
  'initialize twice': [
    [hello({}), done, hello({}).replace('"id":1', '"id":2'), list],
    [1, 2, 3],
  ],
};

describe('a program over a pipe', () => {
  it.each(Object.entries(beginnings))('may begin with %s', async (_row, [lines, ids]) => {
    const client = rig.session();
    for (const line of lines) client.send(line);
    for (const id of ids) expect(resultOf(await client.answer(id))).toBeTypeOf('object');
    await client.close();
  });

  const call = (id: string, params = '"arguments":{"text":"fine"}') =>
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo__echo",${params}}}`;
  it.each([
    ['an id that is a text', call('"a"'), 'a'],
    ['an empty id', call('""'), ''],
    ['the id 0', call('0'), 0],
    ['a negative id', call('-5'), -5],
    ['an id with a fraction', call('1.5'), 1.5],
    ['the id 7.0', call('7.0'), 7],
    ['progressToken null', call('11', '"_meta":{"progressToken":null},"arguments":{"text":"fine"}'), 11],
    ['_meta null', call('12', '"_meta":null,"arguments":{"text":"fine"}'), 12],
    ['_meta []', call('13', '"_meta":[],"arguments":{"text":"fine"}'), 13],
    ['no arguments', call('15', '"x":1'), 15],
    ['spaces around it', `  ${call('16')}\t`, 16],
    ['an end in CRLF', `${call('17')}\r`, 17],
    ['blank lines before it', `\n  \n\r\n${call('18')}`, 18],
    ['a member that nobody knows', call('19').replace('{', '{"extra":1,'), 19],
    ['result null and error null beside a method', call('20').replace('{', '{"result":null,"error":null,'), 20],
    ['half of a character', call('21', '"arguments":{"text":"\\ud83d"}'), 21],
    ['jsonrpc twice', call('22').replace('{', '{"jsonrpc":"2.0",'), 22],
    ['params [] in a list', '{"jsonrpc":"2.0","id":23,"method":"tools/list","params":[]}', 23],
    ['params null in a list', '{"jsonrpc":"2.0","id":24,"method":"tools/list","params":null}', 24],
    ['cursor null', '{"jsonrpc":"2.0","id":25,"method":"tools/list","params":{"cursor":null}}', 25],
    ['an empty cursor', '{"jsonrpc":"2.0","id":26,"method":"tools/list","params":{"cursor":""}}', 26],
    ['a notification that nobody knows before it', `{"jsonrpc":"2.0","method":"notifications/x"}\n${call('27')}`, 27],
    ['an answer to nobody before it', `{"jsonrpc":"2.0","id":99,"result":{}}\n${call('28')}`, 28],
    [
      'an error with id null before it',
      `{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}\n${call('29')}`,
      29,
    ],
    [
      'the cancelling of nothing before it',
      `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}\n${call('30')}`,
      30,
    ],
  ])('may ask with %s', async (_row, line, id) => {
    shared.send(line);
    expect(await shared.answer(id)).toHaveProperty('result');
  });

  it.each([
    ['a method that nobody knows', '{"jsonrpc":"2.0","id":41,"method":"strange/ask"}', 41, -32601],
    [
      'a cursor that is not ours',
      '{"jsonrpc":"2.0","id":42,"method":"tools/list","params":{"cursor":"zz"}}',
      42,
      -32602,
    ],
    ['id null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', null, -32600],
    ['a byte order mark', '\ufeff{"jsonrpc":"2.0","id":46,"method":"ping"}', null, -32700],
    ['no jsonrpc', '{"id":44,"method":"ping"}', 44, -32600],
    ['an id twice', '{"jsonrpc":"2.0","id":1,"id":45,"method":"ping"}', 45, -32600],
  ])('is told why it may not ask with %s', async (_row, line, id, code) => {
    shared.send(line);
    const isIt = (m: Message) => m['id'] === id && 'error' in m && errorOf(m).code === code;
    expect(await shared.find(isIt, 'the error')).toHaveProperty('error');
  });
});
