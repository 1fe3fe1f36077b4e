import { describe, expect, it } from 'vitest';
import { createDynamicPool } from '../../../src/tools/dynamic-pool.ts';
import { createJobRecords } from '../../../src/tools/job-records.ts';
import { createJobs, type JobContext } from '../../../src/tools/jobs.ts';

const limits = { maxRunning: 2, maxFinished: 2, finishedMs: 1_000 };
function held() {
  const contexts: JobContext[] = [];
  const finish: ((value: unknown) => void)[] = [];
  const run = (context: JobContext): Promise<unknown> => {
    contexts.push(context);
    return new Promise((resolve) => finish.push(resolve));
  };
  return { contexts, finish, run };
}
const settle = async (): Promise<void> => {
  for (let n = 0; n < 5; n += 1) await Promise.resolve();
};

describe('jobs', () => {
  it('starts at once, shows progress and log, and keeps the result', async () => {
    let now = 5;
    const jobs = createJobs({ now: () => now }, limits);
    const { contexts, finish, run } = held();
    const id = jobs.start({ session: 'a', label: 't', run });
    contexts[0]?.onProgress({ progress: 1, total: 4, message: 'one' });
    expect(jobs.status('a', id)).toMatchObject({
      state: 'running',
      startedAt: 5,
      progress: { progress: 1, total: 4 },
      log: ['one'],
    });
    now = 9;
    finish[0]?.({ ok: 1 });
    await settle();
    expect(jobs.status('a', id)).toMatchObject({ state: 'completed', endedAt: 9, result: { ok: 1 } });
  });

  it('hides the jobs of other sessions like ones that never were', () => {
    const jobs = createJobs({ now: () => 0 }, limits);
    const id = jobs.start({ session: 'a', label: 't', run: held().run });
    expect(() => jobs.status('b', id)).toThrow('No job of this session has that id.');
    expect(() => jobs.cancel('b', 'nope')).toThrow('No job of this session has that id.');
    expect(jobs.list('b')).toEqual([]);
  });

  it('cancels the call itself, and a late answer changes nothing', async () => {
    const jobs = createJobs({ now: () => 0 }, limits);
    const { contexts, finish, run } = held();
    const id = jobs.start({ session: 'a', label: 't', run });
    expect(jobs.cancel('a', id).state).toBe('cancelled');
    expect(contexts[0]?.signal.aborted).toBe(true);
    finish[0]?.('late');
    await settle();
    expect(jobs.status('a', id).state).toBe('cancelled');
  });

  it('reports a failure, even one thrown before the call began', async () => {
    const jobs = createJobs({ now: () => 0 }, limits);
    const id = jobs.start({
      session: 'a',
      label: 't',
      run: () => {
        throw new Error('boom');
      },
    });
    await settle();
    expect(jobs.status('a', id)).toMatchObject({ state: 'failed', error: 'boom' });
  });

  it('limits running jobs for each session and forgets old finished ones', async () => {
    let now = 0;
    const jobs = createJobs({ now: () => now }, limits);
    const { finish, run } = held();
    const first = jobs.start({ session: 'a', label: 't', run });
    jobs.start({ session: 'a', label: 't', run });
    expect(() => jobs.start({ session: 'a', label: 't', run })).toThrow('2 jobs of this session are running');
    jobs.start({ session: 'b', label: 't', run });
    finish[0]?.(1);
    await settle();
    now = 1_001;
    expect(() => jobs.status('a', first)).toThrow('No job');
  });

  it('ends with its session unless detached', () => {
    const jobs = createJobs({ now: () => 0 }, limits);
    const { contexts, run } = held();
    jobs.start({ session: 'a', label: 't', run });
    jobs.start({ session: 'a', label: 't', isDetached: true, run });
    jobs.closeSession('a');
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(jobs.runningCount).toBe(1);
    jobs.close();
    expect(contexts[1]?.signal.aborted).toBe(true);
  });
});

describe('jobs of a daemon that is gone', () => {
  const disk = () => {
    const saved = new Map<string, unknown>();
    const files = {
      load: (session: string) => saved.get(session),
      save: (session: string, value: unknown) => void saved.set(session, JSON.parse(JSON.stringify(value))),
      forget: (session: string) => void saved.delete(session),
      expire: () => {},
    };
    return { saved, records: createJobRecords(files) };
  };

  it('are failed ones that may have run; cancelled and failed ones stay what they were', async () => {
    const { records } = disk();
    let now = 5;
    const before = createJobs({ now: () => now, records }, { ...limits, maxRunning: 4, maxFinished: 9 });
    const { run, finish } = held();
    const running = before.start({ session: 'a', label: 'one', run });
    const completed = before.start({ session: 'a', label: 'two', run });
    const cancelled = before.start({ session: 'a', label: 'three', run });
    const failed = before.start({ session: 'a', label: 'four', run: () => Promise.reject(new Error('boom')) });
    finish[1]?.('result');
    before.cancel('a', cancelled);
    await settle();
    now = 50;
    const after = createJobs({ now: () => now, records }, limits);
    expect(after.status('a', running)).toMatchObject({
      ...{ state: 'failed', label: 'one', startedAt: 5 },
      error: expect.stringContaining('may have run wholly or in part'),
    });
    expect(after.status('a', completed)).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('has run'),
    });
    expect(after.status('a', cancelled).state).toBe('cancelled');
    expect(after.status('a', failed)).toMatchObject({ state: 'failed', error: 'boom' });
    expect(() => after.status('b', running)).toThrow('No job of this session has that id.');
    now = 2_000;
    expect(after.list('a')).toEqual([]);
  });

  it('are told of after an orderly end too, and leave nothing when their session ends', async () => {
    const { saved, records } = disk();
    const before = createJobs({ now: () => 0, records }, limits);
    const { run, finish } = held();
    const id = before.start({ session: 'a', label: 't', run });
    before.close();
    const after = createJobs({ now: () => 0, records }, limits);
    expect(after.list('a')).toMatchObject([{ id, state: 'failed' }]);
    after.start({ session: 'a', label: 't', isDetached: true, run });
    after.closeSession('a');
    finish[1]?.('late');
    await settle();
    expect(saved.size).toBe(0);
  });
});

describe('dynamic pool', () => {
  it('takes the best K and evicts the least recently used', () => {
    const pool = createDynamicPool({ topK: 2, toolsLimit: 3 });
    expect(pool.retrieve(['a', 'b', 'c'])).toEqual({ added: ['b', 'a'], evicted: [] });
    pool.use('b');
    expect(pool.retrieve(['d', 'e'])).toEqual({ added: ['e', 'd'], evicted: ['a'] });
    expect(pool.retrieve(['d'])).toEqual({ added: [], evicted: [] });
    expect(pool.ids()).toEqual(['b', 'e', 'd']);
  });

  it('drops tools that are gone', () => {
    const pool = createDynamicPool();
    pool.retrieve(['a', 'b']);
    pool.retain((id) => id === 'a');
    expect(pool.ids()).toEqual(['a']);
  });

  it('follows its limits', () => {
    const limits = { topK: 3, toolsLimit: 9 };
    const pool = createDynamicPool(limits);
    pool.retrieve(['a', 'b', 'c']);
    limits.toolsLimit = 2;
    pool.retain(() => true);
    expect(pool.ids()).toEqual(['b', 'a']);
    limits.topK = 1;
    expect(pool.retrieve(['d', 'e']).added).toEqual(['d']);
  });
});
