// run/mcp-servers/<pid>: who is at work, for people and tools. Advisory: the open connection is the lease.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import { readForeignText } from '../base/foreign-file.ts';
import { isRecord } from '../base/guards.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';

export type SessionRecord = {
  /** The host's. */
  pid: number;
  startTime: string;
  sessionId?: string;
  projectDir: string;
  /** ISO time at which the session was first seen. */
  since: string;
  /** Names of the daemons it uses; empty until a wrapper connected. */
  daemons: string[];
  /** Written for a host that runs no hook: nobody else will remove it while the host lives. */
  byDaemon?: true;
};

/** A forged record must cost nothing: longer ones are not read. */
const maxRecordBytes = 16_384;

export function writeRecord(recordsDir: string, record: SessionRecord): void {
  ensurePrivateDir(recordsDir);
  writeFileAtomic(join(recordsDir, String(record.pid)), `${JSON.stringify(record)}\n`);
}

export function readRecord(recordsDir: string, pid: number): SessionRecord | undefined {
  const reading = readForeignText(join(recordsDir, String(pid)), { maxBytes: maxRecordBytes, isLinkRefused: true });
  if (reading.kind !== 'text') return undefined;
  try {
    const value: unknown = JSON.parse(reading.text);
    if (!isRecord(value) || value['pid'] !== pid || typeof value['startTime'] !== 'string') return undefined;
    return {
      pid,
      startTime: value['startTime'],
      ...(typeof value['sessionId'] === 'string' ? { sessionId: value['sessionId'] } : {}),
      projectDir: typeof value['projectDir'] === 'string' ? value['projectDir'] : '',
      since: typeof value['since'] === 'string' ? value['since'] : new Date(reading.stat.mtimeMs).toISOString(),
      daemons: Array.isArray(value['daemons']) ? value['daemons'].filter((d) => typeof d === 'string') : [],
      ...(value['byDaemon'] === true ? { byDaemon: true as const } : {}),
    };
  } catch {
    return undefined; // half of an older format, or forged
  }
}

/** Pids that have a record file, readable or not. Names that are no pid are left alone. */
export function listRecordPids(recordsDir: string): number[] {
  try {
    return readdirSync(recordsDir)
      .filter((name) => /^[1-9]\d{0,9}$/.test(name))
      .map(Number);
  } catch {
    return []; // no session yet
  }
}

export function removeRecord(recordsDir: string, pid: number): void {
  removeIfPresent(join(recordsDir, String(pid)));
}
