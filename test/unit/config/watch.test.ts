import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfigWatch, watchConfig } from '../../../src/config/watch.ts';
import { eventually } from '../../support/eventually.ts';

describe('watchConfig', () => {
  let home = '';
  let folder = '';
  let path = '';
  let changes = 0;
  let watch: ConfigWatch | undefined;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'config-watch-'));
    folder = join(home, 'd');
    path = join(folder, 'c.json');
    mkdirSync(folder);
    changes = 0;
  });
  afterEach(() => {
    watch?.close();
    rmSync(home, { recursive: true, force: true });
  });
  const start = () => {
    watch = watchConfig(path, () => {
      changes += 1;
      return true;
    });
  };
  const seen = (count: number, what: string) => eventually(() => changes === count, { what });

  it('sees creation, a write in place, a rename over it, and removal', async () => {
    start();
    writeFileSync(path, '1');
    await seen(1, 'the creation');
    appendFileSync(path, '2');
    await seen(2, 'the write');
    writeFileSync(`${path}.tmp`, '3');
    renameSync(`${path}.tmp`, path);
    await seen(3, 'the rename');
    rmSync(path);
    await seen(4, 'the removal');
  });

  it('survives removal and re-creation of the folder', async () => {
    writeFileSync(path, '1');
    start();
    rmSync(folder, { recursive: true });
    await seen(1, 'the removal');
    mkdirSync(folder);
    writeFileSync(path, '22');
    await seen(2, 'the new file');
    appendFileSync(path, '3');
    await seen(3, 'a write in the new folder');
  });

  it('sees the first file in a folder that was removed while it was empty', async () => {
    start();
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await new Promise((resolve) => setImmediate(resolve)); // lets the event of the removal arrive
    writeFileSync(path, '1');
    await seen(1, 'the file in the new folder');
    appendFileSync(path, '2');
    await seen(2, 'a write');
  });

  it('sees a change of the target of a link, and another target', async () => {
    writeFileSync(join(home, 'one'), '1');
    writeFileSync(join(home, 'two'), '2');
    symlinkSync(join(home, 'one'), path);
    start();
    appendFileSync(join(home, 'one'), 'x');
    await seen(1, 'a write to the target');
    symlinkSync(join(home, 'two'), `${path}.new`);
    renameSync(`${path}.new`, path);
    await seen(2, 'another target');
    appendFileSync(join(home, 'two'), 'x');
    await seen(3, 'a write to the new target');
  });

  it('waits for a pause, says nothing for other files, and nothing after close', () => {
    const timers: { run: () => void; ms: number; isLive: boolean }[] = [];
    const later = (run: () => void, ms: number) => {
      const timer = { run, ms, isLive: true };
      timers.push(timer);
      return () => {
        timer.isLive = false;
      };
    };
    const live = () => timers.filter(({ isLive }) => isLive);
    const count = () => changes;
    watch = watchConfig(
      path,
      () => {
        changes += 1;
        return true;
      },
      { later },
    );
    writeFileSync(join(folder, 'other.log'), 'x');
    const poll = live()[0];
    poll?.run();
    expect(live().some(({ ms }) => ms === 150)).toBe(false);
    writeFileSync(path, '1');
    live().at(-1)?.run(); // the poll finds the change and starts the pause
    expect(count()).toBe(0);
    const pause = live().find(({ ms }) => ms === 150);
    pause?.run();
    expect(count()).toBe(1);
    writeFileSync(path, '12');
    watch.close();
    for (const timer of timers) timer.run();
    expect(count()).toBe(1);
    expect(live()).toEqual([]);
  });

  describe('asked before an answer', () => {
    const timers = new Set<() => void>();
    let settled: boolean[] = [];
    let isWhole = true;
    const open = () => {
      timers.clear();
      settled = [];
      isWhole = true;
      const later = (run: () => void, ms: number) => {
        if (ms === 150) timers.add(run);
        return () => timers.delete(run);
      };
      const take = (isSettled: boolean) => {
        settled.push(isSettled);
        return isWhole;
      };
      watch = watchConfig(path, take, { later });
      return watch;
    };
    const pause = () => {
      for (const run of [...timers]) {
        timers.delete(run);
        run();
      }
    };

    it('takes a change at once, and reads it again after the pause', () => {
      const asked = open();
      writeFileSync(path, '1');
      asked.check();
      asked.check();
      expect(settled).toEqual([false]);
      expect(asked.isChanged()).toBe(false);
      pause();
      expect(settled).toEqual([false, true]);
    });

    it('offers half a file once, and the whole one as soon as it is there', () => {
      const asked = open();
      isWhole = false;
      writeFileSync(path, '1');
      asked.check();
      asked.check();
      expect(settled).toEqual([false]);
      expect(asked.isChanged()).toBe(true);
      isWhole = true;
      writeFileSync(path, '12');
      asked.check();
      expect(settled).toEqual([false, false]);
    });

    it('leaves a file that is absent for a moment to the pause', () => {
      writeFileSync(path, '1');
      const asked = open();
      rmSync(path);
      asked.check();
      expect(asked.isChanged()).toBe(false);
      expect(settled).toEqual([]);
    });
  });
});
