// When a list that could not be had is asked for again.
import { expect, it } from 'vitest';
import { ListRetries } from '../../../src/router/list-retries.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const tools = { server: 's', copy: 'copy', instance: 'copy', snapshot: 'copy', list: 'tools' } as const;
const away = { reason: 'away', answer: undefined, login: undefined, mayPass: true };

function world() {
  const clock = new FakeClock();
  const retries = new ListRetries(clock);
  const asked: number[] = [];
  /** A server that is asked and fails again, or lists. */
  const source = (isWell = () => false, place: typeof tools | typeof remote = tools) => {
    const own = {
      retry: () => {
        asked.push(clock.now());
        if (isWell()) retries.listed(place);
        else retries.failed(place, away, own);
        return Promise.resolve();
      },
    };
    return own;
  };
  return { clock, retries, asked, source };
}
const remote = { ...tools, instance: 'copy/identity' } as const;

it('asks after pauses that grow from a second to five minutes', async () => {
  const { clock, retries, asked, source } = world();
  retries.failed(tools, away, source());
  expect(retries.troubleOf(tools)).toMatchObject({ reason: 'away', since: 0, nextAt: 1_000 });
  await clock.pass(3_600_000);
  const pauses = asked.map((at, i) => (at - (asked[i - 1] ?? 0)) / 1_000);
  expect(pauses.slice(0, 10)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
  expect(new Set(pauses.slice(9))).toEqual(new Set([300]));
  expect(retries.troubleOf(tools)).toMatchObject({ since: 0 });
});

it('asks no more when it was listed, and begins anew with the next trouble', async () => {
  const { clock, retries, asked, source } = world();
  let isWell = false;
  const one = source(() => isWell);
  retries.failed(tools, away, one);
  await clock.pass(100_000);
  isWell = true;
  await clock.pass(1_000_000);
  const count = asked.length;
  expect(retries.troubleOf(tools)).toBeUndefined();
  expect(clock.waiting).toBe(0);
  isWell = false;
  retries.failed(tools, away, one);
  await clock.pass(1_000);
  expect(asked.length).toBe(count + 1);
});

it('has one chain however many fail, and asks another one each time', async () => {
  const { clock, retries, asked } = world();
  const names: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const own = {
      retry: () => {
        asked.push(clock.now());
        names.push(name);
        retries.failed(remote, away, own);
        return Promise.resolve();
      },
    };
    retries.failed(remote, away, own);
  }
  expect(clock.waiting).toBe(1);
  await clock.pass(15_000);
  expect(asked.map((at) => at / 1_000)).toEqual([1, 3, 7, 15]);
  expect(names).toEqual(['a', 'b', 'c', 'a']);
});

it('is asked at once for a session, but not by each of many, and not for one that lists all the time', async () => {
  const { clock, retries, asked, source } = world();
  retries.failed(tools, away, source());
  await clock.pass(200_000);
  const before = asked.length;
  await retries.nudge(tools);
  expect(asked.length).toBe(before + 1);
  for (let i = 0; i < 100; i += 1) await retries.nudge(tools);
  expect(asked.length).toBe(before + 1);
  for (let second = 0; second < 600; second += 1) {
    await clock.pass(1_000);
    await retries.nudge(tools);
  }
  expect(asked.length - before).toBeLessThan(30);
  await retries.nudge({ ...tools, list: 'prompts' });
});

it('asks nobody when those who could be asked are gone, and what a copy refused is still said', async () => {
  const { clock, retries, asked, source } = world();
  const [one, other] = [source(), source(undefined, remote)];
  retries.failed(tools, away, one);
  retries.failed(remote, away, other);
  retries.ended(one);
  retries.ended(other);
  await clock.pass(1_000_000);
  expect(asked).toEqual([]);
  expect(clock.waiting).toBe(0);
  expect(retries.troubleOf(tools)).toMatchObject({ reason: 'away', nextAt: undefined });
  // The identity went with its session.
  expect(retries.troubleOf(remote)).toBeUndefined();
  expect(retries.ofServer('s').map(({ place }) => place)).toEqual([tools]);
});

it('asks nobody where a person has to do something first', async () => {
  const { clock, retries, asked, source } = world();
  retries.failed(tools, { ...away, mayPass: false }, source());
  await clock.pass(1_000_000);
  await retries.nudge(tools);
  expect(asked).toEqual([]);
});

it('says how long it is worth waiting: for a first answer, once for all; after a refusal hardly', async () => {
  const { clock, retries, source } = world();
  expect(retries.patienceFor(tools)).toBe(Number.POSITIVE_INFINITY);
  retries.asked(tools);
  await clock.pass(10_000);
  retries.asked(tools);
  expect(retries.patienceFor(tools)).toBe(5_000);
  await clock.pass(10_000);
  expect(retries.patienceFor(tools)).toBe(0);
  const one = source();
  retries.failed(tools, away, one);
  expect(retries.patienceFor(tools)).toBe(1_300);
  retries.ended(one);
  expect(retries.patienceFor(tools)).toBe(Number.POSITIVE_INFINITY);
  retries.listed(tools);
  expect(retries.patienceFor(tools)).toBe(Number.POSITIVE_INFINITY);
  retries.asked(tools);
  retries.dropped(tools);
  expect(retries.patienceFor(tools)).toBe(Number.POSITIVE_INFINITY);
});

it('tells news once: a failure, another reason', () => {
  const { retries, source } = world();
  const one = source();
  expect(retries.failed(tools, away, one)).toBe(true);
  expect(retries.failed(tools, away, one)).toBe(false);
  expect(retries.failed(tools, { ...away, reason: 'other' }, one)).toBe(true);
  expect(retries.listed(tools)).toBe(true);
  expect(retries.listed(tools)).toBe(false);
});

it('keeps no more than it can, and what is still asked for before the rest', () => {
  const { clock, retries, source } = world();
  const one = source();
  retries.failed(tools, away, one);
  for (let i = 0; i < 5_000; i += 1) retries.failed({ ...remote, instance: `copy/${i}` }, away, undefined);
  expect(retries.ofServer('s').length).toBeLessThanOrEqual(1_000);
  expect(retries.troubleOf(tools)).toBeDefined();
  expect(clock.waiting).toBe(1);
});
