import { expect, it } from 'vitest';
import { whyNodeTooOld } from '../../../src/cli/node-version.ts';

it('refuses Node before 20 and says what to install', () => {
  expect(whyNodeTooOld('v20.0.0')).toBeUndefined();
  expect(whyNodeTooOld('v24.1.0')).toBeUndefined();
  expect(whyNodeTooOld('v18.20.8')).toContain('needs Node.js 20 or newer; this is v18.20.8');
});
