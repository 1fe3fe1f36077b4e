// What a killed daemon left and its journal does not name: killed between a start and its entry, or the file was deleted.
// Every process of a copy carries a marker with the tag of its run folder; whoever holds that folder's lock knows that no
// other daemon of it lives. Linux only: elsewhere environments of processes are not readable and the journal is all.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readSystemFile } from '../../base/system-file.ts';
import { type EndTimes, endTree, listProcesses, type ProcessEntry } from './process-tree.ts';
import { markerName } from './server-process.ts';

/** Stands in the marker of all copies of one daemon name in one run folder. */
export function markerTag(journalPath: string): string {
  return createHash('sha256').update(journalPath).digest('hex').slice(0, 12);
}

/** Ends every tree with this tag that is below no living daemon; how many processes there were. Holds the lock: see above. */
export async function reapMarked(tag: string, times?: EndTimes): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const processes = listProcesses();
  const byPid = new Map(processes.map((entry) => [entry.pid, entry]));
  const trees = new Map<string, ProcessEntry[]>();
  for (const entry of processes) {
    const marker = entry.state === 'Z' ? undefined : markerOf(entry.pid, tag);
    // A daemon whose folder was deleted under it still serves its sessions and ends its copies itself.
    if (marker === undefined || isBelowDaemon(entry, byPid)) continue;
    trees.set(marker, [...(trees.get(marker) ?? []), entry]);
  }
  const ends = [...trees].map(([marker, known]) =>
    endTree({ pid: -1, pgid: -1, startTime: '0', marker, known }, times ? { times } : {}),
  );
  await Promise.all(ends);
  return [...trees.values()].reduce((sum, members) => sum + members.length, 0);
}

function markerOf(pid: number, tag: string): string | undefined {
  try {
    if (statSync(`/proc/${pid}`).uid !== process.getuid?.()) return undefined;
    const environ = readSystemFile(`/proc/${pid}/environ`).split('\0');
    return environ.find((text) => text.startsWith(`${markerName}=`) && text.includes(`-${tag}-`));
  } catch {
    return undefined; // gone, or not ours to read
  }
}

function isBelowDaemon(entry: ProcessEntry, byPid: ReadonlyMap<number, ProcessEntry>): boolean {
  const seen = new Set<number>();
  for (let at = byPid.get(entry.ppid); at && !seen.has(at.pid); at = byPid.get(at.ppid)) {
    if (at.state !== 'Z' && /\0[^\0]*daemon\.cjs\0/.test(readSystemFile(`/proc/${at.pid}/cmdline`))) return true;
    seen.add(at.pid);
  }
  return false;
}
