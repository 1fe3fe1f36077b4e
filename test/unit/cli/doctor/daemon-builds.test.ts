// What doctor says of the builds beside each other. Breaks when two that cannot be put in order go unnoticed, or when one
// build alone is a finding.
import { describe, expect, it } from 'vitest';
import { buildFindings } from '../../../../src/cli/doctor/daemon.ts';

const build = (version: string, fingerprint: string) => ({ version, fingerprint });

describe('the build of the daemon', () => {
  it('is no finding while it is the only one, or the newest', () => {
    const one = build('1.0.0', 'a');
    expect(buildFindings({ running: one, own: one, installed: [one, build('0.9.0', 'z')] })).toEqual([]);
  });

  it('is noted with what it waits for, when a newer one is installed', () => {
    const running = build('1.0.0', 'a');
    const upgrade = { to: build('1.1.0', 'b'), waitsFor: 'It waits for 2 running calls.' };
    expect(buildFindings({ running, upgrade, own: running, installed: [upgrade.to, running] })).toMatchObject([
      { severity: 'note', what: 'The daemon runs version 1.0.0; 1.1.0 is installed. It waits for 2 running calls.' },
    ]);
  });

  it('is noted beside another one of the same version, whether that is installed or asks', () => {
    const [running, other] = [build('1.0.0', 'a'), build('1.0.0', 'b')];
    const noted = [{ severity: 'note', what: expect.stringContaining('1.0.0+a; 1.0.0+b stands beside it') }];
    expect(buildFindings({ running, own: running, installed: [other] })).toMatchObject(noted);
    expect(buildFindings({ running, own: other, installed: [running] })).toMatchObject(noted);
  });
});
