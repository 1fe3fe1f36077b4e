import { expect, test } from 'vitest';
import { retryDelay } from '../../../../../src/upstream/transports/http/http-replies.ts';

test.each([
  [0, 500, 0, 500],
  [0, 500, 1, 625],
  [2, 500, 0, 843.75],
  [9, 1_000, 1, 37_500],
  [0, 60_000, 0, 60_000],
])('after %i failures and a named time of %i ms nobody comes back early (chance %d)', (failures, firstMs, chance, wait) => {
  expect(retryDelay(failures, firstMs, () => chance)).toBe(wait);
});
