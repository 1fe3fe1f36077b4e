import { expect, test } from 'vitest';
import { measureMemory } from '../../../../src/upstream/process/process-facts.ts';

test('measures this process: a share of memory that is not above its resident size', async () => {
  const { pssBytes, rssBytes, processes } = await measureMemory([process.pid]);
  expect(processes).toBe(1);
  expect(rssBytes).toBeGreaterThan(20 * 1024 * 1024);
  if (process.platform === 'linux') {
    expect(pssBytes).toBeGreaterThan(5 * 1024 * 1024);
    expect(pssBytes).toBeLessThanOrEqual(rssBytes);
  } else expect(pssBytes).toBeUndefined();
});

test('counts nothing for processes that are gone', async () => {
  const gone = 2 ** 22 + 1; // above the largest pid of any system we run on
  expect(await measureMemory([gone])).toEqual({ pssBytes: undefined, rssBytes: 0, processes: 0 });
  expect((await measureMemory([process.pid, gone])).processes).toBe(1);
  expect(await measureMemory([])).toEqual({ pssBytes: undefined, rssBytes: 0, processes: 0 });
});
