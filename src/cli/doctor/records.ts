// Session records whose host is gone, and files among them that are none.
import { isRunning } from '../../base/process-identity.ts';
import { listRecordPids, readRecord, removeRecord } from '../../link/record.ts';
import { plural } from '../render/format.ts';
import { type Check, type CheckFinding, listing } from './check.ts';

export const records: Check = {
  name: 'records',
  title: 'Session records',
  run: ({ context: { locations } }) => {
    const { recordsDir } = locations;
    return [...dead(recordsDir), ...strange(recordsDir)];
  },
};

function dead(recordsDir: string): CheckFinding[] {
  const isDead = (pid: number) => !isRunning(readRecord(recordsDir, pid) ?? { pid });
  const pids = listRecordPids(recordsDir).filter(isDead);
  if (pids.length === 0) return [];
  const apply = () => {
    for (const pid of pids.filter(isDead)) removeRecord(recordsDir, pid);
  };
  return [
    {
      severity: 'note',
      what: `${plural(pids.length, 'record')} of sessions that are gone: ${recordsDir}/{${firstOf(pids)}}.`,
      fix: { say: 'The next daemon removes them. Now: mcp-proxy doctor --fix', apply },
    },
  ];
}

/** Never removed from here: what is in another format may be another program's. */
function strange(recordsDir: string): CheckFinding[] {
  const names = listing(recordsDir).filter((name) => {
    // The temporary name of a record that is being written.
    if (/^\d+\.\d+\.\w+\.tmp$/.test(name)) return false;
    const pid = /^[1-9]\d{0,9}$/.test(name) ? Number(name) : undefined;
    return pid === undefined || (isRunning({ pid }) && readRecord(recordsDir, pid) === undefined);
  });
  if (names.length === 0) return [];
  return [
    {
      severity: 'note',
      what: `${plural(names.length, 'file')} among the session records cannot be read as one: ${recordsDir}/{${firstOf(names)}}. The daemon passes over ${names.length === 1 ? 'it' : 'them'}.`,
      fix: { say: `If no other program needs ${names.length === 1 ? 'it' : 'them'}, remove by hand.` },
    },
  ];
}

function firstOf(names: readonly (string | number)[]): string {
  return `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
}
