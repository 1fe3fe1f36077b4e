// What a server behind a pipe may write, one row for each of docs/tolerance.md: taken, or refused with its words. Breaks when
// we take less than the official clients do.
import { describe, expect, it } from 'vitest';
import { textAt } from '../../../src/base/json-scan.ts';
import { LineSplitter } from '../../../src/base/line-splitter.ts';
import { openSlot, type SlotEvents } from '../../../src/upstream/slot.ts';
import { handOut } from '../../../src/upstream/transports/message-lines.ts';

type Params = Record<string, unknown>;
type Server = {
  /** Before its first line. */
  first?: string;
  every?: (id: number, result: unknown) => string | Buffer;
  /** What it writes to initialize, and to a call. */
  hello?: (id: number, params: Params) => string;
  call?: (id: number) => string | Buffer;
  /** It answers initialize after the answer to this. */
  asksFirst?: string;
};

const json = JSON.stringify;
const fine = { content: [{ type: 'text', text: 'fine' }] };
const answer = (id: unknown, result: unknown) => json({ jsonrpc: '2.0', id, result });
const says = (more: Params): Pick<Server, 'call'> => ({
  call: (id) => `${json({ jsonrpc: '2.0', ...more })}\n${answer(id, fine)}`,
});
const result = (value: unknown): Pick<Server, 'call'> => ({ call: (id) => answer(id, value) });
const failure = (members: Params): Pick<Server, 'call'> => ({ call: (id) => json({ jsonrpc: '2.0', id, ...members }) });
const intro = (protocolVersion: unknown) => ({
  ...{ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'odd', version: '1' } },
});
const hello = (more: Params): Pick<Server, 'hello'> => ({
  hello: (id, params) => answer(id, { ...intro(params['protocolVersion']), ...more }),
});

/** Opens it as a copy is opened and calls it once: the text of what came back, and what it said besides. */
async function meet(server: Server): Promise<{ said: string; heard: string[]; sent: string[] }> {
  const [heard, sent]: [string[], string[]] = [[], []];
  const events: SlotEvents = {
    onServerRequest: (_slot, { method }) => void heard.push(method),
    onNotification: (_slot, { method }) => void heard.push(method),
    onRefused: () => {},
    onExit: () => {},
  };
  let first = server.first ?? '';
  const slot = await openSlot({
    ...{
      server: 'odd',
      owner: undefined,
      capabilities: {},
      limitMs: 60_000,
      events,
      signal: new AbortController().signal,
    },
    stderr: { write: () => {}, note: () => {}, begin: () => {}, tail: () => '' },
    open: async (transport) => {
      const splitter = new LineSplitter({
        maxLineBytes: 1_000_000,
        onLine: (line) => void handOut(line, transport),
        onOversize: () => {},
      });
      const write = (text: string | Buffer) => {
        const bytes = Buffer.concat([Buffer.from(first), Buffer.from(text), Buffer.from('\n')]);
        first = '';
        // In two chunks, of one buffer that is used again.
        const half = bytes.length >> 1;
        const room = Buffer.alloc(bytes.length);
        for (const part of [bytes.subarray(0, half), bytes.subarray(half)]) {
          part.copy(room);
          splitter.push(room.subarray(0, part.length));
          setImmediate(() => room.fill(0x20));
        }
      };
      const every = server.every ?? answer;
      let waiting: (() => void) | undefined;
      const take = ({ id, method, params }: { id?: number; method?: string; params: Params }) => {
        if (method === undefined) return waiting?.();
        if (id === undefined) return;
        const reply = () => {
          if (method === 'initialize')
            return write(server.hello?.(id, params) ?? every(id, intro(params['protocolVersion'])));
          write(method === 'tools/call' && server.call ? server.call(id) : every(id, fine));
        };
        if (method !== 'initialize' || !server.asksFirst) return reply();
        waiting = reply;
        write(server.asksFirst);
      };
      return {
        send: async (line) => {
          sent.push(line.toString());
          const message: Parameters<typeof take>[0] = JSON.parse(line.toString());
          queueMicrotask(() => take(message));
        },
        close: async () => {},
        pause: () => {},
        resume: () => {},
      };
    },
  });
  const reply = await slot.channel.ask('tools/call', { name: 'x' });
  const at = reply.error ?? reply.result;
  const said = at ? textAt(reply.line, at) : '';
  await new Promise((resolve) => setImmediate(resolve));
  return { said, heard, sent };
}

