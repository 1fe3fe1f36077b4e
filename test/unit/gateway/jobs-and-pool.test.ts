import { describe, expect, it } from 'vitest';
import { createDynamicPool } from '../../../src/gateway/dynamic-pool.ts';
import type { JobContext } from '../../../src/gateway/job.ts';
import { createJobRecords } from '../../../src/gateway/job-records.ts';
import { Jobs } from '../../../src/gateway/jobs.ts';

const limits = { maxRunning: 2, maxFinished: 2, maxOwnerless: 3, finishedMs: 1_000 };
const unknown = 'No job of this session has that id.';
const detached = { access: 'server' };
const access = new Set(['server', 'another']);
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
    const jobs = new Jobs({ now: () => now }, limits);
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
    const jobs = new Jobs({ now: () => 0 }, limits);
    const id = jobs.start({ session: 'a', label: 't', run: held().run });
    expect(() => jobs.status('b', id)).toThrow('No job of this session has that id.');
    expect(() => jobs.cancel('b', 'nope')).toThrow('No job of this session has that id.');
    expect(jobs.list('b')).toEqual([]);
  });

  it('cancels the call itself, and a late answer changes nothing', async () => {
    const jobs = new Jobs({ now: () => 0 }, limits);
    const { contexts, finish, run } = held();
    const id = jobs.start({ session: 'a', label: 't', run });
    expect(jobs.cancel('a', id).state).toBe('cancelled');
    expect(contexts[0]?.signal.aborted).toBe(true);
    finish[0]?.('late');
    await settle();
    expect(jobs.status('a', id).state).toBe('cancelled');
  });

  it('reports a failure, even one thrown before the call began', async () => {
    const jobs = new Jobs({ now: () => 0 }, limits);
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
    const jobs = new Jobs({ now: () => now }, limits);
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
    const jobs = new Jobs({ now: () => 0 }, limits);
    const { contexts, run } = held();
    jobs.start({ session: 'a', label: 't', run });
    jobs.start({ session: 'a', label: 't', detached, run });
    jobs.closeSession('a');
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    expect(jobs.runningCount).toBe(1);
    jobs.close();
    expect(contexts[1]?.signal.aborted).toBe(true);
  });
});

