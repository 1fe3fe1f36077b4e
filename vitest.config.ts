import { defineConfig } from 'vitest/config';
import { buildDefines } from './scripts/build-defines.ts';
import { LongestFirst } from './test/support/longest-first.ts';

// One project per kind of test; `npm test` runs unit, contract, integration and transparency, CI adds e2e.
// The limits end a hang; no test that is right comes near them, on whatever machine.
const shared = { testTimeout: 180_000, hookTimeout: 180_000, globalSetup: ['test/support/global-setup.ts'] };
const project = (name: string, include: string[], extra = {}) => ({
  define: buildDefines('test'),
  test: { ...shared, name, include, pool: 'forks' as const, ...extra },
});

export default defineConfig({
  test: {
    // More than the two cores of the smallest machine: most files mostly wait, for programs and for what the product waits for.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './test/support/plain-summary.ts'],
    projects: [
      project('unit', ['test/unit/**/*.test.ts']),
      project('contract', ['test/contract/**/*.test.ts']),
      project('integration', ['test/integration/**/*.test.ts']),
      project('transparency', ['test/transparency/**/*.test.ts']),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 600_000, hookTimeout: 600_000, fileParallelism: false }),
    ],
  },
});
