import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../../src/base/errors.ts';
import { isRunning } from '../../src/base/process-identity.ts';
import { createTreeWatch, type TreeWatch, type WatchedTree } from '../../src/upstream/process/tree-watch.ts';
import { openStdio, type StdioDeps, type StdioSpec } from '../../src/upstream/transports/stdio.ts';
import type { Transport } from '../../src/upstream/transports/transport.ts';
import { eventually } from '../support/eventually.ts';
import { TransportRecorder, textOf } from '../support/transport-recorder.ts';

const fixtures = join(import.meta.dirname, '../fixtures/upstreams');
const times = { inputMs: 300, termMs: 300, killMs: 5_000 };
let home: string;
let open: { transport: Transport; recorder: TransportRecorder }[];
const pids: number[] = [];

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'aitkit-stdio-')));
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map(({ transport }) => transport.close('test is over')));
  const left = pids.splice(0).filter((pid) => isRunning({ pid }));
  for (const pid of left) process.kill(pid, 'SIGKILL');
  rmSync(home, { recursive: true, force: true });
  expect(left).toEqual([]);
  for (const { recorder } of open) {
    expect(recorder.exits).toHaveLength(1);
    expect(recorder.afterExit).toBe(0);
  }
});

function start(
  fixture: string,
  env: Record<string, string> = {},
  more: Partial<StdioSpec> & { deps?: StdioDeps } = {},
) {
  const { deps, ...spec } = more;
  const recorder = new TransportRecorder();
  const transport = openStdio(
    {
      command: process.execPath,
      args: [join(fixtures, fixture)],
      cwd: home,
      env,
      instanceId: 'test',
      maxLineBytes: 1024 * 1024,
      ...spec,
    },
    recorder.events,
    { endTimes: times, onStarted: ({ pid }) => pids.push(pid), ...deps },
  );
  open.push({ transport, recorder });
  return { transport, recorder };
}

async function readyPids(recorder: TransportRecorder): Promise<Record<string, unknown>> {
  const params: unknown = (await recorder.notification('notifications/ready'))['params'];
  if (typeof params !== 'object' || params === null) throw new Error('no params');
  const found: Record<string, unknown> = { ...params };
  for (const value of Object.values(found).flat()) if (typeof value === 'number') pids.push(value);
  return found;
}

test('carries requests, replies and notifications of a server', async () => {
  const { transport, recorder } = start('echo.mjs');
  expect((await recorder.open(transport))['result']).toMatchObject({ serverInfo: { name: 'echo' } });
  expect(await recorder.call(transport, 'echo', { text: 'grüße\u2028' })).toBe('grüße\u2028');
  await recorder.call(transport, 'add_tool', { name: 'new' });
  await recorder.notification('notifications/tools/list_changed');
  expect(await recorder.call(transport, 'pid')).toBe(String(transport.pid));
});

test('gives the server exactly the configured environment, folder and arguments, and the marker', async () => {
  const { transport, recorder } = start(
    'echo.mjs',
    { ONLY: 'this' },
    {
      args: [join(fixtures, 'echo.mjs'), 'a b', '$HOME', '*', "it's"],
    },
  );
  expect(await recorder.call(transport, 'cwd')).toBe(home);
  expect(JSON.parse(await recorder.call(transport, 'argv'))).toEqual(['a b', '$HOME', '*', "it's"]);
  expect(JSON.parse(await recorder.call(transport, 'env'))).toEqual(['AITKIT_INSTANCE', 'ONLY']);
});

test('ends a well-behaved server by the end of its input and says that it was closed', async () => {
  const { transport, recorder } = start('echo.mjs');
  await recorder.open(transport);
  await transport.close('idle');
  expect(recorder.exits).toEqual([{ reason: 'closed', code: 0, signal: null }]);
  await expect(transport.send(Buffer.from('{}'))).rejects.toThrow(AppError);
});

test('reports the exit code after the last stderr line', async () => {
  const { recorder } = start('exits.mjs', { EXIT_CODE: '7' });
  expect(await recorder.exit()).toEqual({ reason: 'exited', code: 7, signal: null });
  await eventually(() => recorder.stderr === 'cannot find my database\n', { what: 'stderr' });
});

test('reports the signal that killed a server', async () => {
  const { transport, recorder } = start('echo.mjs');
  await recorder.open(transport);
  process.kill(transport.pid ?? 0, 'SIGKILL');
  expect(await recorder.exit()).toEqual({ reason: 'exited', code: null, signal: 'SIGKILL' });
});

test('hands out everything a server wrote before it died', async () => {
  const { transport, recorder } = start('echo.mjs');
  await recorder.open(transport);
  await recorder.call(transport, 'crash', { code: 4, answer: true });
  expect(await recorder.exit()).toMatchObject({ reason: 'exited', code: 4 });
});

