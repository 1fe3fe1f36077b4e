// Who listens on a TCP port of this machine, for the message that says so. Linux only; elsewhere nothing is said.
import { readdirSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { readSystemFile } from './system-file.ts';

export function describePortHolder(port: number): string | undefined {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return undefined;
  for (const pid of entries('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = entries(`/proc/${pid}/fd`).some((fd) => inodes.has(target(`/proc/${pid}/fd/${fd}`)));
    if (holds) return `process ${pid} (${programOf(pid)})`;
  }
  return 'a process of another user';
}

/** The program and what it runs, but no options: they may carry secrets. */
function programOf(pid: string): string {
  const [program = '', script = ''] = readSystemFile(`/proc/${pid}/cmdline`, 'latin1').split('\0');
  if (program === '') return readSystemFile(`/proc/${pid}/comm`, 'latin1').trim();
  return script.startsWith('/') ? `${basename(program)} ${script}` : basename(program);
}

function listeningInodes(port: number): Set<string> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readSystemFile(table, 'latin1').split('\n').slice(1)) {
      const fields = line.trim().split(/\s+/);
      // 0A: listening
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A') inodes.add(`socket:[${fields[9]}]`);
    }
  }
  return inodes;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // gone, or another user's
  }
}

function target(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
