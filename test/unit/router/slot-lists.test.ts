// How often one MCP session with a server is asked for its lists.
import { expect, it } from 'vitest';
import { emptyListing } from '../../../src/catalog/server-face.ts';
import { type ListName, listNames } from '../../../src/mcp/lists.ts';
import { type Outcome, SlotLists } from '../../../src/router/slot-lists.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

function world(lists: readonly ListName[] = listNames) {
  const clock = new FakeClock();
  const asked: { list: ListName; at: number }[] = [];
  const waiting: { list: ListName; answer: () => void; fail: (error: unknown) => void }[] = [];
  const taken: ReadonlyMap<ListName, Outcome>[] = [];
  const slot = new SlotLists(lists, {
    fetch: (list) => {
      asked.push({ list, at: clock.now() });
      return new Promise((resolve, fail) => waiting.push({ list, answer: () => resolve(emptyListing), fail }));
    },
    take: (outcomes) => taken.push(outcomes),
    clock,
  });
  const answerAll = async () => {
    for (const { answer } of waiting.splice(0)) answer();
    await settle();
  };
  const took = () => taken.map((outcomes) => [...outcomes.keys()]);
  return { clock, slot, asked, waiting, taken, took, answerAll };
}

/** Whether it is settled by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await settle();
  return done;
}

it('takes what comes together at once, and does not hold it back for what does not come', async () => {
  const { clock, slot, waiting, took, answerAll } = world();
  const all = slot.ask(listNames);
  const [tools, ...others] = waiting.splice(0);
  tools?.answer();
  await settle();
  expect(took()).toEqual([]);
  expect(await isDone(slot.settled('tools'))).toBe(false);
  await clock.pass(300);
  expect(took()).toEqual([['tools']]);
  expect(await isDone(slot.settled('tools'))).toBe(true);
  expect(await isDone(slot.settled())).toBe(false);
  for (const { answer } of others) answer();
  await settle();
  expect(took()).toEqual([['tools'], ['prompts', 'resources', 'resourceTemplates']]);
  expect(await isDone(all)).toBe(true);
  void slot.ask(listNames, true);
  await answerAll();
  expect(took().at(-1)).toEqual([...listNames]);
});

it('asks nothing that the server has not, and says of each what became of it', async () => {
  const { slot, asked, waiting, taken } = world(['prompts']);
  void slot.ask(listNames);
  expect(asked.map(({ list }) => list)).toEqual(['prompts']);
  const error = new Error('refused');
  waiting.splice(0)[0]?.fail(error);
  await settle();
  expect(taken.map((outcomes) => [...outcomes])).toEqual([[['prompts', { error }]]]);
  expect(await isDone(slot.settled('tools'))).toBe(true);
});

it('asks once more for all that changed while it asked', async () => {
  const { clock, slot, asked, answerAll } = world(['tools']);
  void slot.ask(['tools']);
  const changes = Array.from({ length: 200 }, () => slot.ask(['tools']));
  expect(asked).toHaveLength(1);
  await answerAll();
  await clock.pass(50);
  expect(asked).toHaveLength(2);
  expect(await isDone(Promise.all(changes))).toBe(false);
  await answerAll();
  expect(await isDone(Promise.all(changes))).toBe(true);
  await clock.pass(60_000);
  expect(asked).toHaveLength(2);
});

it('pauses longer and longer for a server that changes with each answer, and hears it at once after a quiet time', async () => {
  const { clock, slot, asked, answerAll } = world(['tools']);
  void slot.ask(['tools']);
  for (let step = 0; step < 6_000; step += 1) {
    if (asked.length > 0) void slot.ask(['tools']);
    await answerAll();
    await clock.pass(10);
  }
  const pauses = asked.map(({ at }, i) => at - (asked[i - 1]?.at ?? 0));
  expect(asked.length).toBeLessThan(25);
  expect(Math.max(...pauses)).toBeLessThan(5_100);
  expect(pauses.slice(-3).every((ms) => ms >= 5_000)).toBe(true);
  await clock.pass(60_000);
  await answerAll();
  await clock.pass(60_000);
  const before = asked.length;
  void slot.ask(['tools']);
  expect(asked).toHaveLength(before + 1);
});

it('asks without a pause where somebody waits for it, never twice at the same time', async () => {
  const { clock, slot, asked, answerAll } = world(['tools']);
  void slot.ask(['tools']);
  void slot.ask(['tools']);
  await answerAll();
  expect(asked).toHaveLength(1);
  const urgent = slot.ask(['tools'], true);
  expect(asked).toHaveLength(2);
  const next = slot.ask(['tools'], true);
  expect(asked).toHaveLength(2);
  await answerAll();
  expect(await isDone(urgent)).toBe(true);
  expect(asked).toHaveLength(3);
  expect(await isDone(next)).toBe(false);
  await answerAll();
  expect(await isDone(next)).toBe(true);
  await clock.pass(60_000);
  expect(asked).toHaveLength(3);
});

it('asks no more when it is over, and keeps nobody waiting', async () => {
  const { clock, slot, asked, answerAll, waiting } = world(['tools']);
  void slot.ask(['tools']);
  await answerAll();
  const paused = slot.ask(['tools']);
  slot.end();
  expect(await isDone(paused)).toBe(true);
  expect(await isDone(slot.ask(['tools'], true))).toBe(true);
  await clock.pass(60_000);
  expect(asked).toHaveLength(1);
  expect(waiting).toEqual([]);
  expect(clock.waiting).toBe(0);
});

it('is old so long after its last answer, not while a newer one is on its way, nor for a list that is not there', async () => {
  const { clock, slot, answerAll } = world(['tools']);
  const isOld = () => slot.isOlderThan('tools', 2_000);
  void slot.ask(['tools']);
  expect(isOld()).toBe(false);
  await answerAll();
  expect(isOld()).toBe(false);
  await clock.pass(2_001);
  expect([isOld(), slot.isOlderThan('prompts', 0)]).toEqual([true, false]);
  void slot.ask(['tools']);
  expect(isOld()).toBe(false);
});