test('passes over text that is no message', async () => {
  const { transport, recorder } = start('garbage.mjs');
  await recorder.open(transport);
  expect(await recorder.call(transport, 'echo', { text: 'still here' })).toBe('still here');
  expect(recorder.garbage).toContain('Starting server on stdio...');
  expect(recorder.garbage).toContain('"a string"');
});

test('keeps only the ends of a message over the limit and goes on', async () => {
  const { transport, recorder } = start('echo.mjs');
  await recorder.open(transport);
  const id = 77;
  const line = JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'big', arguments: { bytes: 3e6 } },
  });
  await transport.send(Buffer.from(line), String(id));
  const oversize = await eventually(() => recorder.oversize[0], { what: 'the large message' });
  expect(oversize.bytes).toBeGreaterThan(3e6);
  expect(oversize.head.toString()).toContain('"id":77');
  expect(oversize.head.length + oversize.tail.length).toBeLessThan(10_000);
  expect(await recorder.call(transport, 'echo', { text: 'after' })).toBe('after');
});

test('carries a request of several megabytes whole, and a line break inside as white space', async () => {
  const { transport, recorder } = start('echo.mjs', {}, { maxLineBytes: 64 * 1024 * 1024 });
  const text = 'ü'.repeat(2_000_000);
  expect(await recorder.call(transport, 'echo', { text })).toBe(text);
  const pretty = JSON.stringify({ jsonrpc: '2.0', id: 500, method: 'ping' }, null, 2).replaceAll('\n', '\r\n');
  await transport.send(Buffer.from(pretty), '500');
  expect(await recorder.reply(500)).toEqual({ jsonrpc: '2.0', id: 500, result: {} });
});

test('counts a server that closes its output but lives on as lost, and ends it', async () => {
  const { transport, recorder } = start('half-frame.mjs', { HALF_MODE: 'close' });
  await transport.send(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}'), '1');
  expect(await recorder.exit()).toEqual({ reason: 'lost' });
  expect(recorder.invalid).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"te']);
  await transport.close('again');
  expect(isRunning({ pid: transport.pid ?? 0 })).toBe(false);
});

test('ends a server that ignores the end of its input and SIGTERM, with its children', async () => {
  const { transport, recorder } = start('stubborn.mjs', { STUBBORN_CHILDREN: '2' });
  const { children } = await readyPids(recorder);
  expect(children).toHaveLength(2);
  await transport.close('stop');
  expect(await recorder.exit()).toEqual({ reason: 'closed', code: null, signal: 'SIGKILL' });
  expect(pids.filter((pid) => isRunning({ pid }))).toEqual([]);
});

test.runIf(process.platform === 'linux').each([
  ['double-forked into a session of its own', {}],
  ['holds the output open', { FORK_STDOUT: 'hold' }],
  ['dropped its environment', { FORK_ENV: 'clear' }],
])('ends a process that %s, on close', async (_what, env) => {
  const { transport, recorder } = start('double-fork.mjs', env);
  const { stray } = await readyPids(recorder);
  expect(stray).toBeTypeOf('number');
  await transport.close('stop');
  expect(recorder.exits).toEqual([{ reason: 'closed', code: 0, signal: null }]);
  expect(pids.filter((pid) => isRunning({ pid }))).toEqual([]);
});

test.runIf(process.platform === 'linux').each([
  ['a process that holds its output open', { FORK_STDOUT: 'hold' }],
  ['a child in its group without our marker', { FORK_ENV: 'clear-in-group' }],
])('ends what a server left behind when it dies by itself: %s', async (_what, env) => {
  const { transport, recorder } = start('double-fork.mjs', env);
  await readyPids(recorder);
  process.kill(transport.pid ?? 0, 'SIGKILL');
  expect(await recorder.exit()).toEqual({ reason: 'exited', code: null, signal: 'SIGKILL' });
  await eventually(() => pids.every((pid) => !isRunning({ pid })), { what: 'the stray gone' });
});

