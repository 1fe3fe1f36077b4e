// Idle servers are asked, busy ones never; two silences in a row end one.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { Admission } from '../../../src/upstream/admission.ts';
import { HealthChecks } from '../../../src/upstream/health.ts';
import { Instance } from '../../../src/upstream/instance.ts';
import type { TransportEvents } from '../../../src/upstream/transports/transport.ts';

const minute = 60_000;
let isSilent = false;
let asked: string[] = [];
let hung: number[] = [];
let instance: Instance;
let health: HealthChecks;

beforeEach(async () => {
  vi.useFakeTimers();
  [isSilent, asked, hung] = [false, [], []];
  health = new HealthChecks({ now: Date.now, onHung: (_instance, ms) => hung.push(ms) });
  instance = new Instance({
    ...{ id: 'h-1', key: 'k', snapshotKey: 's', server: 'h', sharing: 'shared' as const, capabilities: {} },
    startTimeoutMs: 5_000,
    stderr: { write: () => {}, tail: () => '' },
    events: { onReady: () => {}, onServerRequest: () => {}, onServerNotification: () => {}, onExit: () => {} },
    deps: { admission: new Admission(() => 4), log: silentLog, now: Date.now, random: () => 0.5 },
    opener: {
      ...{ isPerSession: false, isLocal: true, pid: () => undefined, describe: () => ({ environment: [] }) },
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

it('never asks a busy one, however long its call takes', async () => {
  isSilent = true;
  const [slot] = instance.slots();
  slot?.channel.request({
    method: 'tools/call',
    encode: () => Buffer.from('{"method":"tools/call"}'),
    onAnswer: () => {},
  });
  await pass(30 * minute);
  expect(asked).toEqual(['tools/call']);
  expect(hung).toEqual([]);
});
