import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { within } from '../../../src/base/within.ts';

describe('within', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('goes on as soon as it is done, and leaves no timer', async () => {
    await within(Promise.resolve(), 1_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('goes on at the end of the time, and not before', async () => {
    let isOver = false;
    const waiting = within(new Promise(() => {}), 1_000).then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
  });

  it('does not wait without time', async () => {
    await within(new Promise(() => {}), 0);
  });

  it('fails as what it waits for does, and leaves no timer', async () => {
    await expect(within(Promise.reject(new Error('no')), 1_000)).rejects.toThrow('no');
    expect(vi.getTimerCount()).toBe(0);
  });
});
