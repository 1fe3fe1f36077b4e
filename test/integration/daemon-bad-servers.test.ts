// Servers that behave badly beside one that behaves well: whoever calls them is told why, nobody else notices.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonRig, fixture, type ServerConfig } from '../support/daemon-rig.ts';
import { eventually } from '../support/eventually.ts';
import { errorData } from '../support/fault-rig.ts';
import { type McpClient, resultOf, textOf } from '../support/mcp-client.ts';

let rig: DaemonRig;
let witness: McpClient;
beforeEach(() => {
  rig = new DaemonRig();
});
afterEach(async () => {
  try {
    expect(textOf(await witness.call('good__echo', { text: 'after' }))).toBe('after');
    expect(witness.garbage).toEqual([]);
    expect(rig.daemons()).toHaveLength(1);
    expect(rig.log().filter(({ event }) => event === 'stray-error' || event === 'request.failed')).toEqual([]);
  } finally {
    await rig.dispose();
  }
});

/** A session that sees the bad server, and the witness that sees both. */
async function beside(bad: ServerConfig, more?: Record<string, unknown>): Promise<McpClient> {
  rig.writeConfig({ good: fixture('echo.mjs'), bad }, more);
  witness = await rig.open();
  expect(textOf(await witness.call('good__echo', { text: 'before' }))).toBe('before');
  return rig.open();
}

function failure(answer: Record<string, unknown>): { text: string; code: unknown } {
  const { isError, _meta } = resultOf(answer);
  expect(isError).toBe(true);
  return { text: textOf(answer), code: JSON.parse(JSON.stringify(_meta))['aitkit/error'].code };
}

it('does not mind text on stdout that is no message', async () => {
  const session = await beside(fixture('garbage.mjs'));
  expect(textOf(await session.call('bad__echo', { text: 'through' }))).toBe('through');
  const log = readFileSync(join(rig.locations.serverLogsDir, 'bad.log'), 'utf8');
  expect(log).toContain('DEBUG about to answer');
});

it('gives each call one answer of a server that answers twice and answers what nobody asked', async () => {
  const session = await beside(fixture('answers-twice.mjs'));
  for (let i = 0; i < 5; i += 1) {
    session.send({
      jsonrpc: '2.0',
      id: i,
      method: 'tools/call',
      params: { name: 'bad__echo', arguments: { text: `${i}` } },
    });
  }
  for (let i = 0; i < 5; i += 1) expect(textOf(await session.answer(i))).toBe(`${i}`);
  await session.call('bad__echo', { text: 'later' });
  const answers = session.messages.filter(({ id }) => typeof id === 'number');
  expect(answers.map(({ id }) => id).sort()).toEqual([0, 1, 2, 3, 4]);
  expect(witness.messages.some((message) => JSON.stringify(message).includes('stray'))).toBe(false);
});

it('tells the last words of a server that exits at once, and stops starting it after some tries', async () => {
  const session = await beside(fixture('exits.mjs'));
  const first = failure(await session.call('bad__any'));
  expect(first.text).toContain('cannot find my database');
  expect(first.text).toContain('exited with code 3');
  expect(first.text).toContain('The call did not run; trying again is safe.');
  const { servers } = await rig.status();
  expect(servers.find(({ name }) => name === 'bad')?.lastError?.message).toContain('cannot find my database');
  const last = await eventually(
    async () => {
      const told = failure(await session.call('bad__any'));
      return told.code === 'SERVER_FAILED' ? told : undefined;
    },
    { what: 'the crash loop to be called one' },
  );
  expect(last.text).toContain('`~/.aitkit/bin/mcp-proxy restart bad`');
  expect(errorData(await session.call('bad__any'))).toMatchObject({
    ...{ code: 'SERVER_FAILED', mayHaveRun: false, retry: 'after-fix' },
    ...{ exitCode: 3, stderr: expect.stringContaining('cannot find my database') },
  });
});

it('says when a program is not installed', async () => {
  const session = await beside({ command: 'no-such-program-of-anyone', sharing: 'shared' });
  const { text, code } = failure(await session.call('bad__any'));
  expect(code).toBe('SERVER_NOT_INSTALLED');
  expect(text).toContain('no-such-program-of-anyone');
  expect(text).toContain('The call did not run; trying again does not help before that is mended.');
  expect(text).toContain('`~/.aitkit/bin/mcp-proxy explain bad`');
});

it('names the limit when a server never answers initialize; others are called meanwhile', async () => {
  const session = await beside(fixture('silent.mjs', {}, { startTimeoutMs: 3_000 }));
  const waiting = session.call('bad__any');
  expect(textOf(await session.call('good__echo', { text: 'meanwhile' }))).toBe('meanwhile');
  expect(session.messages.length).toBe(2);
  const { text, code } = failure(await waiting);
  expect(code).toBe('SERVER_START_TIMEOUT');
  expect(text).toContain('3 s');
});

it('answers a call whose result is over the limit with an error that names it', async () => {
  const session = await beside(fixture('echo.mjs'), { daemon: { idleExitMs: 300, maxMessageBytes: 1_000_000 } });
  const { text, code } = failure(await session.call('bad__big', { bytes: 2_000_000 }));
  expect(code).toBe('MESSAGE_TOO_LARGE');
  expect(text).toMatch(/2000\d+ bytes/);
  expect(textOf(await session.call('bad__echo', { text: 'goes on' }))).toBe('goes on');
});