const taken: Record<string, Server> = {
  'an answer whose id is a text': { every: (id, value) => answer(String(id), value) },
  'an answer whose id is 3.0': { every: (id, value) => `{"jsonrpc":"2.0","id":${id}.0,"result":${json(value)}}` },
  'a byte order mark before the first line': { first: '\ufeff' },
  'a byte order mark before each line': { every: (id, value) => `\ufeff${answer(id, value)}` },
  'blank lines': { every: (id, value) => `\n  \n${answer(id, value)}\n\r` },
  'lines that end in CRLF': { every: (id, value) => `${answer(id, value)}\r` },
  'spaces around a message': { every: (id, value) => `  ${answer(id, value)}\t` },
  'a ping before the answer to initialize': { asksFirst: '{"jsonrpc":"2.0","id":77,"method":"ping"}' },
  'capabilities absent': hello({ capabilities: undefined }),
  'capabilities null': hello({ capabilities: null }),
  'a capability null': hello({ capabilities: { tools: null } }),
  'serverInfo.version absent': hello({ serverInfo: { name: 'odd' } }),
  'serverInfo absent': hello({ serverInfo: undefined }),
  'revision 2024-10-07': hello({ protocolVersion: '2024-10-07' }),
  'instructions null': hello({ instructions: null }),
  'an error with id null': says({ id: null, error: { code: -32000, message: 'x' } }),
  'an answer to nobody': says({ id: 4_711, result: {} }),
  'an answer given twice': { call: (id) => `${answer(id, fine)}\n${answer(id, fine)}` },
  'an envelope member that nobody knows': {
    every: (id, value) => json({ jsonrpc: '2.0', id, result: value, extra: 1 }),
  },
  'error null beside a result': { every: (id, value) => json({ jsonrpc: '2.0', id, result: value, error: null }) },
  'method null in an answer': { every: (id, value) => json({ jsonrpc: '2.0', id, result: value, method: null }) },
  'an answer in an array': { every: (id, value) => `[${answer(id, value)}]` },
  'jsonrpc twice': { every: (id, value) => `{"jsonrpc":"2.0","jsonrpc":"2.0","id":${id},"result":${json(value)}}` },
  'params [] in a notification': says({ method: 'notifications/tools/list_changed', params: [] }),
  'params null in a notification': says({ method: 'notifications/tools/list_changed', params: null }),
  'progress for null': says({ method: 'notifications/progress', params: { progressToken: null, progress: 1 } }),
  'progress for nobody': says({ method: 'notifications/progress', params: { progress: 1 } }),
  'a notification that nobody knows': says({ method: 'notifications/strange', params: { a: 1 } }),
  'a request that nobody knows': says({ id: 'q', method: 'strange/ask', params: {} }),
  'a line that is no JSON': { call: (id) => `Hello there\n${answer(id, fine)}` },
  'a line that is other JSON': { call: (id) => `42\n"x"\n{"level":"info"}\n${answer(id, fine)}` },
};

const asItIs: Record<string, [Server, string]> = {
  'content absent': [result({}), '{}'],
  'content null': [result({ content: null }), '{"content":null}'],
  'isError null': [result({ ...fine, isError: null }), json({ ...fine, isError: null })],
  '_meta null': [result({ ...fine, _meta: null }), json({ ...fine, _meta: null })],
  'structuredContent null': [result({ ...fine, structuredContent: null }), json({ ...fine, structuredContent: null })],
  'content of a type that nobody knows': [
    result({ content: [{ type: 'strange' }] }),
    '{"content":[{"type":"strange"}]}',
  ],
  'a result that is null': [result(null), 'null'],
  'a result that is a text': [result('fine'), '"fine"'],
  'an error without message': [failure({ error: { code: -32000 } }), '{"code":-32000}'],
  'an error whose code is a text': [failure({ error: { code: '1', message: 'no' } }), '{"code":"1","message":"no"}'],
  'a result and an error': [failure({ result: fine, error: { code: 1, message: 'no' } }), '{"code":1,"message":"no"}'],
  'result null beside an error': [
    failure({ result: null, error: { code: 1, message: 'no' } }),
    '{"code":1,"message":"no"}',
  ],
  'half of a character': [
    { call: (id) => `{"jsonrpc":"2.0","id":${id},"result":{"content":"\\ud83d"}}` },
    '{"content":"\\ud83d"}',
  ],
};

const refused: Record<string, [Server, RegExp]> = {
  'a revision that nobody knows': [hello({ protocolVersion: '2099-01-01' }), /speaks MCP 2099-01-01/],
  'no revision': [hello({ protocolVersion: undefined }), /no InitializeResult/],
  'jsonrpc absent': [{ every: (id, value) => json({ id, result: value }) }, /"jsonrpc" must be "2.0"/],
  'jsonrpc 1.0': [{ every: (id, value) => json({ jsonrpc: '1.0', id, result: value }) }, /"jsonrpc" must be "2.0"/],
  'id twice': [
    { every: (id, value) => `{"jsonrpc":"2.0","id":99,"id":${id},"result":${json(value)}}` },
    /occurs twice/,
  ],
};

describe('a server over a pipe', () => {
  it.each(Object.entries(taken))('is heard: %s', async (_row, server) => {
    expect((await meet(server)).said).toBe(json(fine));
  });

  it.each(Object.entries(asItIs))('is passed on as it is: %s', async (_row, [server, text]) => {
    expect((await meet(server)).said).toBe(text);
  });

  it.each(Object.entries(refused))('is refused with a reason: %s', async (_row, [server, reason]) => {
    await expect(meet(server)).rejects.toThrow(reason);
  });

  it('has its ping answered before it answers us, and is heard in full when it has', async () => {
    const early = [
      '{"jsonrpc":"2.0","method":"notifications/message","params":{}}',
      '{"jsonrpc":"2.0","id":"r","method":"roots/list"}',
    ];
    const { sent, heard } = await meet({
      hello: (id, params) => [...early, answer(id, intro(params['protocolVersion']))].join('\n'),
    });
    expect(heard).toEqual(['notifications/message', 'roots/list']);
    expect(sent.filter((line) => line.includes('"error"'))).toEqual([]);
    const { sent: answers } = await meet({ asksFirst: '{"jsonrpc":"2.0","id":77,"method":"ping"}' });
    expect(answers[1]).toBe('{"jsonrpc":"2.0","id":77,"result":{}}');
  });

  it('holds no more of what it says before than a megabyte', async () => {
    const line = (name: string, text = '') => json({ jsonrpc: '2.0', method: name, params: { data: text } });
    const early = [line('a', 'x'.repeat(900_000)), line('b', 'x'.repeat(900_000)), line('c')];
    const { heard } = await meet({
      hello: (id, params) => [...early, answer(id, intro(params['protocolVersion']))].join('\n'),
    });
    expect(heard).toEqual(['a', 'c']);
  });
});
