// Whose the run folder is: this machine and boot, a container that sees the same home, or another host; and whether the
// system ends the daemon at logout.
import { join } from 'node:path';
import { readFileIfPresent } from '../../base/atomic-file.ts';
import { isRecord } from '../../base/guards.ts';
import { ownScope } from '../../link/scope.ts';
import { plural } from '../render/format.ts';
import { type Check, type CheckFinding, type DoctorFacts, listing } from './check.ts';
import { logoutFindings } from './logout.ts';

export const scope: Check = {
  name: 'scope',
  title: 'Containers, other hosts, logout',
  run: (facts) => [...owner(facts), ...otherScopes(facts), ...logout(facts)],
};

function owner({ context: { locations } }: DoctorFacts): CheckFinding[] {
  if (locations.runDir === locations.runRoot) return [];
  const mine = ownScope();
  const theirs = readOwner(join(locations.runRoot, 'scope'));
  const why =
    theirs['machine'] !== mine.machine
      ? `another machine (${theirs['host'] ?? 'unknown'}) that sees the same home`
      : 'another container or sandbox of this machine';
  return [
    {
      severity: 'note',
      what: `${locations.runRoot} belongs to ${why}; here ${locations.runDir} is used, with a daemon of its own.`,
      fix: {
        say: `Nothing has to be done. If the other one is gone for good: rm '${join(locations.runRoot, 'scope')}' while no daemon runs`,
      },
    },
  ];
}

function otherScopes({ context: { locations } }: DoctorFacts): CheckFinding[] {
  const folders = listing(locations.runRoot).filter(
    (name) => name.startsWith('scope-') && join(locations.runRoot, name) !== locations.runDir,
  );
  if (folders.length === 0) return [];
  return [
    {
      severity: 'note',
      what: `${plural(folders.length, 'folder')} of containers or other hosts in ${locations.runRoot}: ${folders.join(', ')}. What runs there cannot be seen from here.`,
      fix: { say: 'Those of containers that are gone can be removed by hand.' },
    },
  ];
}

function logout({ context: { env } }: DoctorFacts): CheckFinding[] {
  return process.platform === 'linux' ? logoutFindings({ root: '/', user: env['USER'] ?? env['LOGNAME'] ?? '' }) : [];
}

function readOwner(path: string): Record<string, string | undefined> {
  try {
    const value: unknown = JSON.parse(readFileIfPresent(path) ?? '{}');
    if (!isRecord(value)) return {};
    return Object.fromEntries(
      Object.entries(value).map(([key, text]) => [key, typeof text === 'string' ? text : undefined]),
    );
  } catch {
    return {}; // damaged: whoever cannot read it uses a folder of its own
  }
}