it('does not run a call that was cancelled while its server started', async () => {
  const countFile = join(rig.home, 'count');
  const startFile = join(rig.home, 'begin');
  const session = await beside(fixture('echo.mjs', { START_FILE: startFile, COUNT_FILE: countFile }));
  session.send({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'bad__count', arguments: { tag: 'cancelled' } },
  });
  session.notify('notifications/cancelled', { requestId: 1 });
  session.send({
    jsonrpc: '2.0',
    id: 2,
    method: 'tools/call',
    params: { name: 'bad__count', arguments: { tag: 'wanted' } },
  });
  // Answered after what was sent before.
  await session.request('ping');
  writeFileSync(startFile, '');
  expect(textOf(await session.answer(2))).toBe('counted');
  expect(readFileSync(countFile, 'utf8')).toMatch(/^\d+ wanted\n$/);
  expect(session.messages.filter(({ id }) => id === 1)).toEqual([]);
});

it('hands a cancellation to the server, also of a call that waited for its start', async () => {
  const trace = join(rig.home, 'trace');
  const startFile = join(rig.home, 'begin');
  const session = await beside(fixture('echo.mjs', { START_FILE: startFile, TRACE_FILE: trace }));
  const traced = () =>
    readFileSync(trace, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  const params = { name: 'bad__slow', arguments: { forever: true } };
  session.send({ jsonrpc: '2.0', id: 'long', method: 'tools/call', params });
  await session.request('ping');
  writeFileSync(startFile, '');
  const call = await eventually(() => traced().find(({ method }) => method === 'tools/call'), { what: 'the call' });
  session.notify('notifications/cancelled', { requestId: 'long', reason: 'no more' });
  const cancelled = await eventually(() => traced().find(({ method }) => method === 'notifications/cancelled'), {
    what: 'the cancellation',
  });
  expect(cancelled.params).toMatchObject({ requestId: call.id });
  expect(textOf(await session.call('bad__echo', { text: 'free' }))).toBe('free');
});

it('ends a call at its time limit and says that it may have taken effect', async () => {
  const session = await beside(fixture('echo.mjs', {}, { timeoutMs: 1_000 }));
  const answer = await session.call('bad__slow', { forever: true });
  const { text } = failure(answer);
  expect(resultOf(answer)['_meta']).toEqual({
    'aitkit/error': { code: 'CALL_TIMEOUT', mayHaveRun: true, retry: 'check-first' },
  });
  expect(text).toContain('1000 ms');
  expect(text).toContain('"timeoutMs"');
  expect(text).toContain('may have run');
});

it('serves a server that floods stderr, and bounds its log', async () => {
  const session = await beside(fixture('flood.mjs', { FLOOD_BYTES: '200000000' }));
  const answers = await Promise.all([
    ...Array.from({ length: 5 }, (_, i) => session.call('bad__echo', { text: `flooded ${i}` })),
    ...Array.from({ length: 5 }, (_, i) => witness.call('good__echo', { text: `calm ${i}` })),
  ]);
  expect(answers.map(textOf)).toEqual(
    [0, 1, 2, 3, 4].map((i) => `flooded ${i}`).concat([0, 1, 2, 3, 4].map((i) => `calm ${i}`)),
  );
  expect(readFileSync(join(rig.locations.serverLogsDir, 'bad.log')).length).toBeLessThan(2 * 1024 * 1024 + 70_000);
});

it.each(['die', 'close'])('tells the start failed when half an answer is all that came (%s)', async (mode) => {
  const session = await beside(fixture('half-frame.mjs', { HALF_MODE: mode }));
  expect(failure(await session.call('bad__any')).code).toBe('SERVER_START_FAILED');
  await eventually(() => rig.servers().every(({ command }) => !command.includes('half-frame')), {
    what: 'the server to be ended',
  });
});

it('answers calls in flight once when the server crashes, and starts it again with the next call', async () => {
  const session = await beside(fixture('echo.mjs'));
  const pid = textOf(await session.call('bad__pid'));
  const slow = Promise.all([
    session.call('bad__slow', { forever: true }),
    witness.call('bad__slow', { forever: true }),
  ]);
  // Two sessions: nothing but the server says that the other one's call has come.
  await rig.statusUntil(
    ({ servers }) => servers.some(({ instances }) => instances.some(({ inFlight }) => inFlight === 2)),
    'both calls in flight',
  );
  const crash = failure(await session.call('bad__crash', { code: 9 }));
  expect(crash.text).toContain('exited with code 9');
  for (const answer of await slow) expect(failure(answer).text).toContain('may or may not have taken effect');
  expect(textOf(await session.call('bad__pid'))).not.toBe(pid);
});

it('stops a server that ignores the end of input and SIGTERM, with its children', async () => {
  const session = await beside(fixture('stubborn.mjs'));
  session.send({ jsonrpc: '2.0', id: 'never', method: 'tools/call', params: { name: 'bad__any', arguments: {} } });
  const isStubborn = ({ command }: { command: string }) => command.includes('stubborn.mjs');
  await eventually(() => rig.servers().filter(isStubborn).length === 2, { what: 'server and child' });
  const { status } = await rig.http('POST', '/stop', { body: { name: 'bad' } });
  expect(status).toBe(200);
  expect(rig.servers().filter(isStubborn)).toEqual([]);
  expect(failure(await session.answer('never')).text).toContain('stopped');
});
