// Which processes belong to a test: those whose environment holds the test's own temporary home. Nobody else has it.
import { readdirSync, readFileSync } from 'node:fs';
import { linuxStat } from '../../src/base/process-identity.ts';

export type OwnProcess = { pid: number; command: string };

export function processesOf(home: string): OwnProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name): OwnProcess[] => {
      const pid = Number(name);
      if (pid === process.pid || !read(pid, 'environ').includes(home) || linuxStat(pid)?.state === 'Z') return [];
      return [{ pid, command: read(pid, 'cmdline').replaceAll('\0', ' ').trim() }];
    });
}

export function isDaemon({ command }: OwnProcess): boolean {
  return /\bdaemon\.cjs\b/.test(command);
}

/** What is known of a process may be gone between two reads. */
function read(pid: number, file: 'environ' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}
