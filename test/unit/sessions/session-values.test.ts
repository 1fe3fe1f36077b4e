import { expect, it } from 'vitest';
import { Session } from '../../../src/sessions/session.ts';

function open(wants: readonly string[]) {
  const self = { pid: 1, startTime: '1' };
  return new Session({
    identity: { id: 'i', lifeId: 's', host: self, wrapper: self, projectDir: '/p', folder: '/p', projectRoot: '/p' },
    sink: { send: () => {}, bufferedBytes: 0, close: () => {} },
    baseline: {},
    served: {},
    idPrefix: 'd',
    wants,
    now: () => 0,
    maxBufferedBytes: 1,
  });
}

it('waits for the answer to the last question, not for that to an earlier one', async () => {
  const session = open(['A']);
  session.expectValues();
  session.expectValues();
  session.setValues({ A: '1' });
  session.setValues({ A: '1', B: '2' });
  expect(session.hasValues).toBe(false);
  session.setValues({ A: '1', B: '2', C: '3' });
  expect(session.hasValues).toBe(true);
  await session.valuesReady();
  expect(session.values).toEqual({ A: '1', B: '2', C: '3' });
});

it('has all it needs when nothing is mentioned, and counts the empty answer of its wrapper all the same', () => {
  const session = open([]);
  expect(session.hasValues).toBe(true);
  session.expectValues();
  session.setValues({});
  expect(session.hasValues).toBe(false);
  session.setValues({ A: '1' });
  expect(session.hasValues).toBe(true);
});

it('needs no further answer when one comes unasked', () => {
  const session = open(['A']);
  session.setValues({ A: '1' });
  session.setValues({ A: '2' });
  session.expectValues();
  expect(session.hasValues).toBe(false);
  session.setValues({ A: '3' });
  expect(session.hasValues).toBe(true);
});
