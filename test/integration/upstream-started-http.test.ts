import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning } from '../../src/base/process-identity.ts';
import { createHttpClient } from '../../src/upstream/transports/http/http-client.ts';
import {
  createStartedHttp,
  type StartedHttp,
  type StartedHttpSpec,
} from '../../src/upstream/transports/http/started-http.ts';
import { eventually } from '../support/eventually.ts';
import { TransportRecorder } from '../support/transport-recorder.ts';

const fixtures = join(import.meta.dirname, '../fixtures/upstreams');
const servers: StartedHttp[] = [];
const pids: number[] = [];
const exitedPids: number[] = [];
let home: string;
let stderr: string;

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'aitkit-started-')));
  stderr = '';
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close('test is over')));
  const left = pids.splice(0).filter((pid) => isRunning({ pid }));
  for (const pid of left) process.kill(pid, 'SIGKILL');
  rmSync(home, { recursive: true, force: true });
  expect(left).toEqual([]);
});

function create(env: Record<string, string> = {}, more: Partial<StartedHttpSpec> = {}): StartedHttp {
  const client = createHttpClient({ env: {} });
  const server = createStartedHttp(
    {
      kind: 'http',
      command: process.execPath,
      args: [join(fixtures, 'http-echo.mjs'), '--port=${PORT}'],
      cwd: home,
      env: { PORT: '${PORT}', ...env },
      instanceId: 'test',
      url: 'http://127.0.0.1:${PORT}/mcp',
      maxMessageBytes: 1024 * 1024,
      readyTimeoutMs: 10_000,
      ...more,
    },
    {
      client,
      endTimes: { inputMs: 300, termMs: 2_000, killMs: 2_000 },
      onStderr: (chunk) => {
        stderr += chunk.toString('utf8');
      },
      onStarted: ({ pid }) => pids.push(pid),
      onExited: (pid) => exitedPids.push(pid),
    },
  );
  servers.push(server);
  return server;
}

test('starts one process for many sessions, each with its own MCP session', async () => {
  const server = create();
  const recorders = Array.from({ length: 5 }, () => new TransportRecorder());
  const transports = await Promise.all(recorders.map((recorder) => server.open(recorder.events)));
  const answers: string[] = [];
  for (const [i, transport] of transports.entries()) {
    const recorder = recorders[i];
    if (!recorder) continue;
    await recorder.open(transport);
    answers.push(await recorder.call(transport, 'pid'));
  }
  expect(answers).toEqual(Array.from({ length: 5 }, () => String(server.pid)));
  expect(pids).toHaveLength(1);
  const [first, second] = [recorders[0], recorders[1]];
  await first?.call(transports[0] ?? never(), 'add_tool', { name: 'only_mine' });
  const list = await second?.ask(transports[1] ?? never(), 'tools/list');
  expect(JSON.stringify(list)).not.toContain('only_mine');
  // One session's end is not the server's.
  await transports[0]?.close('left');
  expect(await second?.call(transports[1] ?? never(), 'echo', { text: 'still' })).toBe('still');
});

test('fills the port into arguments, environment, url and headers', async () => {
  const server = create();
  const recorder = new TransportRecorder();
  const transport = await server.open(recorder.events, { headers: { 'X-Port': 'port ${PORT}' } });
  await recorder.open(transport);
  const [argument] = JSON.parse(await recorder.call(transport, 'argv'));
  const { PORT } = JSON.parse(await recorder.call(transport, 'env', { names: ['PORT'] }));
  expect(Number(PORT)).toBeGreaterThan(1_023);
  expect(argument).toBe(`--port=${PORT}`);
  expect(stderr).toContain(`{"port":${PORT}}`);
  const seen = createHttpClient({ env: {} });
  const response = await seen.request({
    url: new URL(`http://127.0.0.1:${PORT}/test/requests`),
    method: 'GET',
    headers: {},
  });
  let text = '';
  for await (const chunk of response.body) text += chunk;
  seen.close();
  expect(JSON.parse(text)[0].headers).toMatchObject({ 'x-port': `port ${PORT}` });
});

