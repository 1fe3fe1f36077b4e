// What a copy does when its end and a start meet.
import { expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { Admission } from '../../../src/upstream/admission.ts';
import { Instance } from '../../../src/upstream/instance.ts';
import { daemonEnds, stopCauses } from '../../../src/upstream/instance-errors.ts';

function createInstance() {
  const starts: string[] = [];
  let endNow: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    endNow = resolve;
  });
  const instance = new Instance({
    ...{ id: 'a-1', key: 'key', snapshotKey: 'snapshot', server: 'a', sharing: 'shared' },
    ...{ capabilities: {}, startTimeoutMs: 1_000 },
    opener: {
      isPerSession: false,
      isLocal: true,
      pid: () => undefined,
      describe: () => ({ environment: [] }),
      open: () => {
        starts.push('start');
        return Promise.reject(new Error('it does not start here'));
      },
      close: () => ended,
    },
    stderr: { write: () => {}, note: () => {}, begin: () => {}, tail: () => '' },
    events: { onReady: () => {}, onServerRequest: () => {}, onServerNotification: () => {}, onExit: () => {} },
    deps: { admission: new Admission(() => 1), log: silentLog, now: () => 0, random: () => 0 },
  });
  return { instance, starts, endNow };
}

it('is not started by who waited for its end, when that end turned out to be for good', async () => {
  const { instance, starts, endNow } = createInstance();
  const stopped = instance.stop(stopCauses.restarted);
  const waiting = instance.acquire('session');
  const closed = instance.close(daemonEnds('stop'));
  endNow();
  await Promise.all([stopped, closed]);
  await expect(waiting).rejects.toMatchObject({ code: 'SERVER_STOPPED', data: { mayHaveRun: false } });
  await expect(instance.acquire('another')).rejects.toMatchObject({ data: { mayHaveRun: false } });
  expect(starts).toEqual([]);
});

it('is started by who waited for its end, when it was only stopped', async () => {
  const { instance, starts, endNow } = createInstance();
  const stopped = instance.stop(stopCauses.idle);
  const waiting = instance.acquire('session');
  endNow();
  await stopped;
  await expect(waiting).rejects.toThrow('it does not start here');
  expect(starts).toEqual(['start']);
});

it('that never was ready has not lived, however long its start took: five such deaths are a crash loop', async () => {
  let now = 0;
  let words = 'from before';
  const instance = new Instance({
    ...{ id: 'a-1', key: 'key', snapshotKey: 'snapshot', server: 'a', sharing: 'shared' },
    ...{ capabilities: {}, startTimeoutMs: 1_000 },
    opener: {
      isPerSession: false,
      isLocal: true,
      pid: () => undefined,
      describe: () => ({ environment: [] }),
      open: (events) => {
        now += 10 * 60_000;
        events.onStderr(Buffer.from('no licence'));
        queueMicrotask(() => events.onExit({ reason: 'exited', code: 7, signal: null }));
        const done = () => Promise.resolve();
        return Promise.resolve({ send: done, close: done, pause: () => {}, resume: () => {} });
      },
    },
    stderr: {
      write: (chunk) => {
        words += chunk.toString();
      },
      note: () => {},
      begin: () => {
        words = '';
      },
      tail: () => words,
    },
    events: { onReady: () => {}, onServerRequest: () => {}, onServerNotification: () => {}, onExit: () => {} },
    deps: { admission: new Admission(() => 1), log: silentLog, now: () => now, random: () => 0 },
  });
  for (let n = 0; n < 5; n += 1) {
    await expect(instance.acquire('session')).rejects.toMatchObject({ code: 'SERVER_START_FAILED' });
    now += 30_000;
  }
  expect(instance.state).toBe('failed');
  const failed = { code: 'SERVER_FAILED', data: { exitCode: 7, stderr: 'no licence' } };
  await expect(instance.acquire('session')).rejects.toMatchObject(failed);
  await instance.stop(stopCauses.stoppedByPerson);
  expect(instance.state).toBe('failed');
  await expect(instance.acquire('session')).rejects.toMatchObject(failed);
});
