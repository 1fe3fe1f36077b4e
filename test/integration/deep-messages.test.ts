// Depth that recursive readers do not survive, and answers that are no messages: nothing may wait for ever for them.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture } from '../support/daemon-rig.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
beforeEach(() => {
  rig = new DaemonRig();
  rig.writeConfig({ raw: fixture('raw-lines.mjs'), echo: fixture('echo.mjs') });
});
afterEach(async () => {
  try {
    const witness = await rig.open();
    expect(textOf(await witness.call('echo__echo', { text: 'after' }))).toBe('after');
    expect(rig.daemons()).toHaveLength(1);
    expect(rig.log().filter(({ event }) => event === 'stray-error' || event === 'request.failed')).toEqual([]);
  } finally {
    await rig.dispose();
  }
});

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** A line, because no recursive writer makes one that deep. */
async function callRaw(session: McpClient, id: number, name: string, args: string): Promise<string> {
  session.send(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":${args}}}`);
  return session.line((text) => text.includes(`"id":${id},`) || text.endsWith(`"id":${id}}`), `answer ${id}`);
}

it.each([1_000, 20_000, 200_000])('passes an answer on that is nested %i deep, as it came', async (depth) => {
  const session = await rig.open();
  const first = await callRaw(session, 71, 'raw__deep', `{"depth":${depth}}`);
  expect(first.includes(`"structuredContent":${nested(depth)}`)).toBe(true);
  const last = await callRaw(session, 72, 'raw__deep', `{"depth":${depth},"last":true}`);
  expect(last.includes(`"structuredContent":${nested(depth)}`)).toBe(true);
});

it.each(['dynamic', 'gateway'])('answers with what fits of it in mode %s', async (mode) => {
  const session = await rig.open({ args: ['--mode', mode] });
  await session.call(mode === 'dynamic' ? 'retrieve_tools' : 'gateway_search', { query: 'raw deep' });
  for (const [at, depth] of [900, 5_000, 200_000].entries()) {
    const args = `{"depth":${depth}}`;
    const line =
      mode === 'dynamic'
        ? await callRaw(session, 80 + at, 'raw__deep', args)
        : await callRaw(session, 80 + at, 'gateway_invoke', `{"id":"raw__deep","args":${args}}`);
    expect(line).toContain('deep');
    expect(line.length).toBeLessThan(66_000);
  }
});

it.each(['all', 'gateway'])('answers a request whose arguments are that deep in mode %s, and goes on', async (mode) => {
  const session = await rig.open({ args: ['--mode', mode] });
  if (mode === 'gateway') await session.call('gateway_search', { query: 'raw deep' });
  for (const [at, depth] of [900, 5_000, 200_000].entries()) {
    const deep = `{"d":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const line =
      mode === 'all'
        ? await callRaw(session, 90 + at, 'raw__deep', deep)
        : await callRaw(session, 90 + at, 'gateway_invoke', `{"id":"raw__deep","args":${deep}}`);
    expect(line).toContain(`arguments ${depth} deep`);
  }
});

it.each([
  ['a value that is no JSON', '{"jsonrpc":"2.0","id":ID,"result":{"content":[],"n":NaN}}'],
  ['its id behind what is no JSON', `{"jsonrpc":"2.0","result":{"x":NaN,"pad":"${'x'.repeat(9_000)}"},"id":ID}`],
  ['no version', '{"id":ID,"result":{"content":[]}}'],
  ['neither result nor error', '{"jsonrpc":"2.0","id":ID}'],
])('fails the call that is answered with %s, and says so in the log', async (_what, line) => {
  const session = await rig.open();
  const { isError, _meta } = resultOf(await session.call('raw__raw', { line }));
  expect(isError).toBe(true);
  expect(JSON.stringify(_meta)).toContain('MESSAGE_INVALID');
  expect(rig.log().filter(({ event }) => event === 'server.message-refused')).toMatchObject([
    { level: 'warn', server: 'raw', soFar: 1 },
  ]);
});
