// The order of a run: the files that take longest begin, so that none of them is alone at its end. A fresh checkout has no
// cache that would say which. Those that mostly wait stand beside those that compute.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Beginnings of what is behind `test/`; a file that is not here comes after these, the larger first. */
const longest: readonly string[] = [
  'contract/growth',
  'integration/stopped-servers',
  'integration/migrate-kill',
  'integration/sharing-reload',
  'integration/hostile-files',
  'integration/modes-jobs',
  'unit/results/shield-lossless',
  'integration/sharing-lifecycle',
  'integration/refused-lists',
  'unit/migrate/fixtures',
  'integration/daemon-reload',
  'unit/migrate/hostile-files',
  'integration/daemon-bad',
  'integration/wrapper-outage',
  'integration/daemon-lifetime',
  'integration/modes-',
  'integration/daemon-',
  'integration/upstream-gateway',
  'integration/modern-',
  'integration/',
  'e2e/claude-plugin',
  'e2e/claude-migrate',
  'e2e/conformance',
  'e2e/claude-',
  'e2e/faults-',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const name = moduleId.slice(moduleId.lastIndexOf('/test/') + '/test/'.length);
      const at = longest.findIndex((beginning) => name.startsWith(beginning));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
