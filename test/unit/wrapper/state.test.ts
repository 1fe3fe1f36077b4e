import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type RelayEvent, type RelayState, transition, transitions } from '../../../src/wrapper/state.ts';

const run = (events: RelayEvent[], from: RelayState = 'connecting') => events.reduce(transition, from);

it.each<[RelayEvent[], RelayState]>([
  [['dial', 'accepted'], 'ready'],
  [['dial', 'launch', 'dial', 'accepted'], 'ready'],
  [['dial', 'failed'], 'lost'],
  [['dial', 'accepted', 'lost', 'dial', 'accepted'], 'ready'],
  [['dial', 'accepted', 'drain'], 'draining'],
  [['dial', 'accepted', 'drain', 'lost'], 'lost'],
  [['dial', 'refused', 'dial', 'launch'], 'degraded'],
  [['dial', 'refused', 'dial', 'accepted'], 'ready'],
])('%j leads to %s', (events, state) => {
  expect(run(events)).toBe(state);
});

it('is ready only by an accepted hello and never leaves closed', () => {
  const event = fc.constantFrom<RelayEvent>('dial', 'accepted', 'launch', 'failed', 'refused', 'lost', 'drain', 'end');
  fc.assert(
    fc.property(fc.array(event), event, (events, last) => {
      const [before, after] = [run(events), run([...events, last])];
      if (after === 'ready' && before !== 'ready') expect(last).toBe('accepted');
      if (before === 'closed') expect(after).toBe('closed');
      if (last === 'end') expect(after).toBe('closed');
    }),
  );
});

it('names a way out of every state but closed', () => {
  for (const [state, ways] of Object.entries(transitions)) {
    if (state !== 'closed') expect(ways.end).toBe('closed');
  }
});
