import { expect, it } from 'vitest';
import { CrashHistory } from '../../../src/upstream/crash-history.ts';

const byCode = { code: 1, signal: null, wasAsked: true };
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
  for (let n = 0; n < 4; n += 1) history.record({ code: null, signal: 'SIGSEGV', wasAsked: true }, 0, 0, random);
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
  for (let i = 0; i < 9; i += 1) history.record({ code: null, signal: 'SIGKILL', wasAsked: true }, 10, 0, random);
  expect([history.deaths, history.isCrashLoop]).toEqual([0, false]);
  history.record({ code: null, signal: 'SIGSEGV', wasAsked: true }, 10, 0, random);
  expect(history.deaths).toBe(1);
});

it('makes one that is killed in each start wait like any other, and calls that no crash loop', () => {
  const history = new CrashHistory();
  const killed = Array.from({ length: 8 }, () => {
    history.record({ code: null, signal: 'SIGKILL', wasAsked: true }, 0, 0, random);
    return history.waitMs(0);
  });
  expect(killed).toEqual([0, 250, 750, 2_250, 6_750, 20_250, 30_000, 30_000]);
  expect([history.deaths, history.isCrashLoop]).toEqual([0, false]);
});

it('starts what ended by itself at ease again at once, for ever; by another code it waits, and is no crash loop either', () => {
  const history = new CrashHistory();
  const ends = (code: number) =>
    Array.from({ length: 9 }, () => {
      history.record({ code, signal: null, wasAsked: false }, 400, 0, random);
      return history.waitMs(0);
    });
  expect(ends(0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(ends(1)).toEqual([0, 250, 750, 2_250, 6_750, 20_250, 30_000, 30_000, 30_000]);
  expect([history.deaths, history.isCrashLoop]).toEqual([0, false]);
  // Over a call it is a death, whatever its code says.
  for (let n = 0; n < 5; n += 1) history.record({ code: 0, signal: null, wasAsked: true }, 400, 0, random);
  expect(history.isCrashLoop).toBe(true);
});

it('tries a failed one once for each new session, and for the others after a pause that grows to a quarter of an hour', () => {
  const history = new CrashHistory();
  for (let n = 0; n < 5; n += 1) history.record(byCode, 0, 0, random);
  const pause = history.waitMs(0);
  expect(history.mayRetry('early', 0)).toBe(false);
  // One that came too early was not told of any try.
  expect(['a', 'a', 'early', 'early'].map((owner) => history.mayRetry(owner, pause))).toEqual([
    true,
    false,
    true,
    false,
  ]);
  history.forget('early');
  expect(history.mayRetry('early', pause)).toBe(true);
  let now = 0;
  const waits = Array.from({ length: 7 }, () => {
    let ms = 0;
    while (!history.mayRetry('a', now + ms)) ms += 1_000;
    now += ms;
    history.record(byCode, 0, now, random);
    return ms / 1_000;
  });
  expect(waits).toEqual([60, 120, 240, 480, 900, 900, 900]);
  history.reset();
  expect(history.isCrashLoop).toBe(false);
});

it('is no crash loop any more once the server ended in a way that says nothing of it', () => {
  const ends = [
    { code: null, signal: 'SIGKILL', wasAsked: true },
    { code: 0, signal: null, wasAsked: false },
    { code: 1, signal: null, wasAsked: false },
  ];
  for (const end of ends) {
    const history = new CrashHistory();
    for (let n = 0; n < 6; n += 1) history.record(byCode, 0, 0, random);
    history.record(end, 60_000, 100_000, random);
    expect(history.isCrashLoop).toBe(false);
    history.record(byCode, 60_000, 200_000, random);
    expect(history.isCrashLoop).toBe(true);
  }
});
