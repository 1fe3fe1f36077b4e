import { expect, it } from 'vitest';
import { Admission } from '../../../src/upstream/admission.ts';

it('lets so many start at a time, first come first served, and goes on after a failed one', async () => {
  const admission = new Admission(() => 2);
  const events: string[] = [];
  const failed: string[] = [];
  const releases = new Map<string, (error?: Error) => void>();
  const start = (name: string) =>
    admission
      .run(
        () =>
          new Promise<void>((resolve, reject) => {
            events.push(`begin ${name}`);
            releases.set(name, (error) => (error ? reject(error) : resolve()));
          }),
      )
      .catch(() => failed.push(name));
  const all = ['a', 'b', 'c', 'd'].map(start);
  await tick();
  expect(events).toEqual(['begin a', 'begin b']);
  expect(admission.waiting).toBe(2);
  releases.get('b')?.(new Error('no'));
  await tick();
  expect(events).toEqual(['begin a', 'begin b', 'begin c']);
  // Between the end of one and the next in line nobody gets in.
  releases.get('a')?.();
  all.push(start('e'));
  await tick();
  expect(events.slice(3)).toEqual(['begin d']);
  for (const name of ['c', 'd']) releases.get(name)?.();
  await tick();
  releases.get('e')?.();
  await Promise.all(all);
  expect(admission.waiting).toBe(0);
  expect(failed).toEqual(['b']);
  expect(events).toHaveLength(5);
});

const tick = () => new Promise((resolve) => setImmediate(resolve));
