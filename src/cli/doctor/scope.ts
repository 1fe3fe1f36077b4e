// Whose the run folder is: this machine and boot, a container that sees the same home, or another host; and whether the
// system ends the daemon at logout.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfPresent } from '../../base/atomic-file.ts';
import { isRecord } from '../../link/hello.ts';
import { ownScope } from '../../link/scope.ts';
import { plural } from '../render/format.ts';
import type { Check, CheckFinding, DoctorFacts } from './check.ts';

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

const logindFiles = ['/etc/systemd/logind.conf'];
const logindFolders = ['/etc/systemd/logind.conf.d', '/run/systemd/logind.conf.d', '/usr/lib/systemd/logind.conf.d'];

function logout({ context: { env } }: DoctorFacts): CheckFinding[] {
  if (process.platform !== 'linux' || !existsSync('/run/systemd/system')) return [];
  const files = [
    ...logindFolders.flatMap((folder) => listing(folder).map((name) => join(folder, name))),
    ...logindFiles,
  ];
  const killsProcesses = files.some((file) => /^\s*KillUserProcesses\s*=\s*(?:yes|true|on|1)\s*$/im.test(read(file)));
  const user = env['USER'] ?? env['LOGNAME'] ?? '';
  if (!killsProcesses || (user && existsSync(`/var/lib/systemd/linger/${user}`))) return [];
  return [
    {
      severity: 'warning',
      what: 'This system ends all processes at logout (KillUserProcesses=yes), the daemon too.',
      fix: { say: `Sessions start it again. To keep it for tmux and the like: loginctl enable-linger ${user}`.trim() },
    },
  ];
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

function listing(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not there, or not ours to read
  }
}