test('speaks the older HTTP+SSE with a started server as well', async () => {
  const server = create({}, { kind: 'sse', url: 'http://127.0.0.1:${PORT}/sse' });
  const recorder = new TransportRecorder();
  const transport = await server.open(recorder.events);
  await recorder.open(transport);
  expect(await recorder.call(transport, 'pid')).toBe(String(server.pid));
});

test('waits for a server that listens late', async () => {
  const recorder = new TransportRecorder();
  const listenFile = join(home, 'listen');
  const opening = create({ LISTEN_FILE: listenFile }).open(recorder.events);
  // Its port was tried since it was started, long before it could say so.
  const runs = eventually(() => stderr.includes('not listening yet'), { what: 'the server to run' });
  await Promise.race([runs, opening]);
  writeFileSync(listenFile, '');
  const transport = await opening;
  expect((await recorder.open(transport))['result']).toMatchObject({ serverInfo: { name: 'echo' } });
});

test('tells every session when the server dies, and starts it again with the next', async () => {
  const server = create();
  const recorders = [new TransportRecorder(), new TransportRecorder()];
  for (const recorder of recorders) await recorder.open(await server.open(recorder.events));
  const [first] = pids;
  process.kill(first ?? 0, 'SIGKILL');
  for (const recorder of recorders) {
    expect(await recorder.exit()).toEqual({ reason: 'exited', code: null, signal: 'SIGKILL' });
  }
  expect(exitedPids).toContain(first);
  const next = new TransportRecorder();
  const transport = await server.open(next.events);
  await next.open(transport);
  expect(await next.call(transport, 'pid')).toBe(String(pids[1]));
  expect(pids).toHaveLength(2);
});

test('fails at once with the last words of a server that dies before it listens', async () => {
  const server = create({ EXIT_CODE: '9' }, { args: [join(fixtures, 'exits.mjs')] });
  await expect(server.open(new TransportRecorder().events)).rejects.toMatchObject({
    code: 'SERVER_START_FAILED',
    message: expect.stringMatching(/exited with code 9 .*cannot find my database/),
    data: { exitCode: 9 },
  });
});

test('gives up and ends a server that never listens', async () => {
  const server = create({}, { args: [join(fixtures, 'silent.mjs')], readyTimeoutMs: 400 });
  await expect(server.open(new TransportRecorder().events)).rejects.toMatchObject({ code: 'SERVER_START_TIMEOUT' });
  expect(pids.filter((pid) => isRunning({ pid }))).toEqual([]);
});

test('does not start beside a stranger on a fixed port', async () => {
  const stranger = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => stranger.once('listening', resolve));
  const address = stranger.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const server = create({}, { url: `http://127.0.0.1:${port}/mcp` });
    await expect(server.open(new TransportRecorder().events)).rejects.toMatchObject({
      code: 'SERVER_START_FAILED',
      message: expect.stringContaining(String(port)),
    });
    expect(pids).toEqual([]);
  } finally {
    stranger.close();
  }
});

test('closing ends sessions and process, also in the middle of a start', async () => {
  const server = create();
  const recorder = new TransportRecorder();
  const transport = await server.open(recorder.events);
  await recorder.open(transport);
  await server.close('idle');
  expect(recorder.exits).toEqual([{ reason: 'closed' }]);
  await expect(server.open(recorder.events)).rejects.toMatchObject({ code: 'SERVER_START_FAILED' });
  const late = create({ LISTEN_FILE: join(home, 'never') });
  const opening = late.open(new TransportRecorder().events).catch((error: unknown) => error);
  await eventually(() => pids.length === 2, { what: 'the second process' });
  await late.close('changed my mind');
  expect(await opening).toMatchObject({ code: 'SERVER_START_FAILED' });
  expect(pids.filter((pid) => isRunning({ pid }))).toEqual([]);
});

function never(): never {
  throw new Error('no transport');
}
