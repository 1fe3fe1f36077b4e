import { defineConfig } from 'vitest/config';
import { buildDefines } from './scripts/build-defines.ts';

// One project per kind of test; `npm test` runs unit, contract, integration and transparency, CI adds e2e.
const shared = { testTimeout: 30_000, hookTimeout: 30_000, globalSetup: ['test/support/global-setup.ts'] };
const project = (name: string, include: string[], extra = {}) => ({
  define: buildDefines('test'),
  test: { ...shared, name, include, pool: 'forks' as const, ...extra },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    reporters: ['default', './test/support/plain-summary.ts'],
    projects: [
      project('unit', ['test/unit/**/*.test.ts']),
      project('contract', ['test/contract/**/*.test.ts']),
      project('integration', ['test/integration/**/*.test.ts']),
      project('transparency', ['test/transparency/**/*.test.ts']),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 240_000, hookTimeout: 300_000, fileParallelism: false }),
    ],
  },
});
