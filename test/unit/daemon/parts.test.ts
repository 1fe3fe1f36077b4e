// Parts that live together. Breaks when an end runs in another order than the start backwards, or when one part's trouble
// keeps the others from ending.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { type DaemonPart, Parts } from '../../../src/daemon/parts.ts';

let did: string[];
let logged: { event: string; fields: Record<string, unknown> | undefined }[];
let parts: Parts;
beforeEach(() => {
  vi.useFakeTimers();
  [did, logged] = [[], []];
  const note = (event: string, fields?: Record<string, unknown>) => void logged.push({ event, fields });
  parts = new Parts({ ...silentLog, warn: note, error: note });
});
afterEach(() => vi.useRealTimers());

function part(name: string, more: Partial<DaemonPart> = {}): DaemonPart {
  return {
    name,
    start: () => void did.push(`+${name}`),
    stop: (reason) => void did.push(`-${name} ${reason}`),
    ...more,
  };
}

const never = () => new Promise<void>(() => {});

it('starts in order, each when the one before it has started, and stops in reverse', async () => {
  const slow = async () => {
    await Promise.resolve();
    did.push('+b');
  };
  await parts.start([part('a'), part('b', { start: slow }), part('c')]);
  expect(did).toEqual(['+a', '+b', '+c']);
  await parts.stop('idle');
  expect(did.slice(3)).toEqual(['-c idle', '-b idle', '-a idle']);
});

it('waits for the end of one before the next ends', async () => {
  let release = () => {};
  const ends = () => new Promise<void>((resolve) => (release = resolve));
  await parts.start([part('a'), part('b', { stop: ends })]);
  const stopped = parts.stop('idle');
  await vi.advanceTimersByTimeAsync(100);
  expect(did).toEqual(['+a', '+b']);
  release();
  await stopped;
  expect(did.at(-1)).toBe('-a idle');
});

it('ends at once what ends at once: nothing else runs in between', async () => {
  await parts.start([part('a'), part('b')]);
  void parts.stop('idle');
  expect(did).toEqual(['+a', '+b', '-b idle', '-a idle']);
});

it('stops what has started when a start fails, in reverse, and says what failed', async () => {
  const failing = part('c', { start: () => Promise.reject(new Error('no port')) });
  await expect(parts.start([part('a'), part('b'), failing, part('d')])).rejects.toThrow('no port');
  expect(did).toEqual(['+a', '+b', '-b c did not start', '-a c did not start']);
});

it('stops once, and whoever asks again waits for the same end', async () => {
  let release = () => {};
  await parts.start([part('a', { stop: () => new Promise<void>((resolve) => (release = resolve)) }), part('b')]);
  const first = parts.stop('idle');
  let isOver = false;
  const second = parts.stop('SIGTERM').then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(10);
  expect(isOver).toBe(false);
  release();
  await Promise.all([first, second]);
  expect(did).toEqual(['+a', '+b', '-b idle']);
});

it('goes on when an end throws or rejects, and logs whose it was', async () => {
  const throwing = part('b', {
    stop: () => {
      throw new Error('broken');
    },
  });
  const rejecting = part('c', { stop: () => Promise.reject(new Error('refused')) });
  await parts.start([part('a'), throwing, rejecting]);
  await parts.stop('idle');
  expect(did.at(-1)).toBe('-a idle');
  expect(logged.map(({ fields }) => fields?.['part'])).toEqual(['c', 'b']);
});

it('does not wait longer for an end than that part may take', async () => {
  await parts.start([part('a'), part('quick', { stop: never, endMs: 50 }), part('usual', { stop: never })]);
  const stopped = parts.stop('idle');
  await vi.advanceTimersByTimeAsync(4_900);
  expect(logged).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  await stopped;
  expect(logged.map(({ fields }) => fields?.['part'])).toEqual(['usual', 'quick']);
  expect(did.at(-1)).toBe('-a idle');
});

it('ends what is still starting when it is told to stop, and starts nothing more', async () => {
  let release = () => {};
  const start = () => new Promise<void>((resolve) => (release = resolve));
  const starting = parts.start([part('a'), part('b', { start }), part('c')]);
  await vi.advanceTimersByTimeAsync(1);
  const stopped = parts.stop('SIGTERM');
  release();
  await expect(starting).rejects.toThrow('SIGTERM');
  await stopped;
  expect(did).toEqual(['+a', '-a SIGTERM', '-b SIGTERM']);
});
