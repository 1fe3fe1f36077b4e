// Writes the record that shows this session to people and holds the daemon for its first minute.
import { processStartTime } from '../base/process-identity.ts';
import { readRecord, type SessionRecord, writeRecord } from '../link/record.ts';

export type HookContext = {
  recordsDir: string;
  /** The host's. */
  pid: number;
  sessionId: string | undefined;
  projectDir: string;
  now: () => Date;
};

/** Idempotent: a record of the same process keeps its age and its daemons, whatever its session is called now. */
export function recordSession({ recordsDir, pid, sessionId, projectDir, now }: HookContext): void {
  const startTime = processStartTime(pid) ?? '';
  const found = readRecord(recordsDir, pid);
  const known = found?.startTime === startTime ? found : undefined;
  const record: SessionRecord = {
    pid,
    startTime,
    ...(sessionId === undefined ? {} : { sessionId }),
    projectDir,
    since: known?.since ?? now().toISOString(),
    daemons: known?.daemons ?? [],
  };
  writeRecord(recordsDir, record);
}
