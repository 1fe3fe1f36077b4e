// The official conformance suite through the daemon. `npm run conformance -- --rounds 20` does the last part longer.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedFailures, runClientScenarios } from '../conformance/client/run-scenarios.ts';
import { failuresIn, runSuite, type Selection, type Tally } from '../conformance/run-suite.ts';
import { conformanceServers } from '../conformance/servers.ts';
import { fetchSuite, type SuitePrograms } from '../conformance/suite-programs.ts';
import { openTokenFront, type TokenFront } from '../conformance/token-front.ts';
import { size } from '../support/full-size.ts';
import { type HttpDaemon, startHttpDaemon } from '../support/http-daemon.ts';

const clean = (scenarios: number, checks: number): Tally => ({ scenarios, failed: [], checks, failedChecks: 0 });

// The other direction: what the daemon says to servers, judged on the wire by the suite's own ones.
describe.each([
  ['2025-11-25', 18],
  ['2026-07-28', 32],
])('the client scenarios of revision %s', (revision, scenarios) => {
  it('pass through wrapper and daemon, except those that are expected to fail', async () => {
    const findings = await runClientScenarios(await fetchSuite(), revision);
    const scored = findings.filter(({ isScored }) => isScored);
    expect(scored).toHaveLength(scenarios);
    const failed = scored.filter((finding) => finding.failed.length > 0);
    const outputs = failed.map(({ output }) => output).join('\n');
    expect(
      failed.map(({ scenario }) => scenario),
      outputs,
    ).toEqual(expectedFailures().filter((name) => scored.some(({ scenario }) => scenario === name)));
  });
});

describe('the conformance suite through the daemon', () => {
  let programs: SuitePrograms;
  let daemon: HttpDaemon;
  let front: TokenFront;
  beforeAll(async () => {
    programs = await fetchSuite();
    daemon = await startHttpDaemon({ servers: conformanceServers });
    front = await openTokenFront(daemon);
  });
  afterAll(async () => {
    front?.close();
    await daemon?.stop();
  });

  const run = (server: string, select: Selection) =>
    runSuite({ programs, url: `http://127.0.0.1:${front.port}/mcp/${server}`, select });

  it('passes the active scenarios', async () => {
    const { all, output } = await run('legacy-http', { suite: 'active' });
    expect(all, output).toEqual(clean(31, 73));
  });

  it('passes the active scenarios in front of a server on a pipe', async () => {
    const { all, output } = await run('legacy', { suite: 'active' });
    expect(all, output).toEqual(clean(31, 73));
  });

  it('passes all that revision 2025-11-25 lists', async () => {
    const { all, output } = await run('legacy-http', { requirements: '2025-11-25' });
    expect(all, output).toEqual(clean(33, 84));
  });

  it.each(['modern', 'modern-http'])('passes what revision 2026-07-28 requires (%s)', async (server) => {
    const { scored, output } = await run(server, { requirements: '2026-07-28' });
    expect(scored, output).toEqual(clean(37, 120));
  });

  it.each([
    'modern',
    'modern-http',
  ])('passes the active scenarios in front of a server of 2026-07-28 (%s)', async (server) => {
    const { all, output } = await run(server, { suite: 'active' });
    expect(all, output).toEqual(clean(31, 73));
  });

  it('passes what revision 2026-07-28 requires in front of a server of the older family, as far as that can be', async () => {
    const { scored, output } = await run('legacy-http', { requirements: '2026-07-28' });
    expect(scored.scenarios, output).toBe(37);
    expect(scored.failed, output).toEqual(failuresIn('expected-failures-translated.yaml'));
  });

  it('passes four suites at the same time', async () => {
    for (let round = 0; round < size(3, 1); round += 1) {
      const results = await Promise.all([1, 2, 3, 4].map(() => run('legacy-http', { suite: 'active' })));
      for (const { all, output } of results) expect(all, output).toEqual(clean(31, 73));
    }
  });
});
