// The last one out, and what a jump of the clock must not do.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { watchIdle } from '../../../src/daemon/idle-exit.ts';

let offsetMs = 0;
let reason: string | undefined;
let ends = 0;
let watch: { close: () => void };
beforeEach(() => {
  vi.useFakeTimers();
  [offsetMs, reason, ends] = [0, undefined, 0];
  watch = watchIdle({
    busyBecause: () => reason,
    idleExitMs: () => 60_000,
    onIdle: () => {
      ends += 1;
    },
    now: () => Date.now() + offsetMs,
  });
});
afterEach(() => {
  watch.close();
  vi.useRealTimers();
});

it('ends once, a minute after the last reason to stay', () => {
  reason = 'sessions';
  vi.advanceTimersByTime(600_000);
  expect(ends).toBe(0);
  reason = undefined;
  vi.advanceTimersByTime(59_000);
  expect(ends).toBe(0);
  vi.advanceTimersByTime(120_000);
  expect(ends).toBe(1);
});

it('counts anew when the clock jumps: a machine that slept gives its sessions time to come back', () => {
  vi.advanceTimersByTime(30_000);
  offsetMs = 8 * 3_600_000;
  vi.advanceTimersByTime(59_000);
  expect(ends).toBe(0);
  offsetMs = -3_600_000;
  vi.advanceTimersByTime(59_000);
  expect(ends).toBe(0);
  vi.advanceTimersByTime(2_000);
  expect(ends).toBe(1);
});
