// Which build the daemon is, and what stands beside it: a newer one that waits, or another one of the same version.
import { type Build, compareVersions, describeBuild } from '../../link/build.ts';
import type { UpgradeStatus } from '../../link/control.ts';
import type { CheckFinding } from './check.ts';

export type BuildView = {
  running: Build;
  upgrade?: UpgradeStatus | undefined;
  own: Build;
  installed: readonly Build[];
};

export function buildFindings({ running, upgrade, own, installed }: BuildView): CheckFinding[] {
  const findings: CheckFinding[] = [];
  if (upgrade || compareVersions(running.version, own.version) < 0) {
    const newer = upgrade?.to.version ?? own.version;
    findings.push({
      severity: 'note',
      what: `The daemon runs version ${running.version}; ${newer} is installed. ${upgrade?.waitsFor ?? ''}`.trim(),
      fix: { say: 'It is replaced when nothing would be lost. At once: mcp-proxy restart' },
    });
  }
  const twin = [own, ...installed].find(
    ({ version, fingerprint }) => version === running.version && fingerprint !== running.fingerprint,
  );
  if (twin) {
    findings.push({
      severity: 'note',
      what: `The daemon is build ${describeBuild(running)}; ${describeBuild(twin)} stands beside it. Builds of one version cannot be put in order, so neither replaces the other.`,
      fix: { say: 'To run the installed one: mcp-proxy restart' },
    });
  }
  return findings;
}
