// The endpoint: who answers, who does not and why, and what a dead daemon left.
import { lstatSync, renameSync } from 'node:fs';
import { removeIfPresent } from '../../base/atomic-file.ts';
import { isRunning } from '../../base/process-identity.ts';
import { probe } from '../../daemon-client/probe.ts';
import { type Build, compareVersions, describeBuild, ownBuild, protocolMajor } from '../../link/build.ts';
import type { ListFailure, UpgradeStatus } from '../../link/control.ts';
import { readEndpoint } from '../../link/endpoint.ts';
import { listInstalled } from '../../link/installed.ts';
import { failedListText } from '../render/failed-list.ts';
import type { Check, CheckFinding, DoctorFacts } from './check.ts';

export const daemon: Check = {
  name: 'endpoint',
  title: 'The daemon and its endpoint',
  run: async (facts) => {
    const { found } = facts;
    if (found.problem) {
      const { message, hint = 'mcp-proxy restart --force' } = found.problem;
      return [{ severity: 'error', what: message, fix: { say: hint } }, ...folderInTheWay(facts)];
    }
    return [...(await (found.status ? running(facts) : absent(facts))), ...folderInTheWay(facts)];
  },
};

function running({ found: { status }, context: { locations } }: DoctorFacts): CheckFinding[] {
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
  for (const { name, listFailures = [] } of status.servers) {
    for (const failure of listFailures) findings.push(failedList(name, failure));
  }
  const installed = listInstalled(locations.appDir, protocolMajor).map((one) => one.build);
  findings.push(...buildFindings({ running: build, upgrade, own: ownBuild, installed }));
  return findings;
}

/** Without its tools a server is of no use; what else it refuses is worth a word. */
function failedList(server: string, failure: ListFailure): CheckFinding {
  const what = failedListText(failure, `Server "${server}": its`, Date.now());
  const say = `mcp-proxy restart ${server}; its output: mcp-proxy logs ${server}`;
  return { severity: failure.list === 'tools' ? 'warning' : 'note', what, fix: { say } };
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
  const left = [pidPath, socketPath].filter(
    (path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === false,
  );
  if (left.length === 0) return [];
  const apply = async () => {
    // Asked again: a daemon may have started since.
    const now = readEndpoint(pidPath);
    if ((now && isRunning(now)) || (await probe(socketPath)).kind !== 'absent') return;
    for (const path of left) removeIfPresent(path);
  };
  const fix = { say: 'The next daemon replaces it. Now: mcp-proxy doctor --fix', apply };
  const isDamaged = endpoint === undefined && left.includes(pidPath);
  const damage = isDamaged ? ` ${pidPath} cannot be read as what a daemon writes.` : '';
  return [{ severity: 'note', what: `A daemon that was killed left ${left.join(' and ')}.${damage}`, fix }];
}

/** A file of any content is replaced; a folder keeps the daemon from writing its own. */
function folderInTheWay({ context: { locations } }: DoctorFacts): CheckFinding[] {
  return [locations.pidPath, locations.lockKeyPath].flatMap((path): CheckFinding[] => {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
    const fix = { say: `mv '${path}' '${path}.old'`, apply: () => renameSync(path, `${path}.old`) };
    return [{ severity: 'error', what: `${path} is a folder, and the daemon needs a file there.`, fix }];
  });
}

// Which build the daemon is, and what stands beside it: a newer one that waits, or another one of the same version.

type BuildView = {
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
