// The endpoint: who answers, who does not and why, and what a dead daemon left.
import { lstatSync } from 'node:fs';
import { removeIfPresent } from '../../base/atomic-file.ts';
import { isRunning } from '../../base/process-identity.ts';
import { probe } from '../../daemon-client/probe.ts';
import { compareVersions, ownBuild } from '../../link/build.ts';
import { readEndpoint } from '../../link/endpoint.ts';
import type { Check, CheckFinding, DoctorFacts } from './check.ts';

export const daemon: Check = {
  name: 'endpoint',
  title: 'The daemon and its endpoint',
  run: async (facts) => {
    const { found } = facts;
    if (found.problem) {
      const { message, hint = 'mcp-proxy restart --force' } = found.problem;
      return [{ severity: 'error', what: message, fix: { say: hint } }];
    }
    return found.status ? running(facts) : absent(facts);
  },
};

function running({ found: { status } }: DoctorFacts): CheckFinding[] {
  if (!status) return [];
  const { build, upgrade } = status.daemon;
  const findings: CheckFinding[] = status.problems
    .filter((problem) => problem.code !== 'CONFIG_INVALID')
    .map(({ message, hint }) => ({ severity: 'error', what: message, ...(hint ? { fix: { say: hint } } : {}) }));
  for (const { name, state, lastError } of status.servers) {
    if (state !== 'failed' || !lastError) continue;
    const say = lastError.hint ?? `mcp-proxy restart ${name}`;
    findings.push({ severity: 'error', what: lastError.message, fix: { say } });
  }
  const isOlder = compareVersions(build.version, ownBuild.version) < 0;
  if (isOlder || upgrade) {
    const newer = upgrade?.to.version ?? ownBuild.version;
    findings.push({
      severity: 'note',
      what: `The daemon runs version ${build.version}; ${newer} is installed. ${upgrade?.waitsFor ?? ''}`.trim(),
      fix: { say: 'It is replaced when nothing would be lost. At once: mcp-proxy restart' },
    });
  }
  return findings;
}

async function absent({ context: { locations } }: DoctorFacts): Promise<CheckFinding[]> {
  const { pidPath, socketPath } = locations;
  const endpoint = readEndpoint(pidPath);
  const isStale = endpoint !== undefined && !isRunning(endpoint);
  if (endpoint && !isStale) {
    const what = `The process ${endpoint.pid} of the daemon runs, but nobody listens on ${socketPath}.`;
    return [
      {
        severity: 'warning',
        what,
        fix: { say: 'It puts its socket back within seconds. If not: mcp-proxy restart --force' },
      },
    ];
  }
  const left = [pidPath, socketPath].filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);
  if (left.length === 0) return [];
  const apply = async () => {
    // Asked again: a daemon may have started since.
    const now = readEndpoint(pidPath);
    if ((now && isRunning(now)) || (await probe(socketPath)).kind !== 'absent') return;
    for (const path of left) removeIfPresent(path);
  };
  const fix = { say: 'The next daemon replaces it. Now: mcp-proxy doctor --fix', apply };
  return [{ severity: 'note', what: `A daemon that was killed left ${left.join(' and ')}.`, fix }];
}
