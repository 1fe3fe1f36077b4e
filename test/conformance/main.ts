// `npm run conformance`: the official suite through the daemon in front of the conformance fixture, and its client
// scenarios against wrapper and daemon (the built ones) in front of the suite's own servers.
//   --rounds N     four suites at the same time, N times
//   --only NAME    one part: active, 2025-11-25, stdio, 2026-07-28, translated, down-translated, client-2025-11-25, client-2026-07-28, none
//   --verbose      what the suite printed
import { execFileSync } from 'node:child_process';
import { root } from '../../scripts/build-defines.ts';
import { startHttpDaemon } from '../support/http-daemon.ts';
import { expectedFailures, runClientScenarios } from './client/run-scenarios.ts';
import { failuresIn, runSuite, type Selection, type SuiteResult, type Tally } from './run-suite.ts';
import { conformanceServers } from './servers.ts';
import { fetchSuite } from './suite-programs.ts';
import { openTokenFront } from './token-front.ts';

async function main(argv: readonly string[]): Promise<number> {
  const programs = await fetchSuite();
  const daemon = await startHttpDaemon({ servers: conformanceServers });
  const front = await openTokenFront(daemon);
  let failures = 0;
  const url = (server: string) => `http://127.0.0.1:${front.port}/mcp/${server}`;
  const run = (server: string, select: Selection) => runSuite({ programs, url: url(server), select });
  const report = (title: string, result: SuiteResult, expected: readonly string[] = []) => {
    const figures = ({ scenarios, failed, checks, failedChecks }: Tally) =>
      `${scenarios - failed.length}/${scenarios} scenarios, ${checks - failedChecks}/${checks} checks`;
    const { scored, all, output } = result;
    const others = all.scenarios > scored.scenarios ? ` (with those that are not scored: ${figures(all)})` : '';
    console.log(`${title}: ${figures(scored)}${others} ${scored.failed.join(' ')}`);
    const isBad = scored.scenarios === 0 || scored.failed.join() !== expected.join();
    if (isBad) failures += 1;
    if (argv.includes('--verbose') || scored.scenarios === 0) console.log(output);
  };
  try {
    const only = argv.indexOf('--only');
    const wants = (name: string) => only < 0 || argv[only + 1] === name;
    if (wants('active')) report('active', await run('legacy-http', { suite: 'active' }));
    if (wants('2025-11-25')) report('2025-11-25', await run('legacy-http', { requirements: '2025-11-25' }));
    if (wants('stdio')) report('active, over stdio', await run('legacy', { suite: 'active' }));
    if (wants('2026-07-28')) report('2026-07-28', await run('modern', { requirements: '2026-07-28' }));
    if (wants('down-translated'))
      report('active, on a server of 2026-07-28', await run('modern-http', { suite: 'active' }));
    if (wants('translated'))
      report(
        '2026-07-28 on a legacy server',
        await run('legacy-http', { requirements: '2026-07-28' }),
        failuresIn('expected-failures-translated.yaml'),
      );
    for (const revision of ['2025-11-25', '2026-07-28']) {
      if (!wants(`client-${revision}`)) continue;
      execFileSync(process.execPath, ['--import', 'tsx', 'scripts/build.ts'], { cwd: root, stdio: 'inherit' });
      const expected = expectedFailures();
      const findings = await runClientScenarios(programs, revision);
      const scored = findings.filter(({ isScored }) => isScored);
      const bad = scored.filter(({ scenario, failed }) => failed.length > 0 !== expected.includes(scenario));
      const passed = scored.filter(({ failed }) => failed.length === 0).length;
      console.log(`client, ${revision}: ${passed}/${scored.length} scenarios, ${bad.length} not as expected`);
      for (const { scenario, failed, output } of bad) {
        console.log(`  ${scenario}: ${failed.join('; ') || 'passes, and is expected to fail'}`);
        if (argv.includes('--verbose')) console.log(output);
      }
      if (scored.length === 0 || bad.length > 0) failures += 1;
    }
    const rounds = argv.includes('--rounds') ? Number(argv[argv.indexOf('--rounds') + 1]) : 0;
    for (let round = 1; round <= rounds; round += 1) {
      const results = await Promise.all([1, 2, 3, 4].map(() => run('legacy-http', { suite: 'active' })));
      results.forEach((result, i) => {
        report(`round ${round}, suite ${i + 1}`, result);
      });
    }
  } finally {
    front.close();
    await daemon.stop();
  }
  return failures === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
