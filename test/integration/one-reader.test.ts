// One line given to the wrapper's relay and, past it, to a daemon: what one refuses the other refuses in the same words,
// and what one takes the other takes. Breaks when one of them reads messages in a way of its own.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRecord } from '../../src/base/guards.ts';
import { Relay } from '../../src/wrapper/relay.ts';
import { SessionMemory } from '../../src/wrapper/session-memory.ts';
import { Waiting } from '../../src/wrapper/waiting.ts';
import { DaemonRig } from '../support/daemon-rig.ts';
import { LinkSession } from '../support/link-session.ts';

const nothing = () => {};

/** A relay whose daemon is there; `line` is what a host wrote, `asked` what a server had asked it before. */
function throughRelay(line: string, asked?: string): { passed: string[]; refused: string[] } {
  const passed: string[] = [];
  const refused: string[] = [];
  const write = (text: Uint8Array | string) => void refused.push(Buffer.from(text).toString('utf8'));
  const memory = new SessionMemory();
  const face = () => ({ facesDir: '/', projectDir: '/', home: '/', server: undefined, mode: undefined });
  const waiting = new Waiting({ memory, face, write, now: () => 0, reason: () => undefined, isHopeless: () => false });
  const send = (text: Uint8Array | string) => passed.push(Buffer.from(text).toString('utf8')) > 0;
  const relay = new Relay({
    daemon: { state: 'ready', attempt: 1, send, wake: nothing, drain: nothing },
    ...{ memory, waiting, write, maxLineBytes: 1_000_000, wantedValues: () => ({}) },
    ...{ pauseHost: nothing, resumeHost: nothing, warn: nothing, onSettled: nothing },
  });
  if (asked !== undefined) relay.onDaemonLine(Buffer.from(asked));
  refused.length = 0;
  relay.onHostLine(Buffer.from(line));
  return { passed, refused };
}

let rig: DaemonRig;
let daemon: LinkSession;
beforeAll(async () => {
  rig = new DaemonRig();
  rig.writeConfig({});
  await rig.open();
  daemon = await LinkSession.open(rig.locations.socketPath, rig.project('other'));
});
afterAll(async () => {
  daemon.close();
  await rig.dispose();
});

const envelopeCodes: unknown[] = [-32700, -32600];

function isRefusal(line: string): boolean {
  const message: unknown = JSON.parse(line);
  return isRecord(message) && isRecord(message['error']) && envelopeCodes.includes(message['error']['code']);
}

async function compare(line: string): Promise<{ refused: string[]; answered: string[] }> {
  const { passed, refused } = throughRelay(line);
  const answered = await daemon.sendRaw(line);
  expect(refused, line).toEqual(answered.filter(isRefusal));
  // A host's answer goes to whoever asked, and nobody did.
  const isAnswer = /"(?:result|error)"/.test(line) && !/"m(?:e|\\u0065)thod"/.test(line);
  expect(passed, line).toEqual(refused.length > 0 || isAnswer ? [] : [line]);
  return { refused, answered };
}

const v = '"jsonrpc":"2.0"';

