// Whether the system ends the daemon at logout: systemd-logind with KillUserProcesses, without lingering.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSystemFile } from '../../base/system-file.ts';
import { type CheckFinding, listing } from './check.ts';

const logindFiles = ['etc/systemd/logind.conf'];
/** In the order in which systemd reads them: what comes later wins. */
const logindFolders = ['usr/lib/systemd/logind.conf.d', 'run/systemd/logind.conf.d', 'etc/systemd/logind.conf.d'];

/** `root`: where the system's files are. */
export function logoutFindings({ root, user }: { root: string; user: string }): CheckFinding[] {
  if (!existsSync(join(root, 'run/systemd/system'))) return [];
  const settings = readSettings(root);
  if (!isYes(settings['KillUserProcesses']) || isExempt(settings, user)) return [];
  if (user && existsSync(join(root, 'var/lib/systemd/linger', user))) return [];
  return [
    {
      severity: 'warning',
      what: 'This system ends all processes at logout (KillUserProcesses=yes), the daemon too.',
      fix: { say: `Sessions start it again. To keep it for tmux and the like: loginctl enable-linger ${user}`.trim() },
    },
  ];
}

type Settings = Partial<Record<string, string>>;

function readSettings(root: string): Settings {
  const dropIns = new Map<string, string>();
  // One name stands for one file: a later folder's replaces an earlier one's, and names decide the order.
  for (const folder of logindFolders) {
    for (const name of listing(join(root, folder)))
      if (name.endsWith('.conf')) dropIns.set(name, join(root, folder, name));
  }
  const files = [...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
  const settings: Settings = {};
  for (const file of [...logindFiles.map((name) => join(root, name)), ...files]) {
    for (const [, key = '', value = ''] of readSystemFile(file).matchAll(/^\s*(Kill\w+)\s*=\s*(.*?)\s*$/gm))
      settings[key] = value;
  }
  return settings;
}

function isYes(value: string | undefined): boolean {
  return /^(?:yes|true|on|1|y|t)$/i.test(value ?? '');
}

/** Only the listed users are meant, or all but the listed ones; root is spared where nothing is said. */
function isExempt({ KillOnlyUsers, KillExcludeUsers }: Settings, user: string): boolean {
  const names = (value: string | undefined) => (value ?? '').split(/\s+/).filter(Boolean);
  const only = names(KillOnlyUsers);
  if (only.length > 0) return !only.includes(user);
  return names(KillExcludeUsers ?? 'root').includes(user);
}
