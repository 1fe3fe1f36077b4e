// `npm test`: everything that runs on a developer's machine without a download. `--all` adds the end-to-end tests.
import { $ } from 'zx';

$.verbose = false;
const projects = [
  'unit',
  'contract',
  'integration',
  'transparency',
  ...(process.argv.includes('--all') ? ['e2e'] : []),
];
const result = await $({
  nothrow: true,
  stdio: 'inherit',
})`vitest run ${projects.flatMap((name) => ['--project', name])}`;
process.exitCode = result.exitCode ?? 1;
