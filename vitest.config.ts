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

const e2e = {
  ...{ testTimeout: 600_000, hookTimeout: 600_000 },
  globalSetup: [...shared.globalSetup, 'test/support/fetch-programs.ts'],
};
/** What takes the whole machine, one after the other. */
const loads = ['faults-crowd', 'faults-hosts', 'faults-storm', 'stampede', 'steady-load'].map(
  (name) => `test/e2e/${name}.test.ts`,
);

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
      project('e2e', ['test/e2e/**/*.test.ts'], { ...e2e, exclude: loads, sequence: { groupOrder: 1 }, maxWorkers: 3 }),
      project('e2e-load', loads, { ...e2e, sequence: { groupOrder: 2 }, maxWorkers: 1 }),
    ],
  },
});
