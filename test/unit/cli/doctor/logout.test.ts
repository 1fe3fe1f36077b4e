// When the system ends the daemon at logout, in copies of the files that say so.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { logoutFindings } from '../../../../src/cli/doctor/logout.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcp-proxy-system-'));
  mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, text = '') => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const found = (user = 'ada') => logoutFindings({ root, user });
const ended = [
  {
    severity: 'warning',
    what: 'This system ends all processes at logout (KillUserProcesses=yes), the daemon too.',
    fix: { say: 'Sessions start it again. To keep it for tmux and the like: loginctl enable-linger ada' },
  },
];

it('warns where KillUserProcesses is on, and names the way out', () => {
  write('etc/systemd/logind.conf', '[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\n');
  expect(found()).toEqual(ended);
});

it('is silent where it is off, only written in a comment, or the system has no systemd', () => {
  write('etc/systemd/logind.conf', '[Login]\n#KillUserProcesses=yes\n');
  expect(found()).toEqual([]);
  write('etc/systemd/logind.conf', '[Login]\nKillUserProcesses=no\n');
  expect(found()).toEqual([]);
  write('etc/systemd/logind.conf', '[Login]\nKillUserProcesses=yes\n');
  rmSync(join(root, 'run'), { recursive: true });
  expect(found()).toEqual([]);
});

it('reads the files that add to it in the order of the system: the last word counts', () => {
  write('etc/systemd/logind.conf', '[Login]\nKillUserProcesses=yes\n');
  write('usr/lib/systemd/logind.conf.d/50-distribution.conf', '[Login]\nKillUserProcesses=no\n');
  expect(found()).toEqual([]);
  write('etc/systemd/logind.conf.d/60-admin.conf', '[Login]\nKillUserProcesses = true\n');
  expect(found()).toEqual(ended);
  // The same name replaces the distribution's file.
  write('etc/systemd/logind.conf.d/60-admin.conf', '');
  write('run/systemd/logind.conf.d/50-distribution.conf', '[Login]\nKillUserProcesses=yes\n');
  expect(found()).toEqual(ended);
});

it('is silent for users who linger or are spared', () => {
  write('etc/systemd/logind.conf', '[Login]\nKillUserProcesses=yes\n');
  expect(found('root')).toEqual([]);
  write('var/lib/systemd/linger/ada');
  expect(found()).toEqual([]);
  rmSync(join(root, 'var'), { recursive: true });
  write('etc/systemd/logind.conf', '[Login]\nKillUserProcesses=yes\nKillExcludeUsers=root ada\n');
  expect(found()).toEqual([]);
  write('etc/systemd/logind.conf', '[Login]\nKillUserProcesses=yes\nKillOnlyUsers=bob\n');
  expect(found()).toEqual([]);
  expect(found('bob')).toHaveLength(1);
});