describe('both sides', () => {
  it.each([
    '1',
    '1.0',
    '7.0',
    '1e0',
    '-0',
    '1.50',
    '9007199254740993',
    '123456789012345678901234567890',
    '1e400',
    '"a"',
    '"\\u0061"',
    '""',
  ])('answer a request under the id %s as it is written', async (id) => {
    for (const params of ['', ',"params":{}', ',"params":null', ',"params":[]', ',"params": [ ] ']) {
      const { answered } = await compare(`{${v},"id": ${id} ,"method":"ping"${params}}`);
      expect(answered).toEqual([`{"jsonrpc":"2.0","id":${id},"result":{}}`]);
    }
  });

  it.each([
    ['an id that is null', `{${v},"id":null,"method":"ping"}`, 'null', '"id" must be a string or a number'],
    ['an id that is true', `{${v},"id":true,"method":"ping"}`, 'null', '"id" must be a string or a number'],
    ['an id that is an object', `{${v},"id":{},"method":"ping"}`, 'null', '"id" must be a string or a number'],
    ['an id that is a list', `{${v},"id":[1],"method":"ping"}`, 'null', '"id" must be a string or a number'],
    ['a list of params', `{${v},"id":7.0,"method":"ping","params":[1]}`, '7.0', '"params" must be an object'],
    ['params that are a number', `{${v},"id":1,"method":"ping","params":1}`, '1', '"params" must be an object'],
    ['a notification with such', `{${v},"method":"notifications/x","params":1}`, 'null', '"params" must be an object'],
    ['no jsonrpc', '{"id":1,"method":"ping"}', '1', '"jsonrpc" must be "2.0"'],
    ['another jsonrpc', '{"jsonrpc":"1.0","id":1,"method":"ping"}', '1', '"jsonrpc" must be "2.0"'],
    ['jsonrpc as a number', '{"jsonrpc":2.0,"id":1,"method":"ping"}', '1', '"jsonrpc" must be "2.0"'],
    ['an id twice', `{${v},"id":1,"id":2,"method":"ping"}`, '2', 'an envelope member occurs twice'],
    ['a method twice', `{${v},"id":1,"method":"a","method":"b"}`, '1', 'an envelope member occurs twice'],
    ['a key twice by escapes', `{${v},"id":1,"method":"a","m\\u0065thod":"b"}`, '1', 'an envelope member occurs twice'],
    ['a method that is a number', `{${v},"id":1,"method":5}`, '1', '"method" must be a string'],
    ['neither method nor answer', `{${v},"id":1}`, '1', 'neither a request nor a response'],
    ['nothing', '{}', 'null', '"jsonrpc" must be "2.0"'],
    ['an answer of another version', '{"id":5,"result":{}}', 'null', '"jsonrpc" must be "2.0"'],
    ['a batch of nothing', ' [ ]', 'null', 'an empty batch'],
  ])('refuse %s', async (_what, line, id, reason) => {
    const { refused } = await compare(line);
    const message = `Invalid message: ${reason}.`;
    expect(refused).toEqual([`{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code: -32600, message })}}`]);
  });

  it.each([
    'text',
    '17',
    '"text"',
    '[1',
    '[1] x',
    '[1,]',
    `{${v},"id":01,"method":"a"}`,
    `{${v},"id":1`,
    '\u0000',
  ])('say of %s that it is no message', async (line) => {
    const { refused } = await compare(line);
    expect(refused).toHaveLength(1);
    expect(JSON.parse(refused[0] ?? '')).toMatchObject({ id: null, error: { code: -32700 } });
  });

  it.each([
    `{${v},"method":"notifications/initialized"}`,
    `{${v},"method":"notifications/initialized","params":null}`,
    `{${v},"method":"notifications/initialized","params":[]}`,
    `{${v},"id":"x","result":{}}`,
    `{${v},"id":1,"error":{"code":1,"message":"m"}}`,
    `{"jsonrp\\u0063":"2.\\u0030","method":"notifications/x"}`,
  ])('say nothing to %s', async (line) => {
    expect(await compare(line)).toEqual({ refused: [], answered: [] });
  });

  it('agree on whatever else a line may be', async () => {
    const ids = fc.constantFrom(
      '1',
      '7.0',
      '-0',
      '1e0',
      '"a"',
      '"\\u0061"',
      'null',
      'true',
      '{}',
      '[]',
      '12345678901234567890',
    );
    const value = fc.constantFrom('null', '[]', '{}', '1', '[1]', '{"a":[]}', '"x"', 'tru', '');
    const member = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(v, v, '"jsonrpc":"1.0"', '"jsonrpc":2') },
      { weight: 4, arbitrary: ids.map((id) => `"id":${id}`) },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          '"method":"ping"',
          '"method":"notifications/x"',
          '"method":1',
          '"m\\u0065thod":"ping"',
        ),
      },
      { weight: 2, arbitrary: value.map((text) => `"params":${text}`) },
      fc.tuple(fc.constantFrom('result', 'error', 'other'), value).map(([key, text]) => `"${key}":${text}`),
    );
    const line = fc.array(member, { maxLength: 6 }).map((members) => `{${members.join(',')}}`);
    const whole = fc.uniqueArray(member, { minLength: 2, maxLength: 5, selector: (text) => text.split(':')[0] });
    const lines = fc.oneof(
      line,
      whole.map((members) => `{${v},${members.join(' , ')} }`),
      fc.json(),
    );
    const isOne = (text: string) => !/^\s*\[/.test(text) && !text.includes('aitkit/');
    await fc.assert(
      fc.asyncProperty(lines.filter(isOne), async (text) => void (await compare(text))),
      { numRuns: 500 },
    );
  });
});

it('tells a server whose question was answered by no message that its answer has come to nothing', () => {
  const { passed, refused } = throughRelay('{"id":7.0,"result":{}}', `{${v},"id":7,"method":"roots/list"}`);
  expect(passed.map((line) => JSON.parse(line))).toEqual([
    { jsonrpc: '2.0', id: 7, error: { code: -32600, message: expect.stringContaining('"jsonrpc"') } },
  ]);
  expect(refused.map((line) => JSON.parse(line).id)).toEqual([null]);
});

describe('a batch', () => {
  const batch = `[{${v},"id":1,"method":"ping"}, {"id":2.0,"method":"ping"},{${v},"method":"n"},3]`;
  const ids = (lines: readonly string[]) => lines.map((line) => /"id":([^,]+)/.exec(line)?.[1]);

  it('is refused for each id that waits, and by the daemon as a whole', async () => {
    const { passed, refused } = throughRelay(batch);
    expect({ passed, ids: ids(refused) }).toEqual({ passed: [], ids: ['1', '2.0', 'null'] });
    expect(ids(await daemon.sendRaw(batch))).toEqual(['null']);
  });

  it('is answered under no id of its answers, under which its host may wait itself', () => {
    expect(throughRelay(`[{"id":1,"result":{}},{${v},"id":2,"result":{}}]`)).toEqual({ passed: [], refused: [] });
  });

  it('is refused once where it has no end', () => {
    expect(ids(throughRelay(`[${'1,'.repeat(50_000)}1]`).refused)).toEqual(['null']);
  });
});
