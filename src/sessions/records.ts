// Keeps run/mcp-servers/ true: completes records of connected sessions, removes those of dead hosts.

import type { Log } from '../base/log.ts';
import { isRunning } from '../base/process-identity.ts';
import { listRecordPids, readRecord, removeRecord, type SessionRecord, writeRecord } from '../link/record.ts';
import type { Session } from './session.ts';

/** A record whose wrapper has not come yet holds the daemon so long: hosts start hooks and servers in any order. */
export const recordGraceMs = 60_000;

export type RecordsOptions = { recordsDir: string; daemonName: string; log: Log; now: () => number };

export class Records {
  readonly #options: RecordsOptions;

  constructor(options: RecordsOptions) {
    this.#options = options;
  }

  /** A session connected. */
  complete({ identity, since }: Session): void {
    const { recordsDir, daemonName } = this.#options;
    const { host, hostSessionId, projectDir } = identity;
    this.#guard('complete', undefined, () => {
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
    });
  }

  /** Somebody deleted files of sessions that are connected. */
  restore(sessions: readonly Session[]): void {
    const present = new Set(listRecordPids(this.#options.recordsDir));
    for (const session of sessions) {
      const { host, wrapper } = session.identity;
      // A program without a wrapper has no record.
      if (wrapper.pid > 0 && !present.has(host.pid) && isRunning(host)) this.complete(session);
    }
  }

  /** A session's connection ended; another of the same host may go on. */
  leave({ identity: { host } }: Session, others: readonly Session[]): void {
    const { recordsDir } = this.#options;
    this.#guard('leave', undefined, () => {
      if (others.some((other) => other.identity.host.pid === host.pid)) return;
      const record = readRecord(recordsDir, host.pid);
      if (!record || record.startTime !== host.startTime) return;
      // Never written again here: the host's hook may be removing it at this moment. A host without a hook may live on
      // for long (a harness, a program that switched us off): nothing but this removes its record.
      if (record.byDaemon || !isRunning(record)) removeRecord(recordsDir, record.pid);
    });
  }

  /** Removes records of hosts that are gone; returns how many young ones have no session yet. */
  prune(sessions: readonly Session[]): number {
    const { recordsDir } = this.#options;
    return this.#guard('prune', 0, () => {
      const connected = new Set(sessions.map(({ identity }) => identity.host.pid));
      let waiting = 0;
      for (const pid of listRecordPids(recordsDir)) {
        const record = readRecord(recordsDir, pid);
        // A file in another format may be another program's: only a dead pid makes it nobody's.
        if (!isRunning(record ?? { pid })) removeRecord(recordsDir, pid);
        else if (record && this.#isAwaited(record, connected)) waiting += 1;
      }
      return waiting;
    });
  }

  /** Its hook ran, its wrapper has still to come. */
  #isAwaited({ pid, byDaemon, since }: SessionRecord, connected: ReadonlySet<number>): boolean {
    return !byDaemon && !connected.has(pid) && isYoung(this.#options.now() - Date.parse(since));
  }

  /** Advisory files: whatever goes wrong with them must not touch a session. */
  #guard<T>(what: string, fallback: T, act: () => T): T {
    try {
      return act();
    } catch (error) {
      this.#options.log.warn('records.failed', { what, error });
      return fallback;
    }
  }
}

/** A time in the future (the clock was set back) must not hold the daemon for ever. */
function isYoung(ageMs: number): boolean {
  return ageMs >= 0 && ageMs < recordGraceMs;
}
