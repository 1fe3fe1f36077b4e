// Keeps run/mcp-servers/ true: completes records of connected sessions, removes those of dead hosts.

import type { Log } from '../base/log.ts';
import { isRunning } from '../base/process-identity.ts';
import { listRecordPids, readRecord, removeRecord, type SessionRecord, writeRecord } from '../link/record.ts';
import type { Session } from './session.ts';

/** A record whose wrapper has not come yet holds the daemon so long: hosts start hooks and servers in any order. */
export const recordGraceMs = 60_000;

export type Records = {
  /** A session connected. */
  complete: (session: Session) => void;
  /** Somebody deleted files of sessions that are connected. */
  restore: (sessions: readonly Session[]) => void;
  /** A session's connection ended; another of the same host may go on. */
  leave: (session: Session, others: readonly Session[]) => void;
  /** Removes records of hosts that are gone; returns how many young ones have no session yet. */
  prune: (sessions: readonly Session[]) => number;
};

export function createRecords(options: {
  recordsDir: string;
  daemonName: string;
  log: Log;
  now: () => number;
}): Records {
  const { recordsDir, daemonName, log, now } = options;
  // Advisory files: whatever goes wrong with them must not touch a session.
  const guarded = <T>(what: string, fallback: T, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      log.warn('records.failed', { what, error });
      return fallback;
    }
  };
  /** Its hook ran, its wrapper has still to come. */
  const isAwaited = ({ pid, byDaemon, since }: SessionRecord, connected: ReadonlySet<number>) =>
    !byDaemon && !connected.has(pid) && isYoung(now() - Date.parse(since));
  const records: Records = {
    restore: (sessions) => {
      const present = new Set(listRecordPids(recordsDir));
      for (const session of sessions) {
        const { host, wrapper } = session.identity;
        // A program without a wrapper has no record.
        if (wrapper.pid > 0 && !present.has(host.pid) && isRunning(host)) records.complete(session);
      }
    },
    complete: ({ identity, since }) =>
      guarded('complete', undefined, () => {
        const { host, hostSessionId, projectDir } = identity;
        const found = readRecord(recordsDir, host.pid);
        const old = found?.startTime === host.startTime ? found : undefined;
        const sessionId = old?.sessionId ?? hostSessionId;
        writeRecord(recordsDir, {
          pid: host.pid,
          startTime: host.startTime,
          ...(sessionId ? { sessionId } : {}),
          projectDir: old?.projectDir || projectDir,
          since: old?.since ?? new Date(since).toISOString(),
          daemons: [...new Set([...(old?.daemons ?? []), daemonName])],
          ...(old === undefined || old.byDaemon ? { byDaemon: true } : {}),
        });
      }),
    leave: ({ identity }, others) =>
      guarded('leave', undefined, () => {
        if (others.some((other) => other.identity.host.pid === identity.host.pid)) return;
        const record = readRecord(recordsDir, identity.host.pid);
        if (!record || record.startTime !== identity.host.startTime) return;
        // Never written again here: the host's hook may be removing it at this moment. A host without a hook may live on
        // for long (a harness, a program that switched us off): nothing but this removes its record.
        if (record.byDaemon || !isRunning(record)) removeRecord(recordsDir, record.pid);
      }),
    prune: (sessions) =>
      guarded('prune', 0, () => {
        const connected = new Set(sessions.map(({ identity }) => identity.host.pid));
        let waiting = 0;
        for (const pid of listRecordPids(recordsDir)) {
          const record = readRecord(recordsDir, pid);
          // A file in another format may be another program's: only a dead pid makes it nobody's.
          if (!isRunning(record ?? { pid })) removeRecord(recordsDir, pid);
          else if (record && isAwaited(record, connected)) waiting += 1;
        }
        return waiting;
      }),
  };
  return records;
}

/** A time in the future (the clock was set back) must not hold the daemon for ever. */
function isYoung(ageMs: number): boolean {
  return ageMs >= 0 && ageMs < recordGraceMs;
}
