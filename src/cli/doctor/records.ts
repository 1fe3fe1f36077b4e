// Session records whose host is gone, and what young ones mean for the end of the daemon.
import { isRunning } from '../../base/process-identity.ts';
import { listRecordPids, readRecord, removeRecord } from '../../link/record.ts';
import { plural } from '../render/format.ts';
import type { Check } from './check.ts';

export const records: Check = {
  name: 'records',
  title: 'Session records',
  run: ({ context: { locations } }) => {
    const isDead = (pid: number) => !isRunning(readRecord(locations.recordsDir, pid) ?? { pid });
    const dead = listRecordPids(locations.recordsDir).filter(isDead);
    if (dead.length === 0) return [];
    const apply = () => {
      for (const pid of dead.filter(isDead)) removeRecord(locations.recordsDir, pid);
    };
    const names = dead.slice(0, 10).join(', ');
    return [
      {
        severity: 'note',
        what: `${plural(dead.length, 'record')} of sessions that are gone: ${locations.recordsDir}/{${names}${dead.length > 10 ? ', …' : ''}}.`,
        fix: { say: 'The next daemon removes them. Now: mcp-proxy doctor --fix', apply },
      },
    ];
  },
};
