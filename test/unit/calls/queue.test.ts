import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../src/calls/queue.ts';

function queue(limits: Partial<ConstructorParameters<typeof FairQueue>[0]> = {}) {
  const ran: string[] = [];
  const made = new FairQueue({ maxQueued: 100, maxConcurrent: 1, hasRoom: () => true, ...limits });
  return { ran, made, push: (owner: string, name = owner) => made.push(owner, () => ran.push(name)) };
}

describe('the queue of one copy', () => {
  it('serves sessions in turn, each in its own order', () => {
    const { ran, made, push } = queue();
    push('first');
    for (const name of ['a1', 'a2', 'a3']) push('a', name);
    push('b', 'b1');
    push('c', 'c1');
    push('b', 'b2');
    for (let i = 0; i < 7; i += 1) made.done();
    expect(ran).toEqual(['first', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
    expect(made.queued).toBe(0);
  });

  it('takes no more than its bound', () => {
    const { push } = queue({ maxQueued: 2 });
    expect([push('a'), push('a'), push('a')].every(Boolean)).toBe(true);
    expect(push('a')).toBeUndefined();
  });

  it('waits for room, and goes on when there is some', () => {
    let hasRoom = false;
    const { ran, made, push } = queue({ maxConcurrent: 10, hasRoom: () => hasRoom });
    push('a');
    push('b');
    expect(ran).toEqual([]);
    hasRoom = true;
    made.pump();
    expect(ran).toEqual(['a', 'b']);
  });

  it('never runs what was cancelled while it waited, and says so', () => {
    const { ran, made, push } = queue();
    const running = push('a', 'running');
    const waiting = push('a', 'waiting');
    push('b', 'other');
    expect(running?.cancel()).toBe(false);
    expect(waiting?.cancel()).toBe(true);
    expect(waiting?.cancel()).toBe(false);
    made.done();
    made.done();
    expect(ran).toEqual(['running', 'other']);
    expect(made.queued).toBe(0);
  });

  it('runs everything that was taken once, never more at a time than allowed', () => {
    const owner = fc.constantFrom('a', 'b', 'c', 'd');
    const steps = fc.array(
      fc.oneof(
        owner.map((name) => ({ push: name })),
        fc.constant({ done: true }),
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (actions, maxConcurrent) => {
        let [active, taken, ran] = [0, 0, 0];
        const made = new FairQueue({ maxQueued: 20, maxConcurrent, hasRoom: () => true });
        const done = () => {
          if (active === 0) return;
          active -= 1;
          made.done();
        };
        for (const action of actions) {
          if ('done' in action) done();
          else {
            const ticket = made.push(action.push, () => {
              active += 1;
              ran += 1;
            });
            if (ticket) taken += 1;
          }
          expect(active).toBeLessThanOrEqual(maxConcurrent);
        }
        while (active > 0) done();
        expect(ran).toBe(taken);
      }),
    );
  });
});
