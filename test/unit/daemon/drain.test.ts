// The quiet before the end. Breaks when an end cuts a call that had time left, waits for a wrapper that never answers, or
// when somebody in a hurry has to wait.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { Drain, type StopRequest } from '../../../src/daemon/drain.ts';
import { openSession } from '../../support/switchboard-rig.ts';

type Opened = ReturnType<typeof openSession>;
let opened: Opened[];
let cut: unknown[];
let drain: Drain;
let endedAfterMs: number | undefined;
beforeEach(() => {
  vi.useFakeTimers();
  [opened, cut, endedAfterMs] = [[openSession()], [], undefined];
  const log = { ...silentLog, warn: (event: string) => void cut.push(event) };
  drain = new Drain({ sessions: () => opened.map(({ session }) => session), log });
});
afterEach(() => vi.useRealTimers());

const first = (): Opened => opened[0] ?? openSession();
const call = () => first().session.requests.set('1', { method: 'tools/call', cancel: () => {} });

async function end(request: Partial<StopRequest> = {}): Promise<void> {
  drain.ask({ reason: 'stop', restart: false, isForced: false, ...request });
  const begin = performance.now();
  void drain.run('stop').then(() => {
    endedAfterMs = performance.now() - begin;
  });
  await vi.advanceTimersByTimeAsync(0);
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

it('tells each session why, and whether a new daemon may be started', async () => {
  await end({ restart: true });
  expect(first().sent).toEqual([{ jsonrpc: '2.0', method: 'aitkit/drain', params: { reason: 'stop', restart: true } }]);
  expect(first().session.connection).toBe('draining');
  expect(drain.isDraining).toBe(true);
});

it('is over as soon as every wrapper has sent what it had', async () => {
  await end();
  await pass(500);
  expect(endedAfterMs).toBeUndefined();
  first().session.advance('drained');
  await pass(10);
  expect(endedAfterMs).toBeLessThan(600);
});

it('does not wait a second for a program without a wrapper, which never says so', async () => {
  opened = [openSession({ wrapper: { pid: 0, startTime: '' } })];
  await end();
  await pass(10);
  expect(endedAfterMs).toBeDefined();
});

it('goes on after a second without a wrapper that does not answer', async () => {
  await end();
  await pass(990);
  expect(endedAfterMs).toBeUndefined();
  await pass(20);
  expect(endedAfterMs).toBeDefined();
  expect(cut).toEqual([]);
});

it.each([
  ['asked', {}, 10_000],
  ['signalled', { reason: 'SIGTERM' }, 3_000],
] as const)('gives running calls their time when it is %s, then cuts them and logs it', async (_how, request, limitMs) => {
  call();
  await end(request);
  first().session.advance('drained');
  await pass(limitMs - 20);
  expect(endedAfterMs).toBeUndefined();
  await pass(40);
  expect(endedAfterMs).toBeDefined();
  expect(cut).toEqual(['daemon.calls-cut']);
});

it('ends when the last call has ended and its answer has left', async () => {
  call();
  await end();
  first().session.advance('drained');
  await pass(5_000);
  first().session.requests.clear();
  await pass(10);
  expect(endedAfterMs).toBeDefined();
  expect(cut).toEqual([]);
});

it('cuts at once when it is forced, also while it waits already', async () => {
  call();
  await end();
  await pass(100);
  drain.ask({ reason: 'stop', restart: true, isForced: true });
  await pass(10);
  expect(endedAfterMs).toBeLessThan(200);
  expect(cut).toHaveLength(1);
});

it('keeps to the first word on a new daemon', async () => {
  drain.ask({ reason: 'stop', restart: false, isForced: false });
  await end({ restart: true });
  expect(first().sent[0]?.params).toMatchObject({ restart: false });
});
