import { expect, it } from 'vitest';
import { CrashHistory } from '../../../src/upstream/crash-history.ts';

const crash = { code: 1, signal: null };
const random = () => 0.5;

it('restarts at once after the first death, then with growing pauses, and calls five in a row a loop', () => {
  const history = new CrashHistory();
  const waits: number[] = [];
  for (let i = 0; i < 5; i += 1) {
    expect(history.isCrashLoop).toBe(false);
    history.record(crash, 1_000, 10_000, random);
    waits.push(history.waitMs(10_000));
  }
  expect(history.isCrashLoop).toBe(true);
  expect(waits[0]).toBe(0);
  expect(waits[1]).toBeGreaterThan(0);
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  expect(history.waitMs(10_000 + (waits[4] ?? 0))).toBe(0);
});

it('does not blame a server for a SIGKILL, however often and at whatever moment', () => {
  const history = new CrashHistory();
  for (let i = 0; i < 9; i += 1) history.record({ code: null, signal: 'SIGKILL' }, 10, 0, random);
  expect([history.deaths, history.isCrashLoop]).toEqual([0, false]);
  history.record({ code: null, signal: 'SIGSEGV' }, 10, 0, random);
  expect(history.deaths).toBe(1);
});

it('forgets what was before a long life, and everything when a person asks', () => {
  const history = new CrashHistory();
  for (let i = 0; i < 4; i += 1) history.record(crash, 10, 0, random);
  history.record(crash, 5 * 60_000, 0, random);
  expect(history.deaths).toBe(1);
  history.record(crash, 10, 0, random);
  history.reset();
  expect([history.deaths, history.waitMs(0), history.isCrashLoop]).toEqual([0, 0, false]);
});
