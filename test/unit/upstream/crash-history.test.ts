import { expect, it } from 'vitest';
import { CrashHistory } from '../../../src/upstream/crash-history.ts';

const byCode = { code: 1, signal: null };
const random = () => 0.5;

it('starts again at once after one death, then with growing pauses up to half a minute', () => {
  const history = new CrashHistory();
  const pauses = Array.from({ length: 8 }, (_, n) => {
    history.record(byCode, 1_000, n * 1_000, random);
    return history.waitMs(n * 1_000);
  });
  expect(pauses).toEqual([0, 250, 750, 2_250, 6_750, 20_250, 30_000, 30_000]);
});

it('spreads the pauses of many', () => {
  const pause = (value: number) => {
    const history = new CrashHistory();
    for (let n = 0; n < 3; n += 1) history.record(byCode, 0, 0, () => value);
    return history.waitMs(0);
  };
  expect([pause(0), pause(1)]).toEqual([562.5, 937.5]);
});

it('is a crash loop after five deaths in a row, and five healthy minutes end the row', () => {
  const history = new CrashHistory();
  for (let n = 0; n < 4; n += 1) history.record(byCode, 1_000, 0, random);
  expect(history.isCrashLoop).toBe(false);
  history.record(byCode, 5 * 60_000, 0, random);
  expect([history.isCrashLoop, history.deaths]).toEqual([false, 1]);
  for (let n = 0; n < 4; n += 1) history.record({ code: null, signal: 'SIGSEGV' }, 0, 0, random);
  expect(history.isCrashLoop).toBe(true);
  history.reset();
  expect([history.isCrashLoop, history.waitMs(0)]).toEqual([false, 0]);
});

it('never waits longer than the pause, although the clock was set back by a day', () => {
  const history = new CrashHistory();
  for (let n = 0; n < 3; n += 1) history.record(byCode, 0, 86_400_000, random);
  expect(history.waitMs(0)).toBe(750);
});

it('does not blame a server for a SIGKILL, however often and at whatever moment', () => {
  const history = new CrashHistory();
  for (let i = 0; i < 9; i += 1) history.record({ code: null, signal: 'SIGKILL' }, 10, 0, random);
  expect([history.deaths, history.isCrashLoop]).toEqual([0, false]);
  history.record({ code: null, signal: 'SIGSEGV' }, 10, 0, random);
  expect(history.deaths).toBe(1);
});

it('makes one that is killed in each start wait like any other, and calls that no crash loop', () => {
  const history = new CrashHistory();
  const killed = Array.from({ length: 8 }, () => {
    history.record({ code: null, signal: 'SIGKILL' }, 0, 0, random);
    return history.waitMs(0);
  });
  expect(killed).toEqual([0, 250, 750, 2_250, 6_750, 20_250, 30_000, 30_000]);
  expect([history.deaths, history.isCrashLoop]).toEqual([0, false]);
});