test.runIf(process.platform === 'linux')(
  'writes nothing more for a stray that holds the pipe of a dead server, and says so of each line',
  async () => {
    // The stray reads what the starter left: as behind npx and uvx.
    const script = 'exec 3<&0; (while read -r line; do echo "got $line" >&2; done <&3) & echo ready >&2; wait';
    const { transport, recorder } = start('', {}, { command: '/bin/sh', args: ['-c', script] });
    await eventually(() => recorder.stderr.includes('ready'), { what: 'the stray' });
    process.kill(transport.pid ?? 0, 'SIGKILL');
    const fates = new Set<unknown>();
    for (let n = 0; recorder.exits.length === 0; n += 1) {
      const fate = await transport.send(Buffer.from(`{"n":${n}}`)).then(
        () => 'written',
        (error: unknown) => error instanceof AppError && error.data?.['mayHaveRun'],
      );
      fates.add(fate);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(fates).toContain(false);
  },
);

test.runIf(process.platform === 'linux')(
  'ends a child in a session of its own without our marker when the server dies by itself, once it was seen',
  async () => {
    const treeWatch = createTreeWatch({ everyMs: 20 });
    let watched: WatchedTree | undefined;
    const watch: TreeWatch = {
      add: (root) => {
        watched = treeWatch.add(root);
        return watched;
      },
    };
    const { transport, recorder } = start('double-fork.mjs', { FORK_ENV: 'clear' }, { deps: { watch } });
    const { stray } = await readyPids(recorder);
    const isSeen = () => watched?.known().some(({ pid }) => pid === stray) ?? false;
    await eventually(isSeen, { what: 'the child to be seen' });
    process.kill(transport.pid ?? 0, 'SIGKILL');
    expect(await recorder.exit()).toEqual({ reason: 'exited', code: null, signal: 'SIGKILL' });
    await eventually(() => pids.every((pid) => !isRunning({ pid })), { what: 'the child gone' });
  },
);

test('reads stderr no faster than the limit, and the server still answers', async () => {
  const { transport, recorder } = start('flood.mjs', {}, { deps: { stderrBytesPerSecond: 256 * 1024 } });
  await recorder.open(transport);
  const before = performance.now();
  for (let i = 0; i < 20; i += 1) await recorder.call(transport, 'echo', { text: String(i) });
  const seconds = Math.floor((performance.now() - before) / 1_000) + 3;
  expect(recorder.stderrBytes).toBeGreaterThan(0);
  expect(recorder.stderrBytes).toBeLessThan(seconds * (256 + 64) * 1024);
});

test('holds back the output while paused and loses nothing', async () => {
  const counted = join(home, 'counted');
  const { transport, recorder } = start('echo.mjs', { COUNT_FILE: counted });
  await recorder.open(transport);
  transport.pause();
  const call = (id: number, name: string, args: object) =>
    transport.send(
      Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } })),
    );
  await call(900, 'echo', { text: 'held' });
  await call(901, 'count', {});
  // The server works in order: once it has counted, it has answered the call before.
  await eventually(() => existsSync(counted), { what: 'the second call' });
  expect(recorder.received.some(({ message }) => message['id'] === 900)).toBe(false);
  transport.resume();
  expect(textOf(await recorder.reply(900))).toBe('held');
  expect(textOf(await recorder.reply(901))).toBe('counted');
});

test('a message to a server that no longer reads is refused, not thrown elsewhere', async () => {
  const { transport, recorder } = start('exits.mjs', { EXIT_CODE: '0' });
  const attempts = Array.from({ length: 50 }, () =>
    transport.send(Buffer.alloc(200_000, 0x20)).catch((error: unknown) => error),
  );
  const results = await Promise.all(attempts);
  expect(await recorder.exit()).toMatchObject({ reason: 'exited', code: 0 });
  expect(results.some((result) => result instanceof AppError)).toBe(true);
});

test.each([
  [
    'the command is on no PATH',
    { command: 'no-such-program', env: { PATH: '/nowhere' } },
    'SERVER_NOT_INSTALLED',
    'no-such-program',
  ],
  ['the working folder is not there', { cwd: '/nowhere/at/all' }, 'SERVER_START_FAILED', '/nowhere/at/all'],
])('says why it could not start: %s', async (_what, spec, code, word) => {
  const { transport, recorder } = start('echo.mjs', {}, spec);
  const exit = await recorder.exit();
  expect(exit.reason).toBe('spawn-failed');
  expect(exit.error).toMatchObject({ code, message: expect.stringContaining(word) });
  await expect(transport.send(Buffer.from('{}'))).rejects.toThrow();
});

test('says why it could not start: the interpreter of the script is missing', async () => {
  const script = join(home, 'script');
  writeFileSync(script, '#!/nowhere/interpreter\n', { mode: 0o755 });
  const { recorder } = start('echo.mjs', {}, { command: script });
  expect((await recorder.exit()).error).toMatchObject({
    code: 'SERVER_NOT_INSTALLED',
    message: expect.stringContaining(script),
  });
});

test('says why it could not start: arguments longer than the system takes', async () => {
  const { recorder } = start('echo.mjs', {}, { args: ['x'.repeat(4_000_000)] });
  expect((await recorder.exit()).error).toMatchObject({
    code: 'SERVER_START_FAILED',
    message: expect.stringContaining('E2BIG'),
  });
});

test('closing while it starts leaves nothing', async () => {
  const { transport, recorder } = start('echo.mjs');
  await transport.close('at once');
  expect(recorder.exits).toMatchObject([{ reason: 'closed' }]);
  expect(pids).toHaveLength(1);
});