describe('detached jobs without a session', () => {
  it('are told to nobody but who names them and may use their server, and are theirs from then on', async () => {
    const jobs = new Jobs({ now: () => 0 }, limits);
    const { finish, run } = held();
    const [done, running] = [
      jobs.start({ session: 'a', label: 'done', detached, run }),
      jobs.start({ session: 'a', label: 'running', detached, run }),
    ];
    for (const id of [done, running]) expect(Buffer.from(id, 'base64url')).toHaveLength(16);
    finish[0]?.('result');
    await settle();
    expect(() => jobs.status('b', done, access)).toThrow(unknown); // its session is there
    jobs.closeSession('a');
    for (const session of ['a', 'b']) expect(jobs.list(session)).toEqual([]);
    expect(() => jobs.status('b', done)).toThrow(unknown);
    expect(() => jobs.status('b', done, new Set(['another']))).toThrow(unknown);
    expect(() => jobs.cancel('b', running, new Set())).toThrow(unknown);
    expect(() => jobs.status('b', 'forged', access)).toThrow(unknown);
    expect(jobs.status('b', done, access)).toMatchObject({ state: 'completed', result: 'result' });
    expect(jobs.list('b')).toMatchObject([{ id: done }]);
    expect(jobs.cancel('b', running, access).state).toBe('cancelled');
    for (const session of ['a', 'c']) expect(() => jobs.status(session, done, access)).toThrow(unknown);
    jobs.closeSession('b');
    expect(jobs.status('c', done, access).state).toBe('completed');
  });

  it('take what the store keeps for them along, also what comes later', () => {
    const moved: string[] = [];
    const moveKept = (...of: string[]): void => void moved.push(of.join(' '));
    const jobs = new Jobs({ now: () => 0, moveKept }, limits);
    const { contexts, run } = held();
    const id = jobs.start({ session: 'a', label: 't', detached, run });
    jobs.start({ session: 'a', label: 't', run });
    contexts[0]?.onKept('r1');
    contexts[1]?.onKept('not detached');
    expect(moved).toEqual([]);
    jobs.closeSession('a');
    contexts[0]?.onKept('r2');
    jobs.status('b', id, access);
    contexts[0]?.onKept('r3');
    expect(moved).toEqual(['r1 a ', 'r2 a ', 'r1  b', 'r2  b', 'r3 a b']);
    expect([jobs.runningFor('a'), jobs.runningFor('b')]).toEqual([1, 0]);
  });

  it('are bounded: by age once they ended, and in number, finished ones first', async () => {
    let now = 0;
    const jobs = new Jobs({ now: () => now }, limits);
    const { contexts, finish, run } = held();
    const startIn = (session: string) => {
      const id = jobs.start({ session, label: 't', detached, run });
      return () => jobs.status('z', id, access).state;
    };
    const running = startIn('a');
    const done = startIn('b');
    finish[1]?.(1);
    await settle();
    for (const session of ['a', 'b']) jobs.closeSession(session);
    const others = ['c', 'd', 'e'].map((session) => {
      const state = startIn(session);
      jobs.closeSession(session);
      return state;
    });
    expect(done).toThrow(unknown);
    expect(running).toThrow(unknown);
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, false, false, false, false]);
    finish[2]?.(1);
    await settle();
    now = 1_001;
    expect(others[0]).toThrow(unknown);
    expect(others[1]?.()).toBe('running');
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
    const before = new Jobs({ now: () => now, records }, { ...limits, maxRunning: 4, maxFinished: 9 });
    const { run, finish } = held();
    const running = before.start({ session: 'a', label: 'one', run });
    const completed = before.start({ session: 'a', label: 'two', run });
    const cancelled = before.start({ session: 'a', label: 'three', run });
    const failed = before.start({ session: 'a', label: 'four', run: () => Promise.reject(new Error('boom')) });
    finish[1]?.('result');
    before.cancel('a', cancelled);
    await settle();
    now = 50;
    const after = new Jobs({ now: () => now, records }, limits);
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
    const before = new Jobs({ now: () => 0, records }, limits);
    const { run, finish } = held();
    const id = before.start({ session: 'a', label: 't', run });
    before.close();
    const after = new Jobs({ now: () => 0, records }, limits);
    expect(after.list('a')).toMatchObject([{ id, state: 'failed' }]);
    after.start({ session: 'a', label: 't', run });
    after.closeSession('a');
    finish[1]?.('late');
    await settle();
    expect(saved.size).toBe(0);
  });

  it('are told of to who names them, where they were detached and their session ended', async () => {
    const { records } = disk();
    const { run } = held();
    const before = new Jobs({ now: () => 0, records }, limits);
    const first = before.start({ session: 'a', label: 'first', detached, run });
    before.closeSession('a');
    const between = new Jobs({ now: () => 0, records }, limits);
    // It was not asked for when the next one is left behind.
    const second = between.start({ session: 'b', label: 'second', detached, run });
    const after = new Jobs({ now: () => 0, records }, limits);
    after.closeSession('b');
    for (const [id, label] of [
      [first, 'first'],
      [second, 'second'],
    ] as const) {
      expect(() => after.status('c', id, new Set())).toThrow(unknown);
      expect(after.status('c', id, access)).toMatchObject({
        ...{ state: 'failed', label },
        error: expect.stringContaining('may have run'),
      });
    }
    const last = new Jobs({ now: () => 0, records }, limits);
    expect(() => last.status('d', first, access)).toThrow(unknown);
    expect(last.list('c')).toMatchObject([{ id: first }, { id: second }]);
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
