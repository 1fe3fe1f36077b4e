// Silent servers are asked, busy ones beside their calls; silence of one that does nothing ends it.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { Admission } from '../../../src/upstream/admission.ts';
import { HealthChecks } from '../../../src/upstream/health.ts';
import { Instance } from '../../../src/upstream/instance.ts';
import type { TransportEvents } from '../../../src/upstream/transports/transport.ts';

const minute = 60_000;
let isSilent = false;
let asked: string[] = [];
let hung: string[] = [];
let ticks: number | undefined;
let isStopped = false;
let instance: Instance;
let health: HealthChecks;

beforeEach(async () => {
  vi.useFakeTimers();
  [isSilent, asked, hung, ticks, isStopped] = [false, [], [], 0, false];
  const activity = { isStopped: () => isStopped, ticks: () => ticks };
  health = new HealthChecks({ now: Date.now, activity, onHung: (_instance, why) => hung.push(why) });
  instance = new Instance({
    ...{ id: 'h-1', key: 'k', snapshotKey: 's', server: 'h', sharing: 'shared' as const, capabilities: {} },
    startTimeoutMs: 5_000,
    stderr: { write: () => {}, note: () => {}, begin: () => {}, tail: () => '' },
    events: { onReady: () => {}, onServerRequest: () => {}, onServerNotification: () => {}, onExit: () => {} },
    deps: { admission: new Admission(() => 4), log: silentLog, now: Date.now, random: () => 0.5 },
    opener: {
      ...{ isPerSession: false, isLocal: true, pid: () => 4_321, describe: () => ({ environment: [] }) },
      open: (events) => Promise.resolve(transport(events)),
    },
  });
  await instance.acquire('');
  asked = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function transport(events: TransportEvents) {
  return {
    send: (line: Buffer) => {
      const message: { id?: number; method?: string } = JSON.parse(line.toString('utf8'));
      asked.push(String(message.method));
      const result =
        message.method === 'initialize'
          ? { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'h', version: '1' } }
          : {};
      const answer = JSON.stringify({ jsonrpc: '2.0', id: message.id, result });
      if (message.id !== undefined && !isSilent) queueMicrotask(() => events.onMessage(Buffer.from(answer)));
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
    pause: () => {},
    resume: () => {},
  };
}

/** As the daemon's timer does it. */
async function pass(ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 2_000) {
    health.look(instance);
    await vi.advanceTimersByTimeAsync(2_000);
  }
}

it('asks an idle server about once a minute, and an answer is enough', async () => {
  await pass(10 * minute);
  expect(asked.length).toBeGreaterThanOrEqual(8);
  expect(asked.length).toBeLessThanOrEqual(10);
  expect(new Set(asked)).toEqual(new Set(['ping']));
  expect([hung, instance.inFlight]).toEqual([[], 0]);
});

it('calls a server hung after two silences, and not after one', async () => {
  await pass(minute);
  isSilent = true;
  // One is sent now and given up after a quarter of a minute; the next one is answered.
  await pass(16_000);
  expect(asked.filter((method) => method === 'ping')).toHaveLength(1);
  isSilent = false;
  await pass(3 * minute);
  expect(hung).toEqual([]);
  isSilent = true;
  await pass(2 * minute);
  expect(hung.length).toBeGreaterThanOrEqual(1);
});

/** A call that is never answered. */
function callForever(): number | undefined {
  return instance.slots()[0]?.channel.request({
    method: 'tools/call',
    encode: () => Buffer.from('{"method":"tools/call"}'),
    onAnswer: () => {},
  });
}
const pings = () => asked.filter((method) => method === 'ping').length;

it('asks a busy one beside its call once it was silent for long, and an answer is enough', async () => {
  callForever();
  await pass(minute);
  expect(pings()).toBe(0);
  await pass(30 * minute);
  expect(pings()).toBeGreaterThan(20);
  expect(hung).toEqual([]);
});

it('calls a busy one hung after a silent hour in which it did nothing, and not before', async () => {
  isSilent = true;
  callForever();
  await pass(60 * minute);
  expect(hung).toEqual([]);
  await pass(2 * minute);
  expect(hung[0]).toMatch(/^it did not answer for 360\d s and did nothing$/);
});

it('does not count the time in which nobody looked, as on a suspended machine', async () => {
  isSilent = true;
  callForever();
  await pass(5 * minute);
  await vi.advanceTimersByTimeAsync(8 * 60 * minute);
  await pass(10 * minute);
  expect(hung).toEqual([]);
});

it.each([false, true])('never calls one hung that computes, busy or idle (%s)', async (isBusy) => {
  isSilent = true;
  if (isBusy) callForever();
  for (let i = 0; i < 60; i += 1) {
    ticks = (ticks ?? 0) + 3_000;
    await pass(minute / 2);
  }
  expect(hung).toEqual([]);
});

it('does not judge a busy one where the system tells nothing of its processes', async () => {
  [isSilent, ticks] = [true, undefined];
  callForever();
  await pass(60 * minute);
  expect(hung).toEqual([]);
});

it('finds out a hung one although somebody calls it all the time and gives up each time', async () => {
  isSilent = true;
  for (let i = 0; i < 160; i += 1) {
    const id = callForever();
    instance.lastUsedAt = Date.now();
    await pass(8_000);
    if (id !== undefined) instance.slots()[0]?.channel.cancel(id, undefined);
    await pass(17_000);
  }
  expect(hung[0]).toContain('and did nothing');
});

it('shows at once that the process of a called one was stopped, and calls it hung half a minute later', async () => {
  callForever();
  await pass(3 * minute);
  [isSilent, isStopped] = [true, true];
  await pass(4_000);
  expect(instance.lastError).toMatchObject({ code: 'SERVER_HUNG', hint: expect.stringContaining('kill -CONT 4321') });
  expect(hung).toEqual([]);
  await pass(minute / 2);
  expect(hung[0]).toMatch(/stopped by a signal/);
});

it('forgets that it was stopped once it says something', async () => {
  callForever();
  [isSilent, isStopped] = [true, true];
  await pass(10_000);
  expect(instance.lastError).toBeDefined();
  [isSilent, isStopped] = [false, false];
  await pass(2 * minute);
  expect([instance.lastError, hung]).toEqual([undefined, []]);
});
