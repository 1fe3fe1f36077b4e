// Closes a run with one plain line, so that any CI can count tests without knowing the runner, after the names of the
// tests that were skipped with their reason; leaves the names of the files that failed to who asked for them.
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** Names the file that gets the failed test files, as a JSON array of paths. */
export const failedListVariable = 'MCP_PROXY_TEST_FAILED_LIST';

export default class PlainSummary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const count = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state, ...result } = test.result();
        if (state === 'passed' || state === 'failed' || state === 'skipped') count[state] += 1;
        // Without a filter, so none was left out by a name: the reason is its note, or stands in its name.
        if (state === 'skipped' && process.env[failedListVariable] !== undefined) {
          const note = 'note' in result && result.note ? `: ${result.note}` : '';
          console.log(`skipped: ${module.relativeModuleId} > ${test.fullName}${note}`);
        }
      }
    }
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
    const list = process.env[failedListVariable];
    // An error outside every test belongs to no file: a second run of some files would hide it.
    if (list === undefined || unhandled.length > 0) return;
    writeFileSync(
      list,
      JSON.stringify(modules.filter((module) => !module.ok()).map((module) => module.relativeModuleId)),
    );
  }
}
