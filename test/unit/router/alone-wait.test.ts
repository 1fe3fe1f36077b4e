import { expect, it } from 'vitest';
import { aloneWaitMs } from '../../../src/router/lists.ts';

it('a server alone behind its entry is waited for less long than the least patient host waits', () => {
  expect(aloneWaitMs).toBeLessThan(5_000);
});
