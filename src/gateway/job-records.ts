// What a daemon leaves of a session's jobs on disk, so that the one after it can say what became of them. Results are not
// kept: they are as private and as large as what a server answers.
import { cutChars } from '../base/cut-text.ts';
import { isRecord } from '../base/guards.ts';
import type { SessionFiles } from './session-files.ts';

const states = ['running', 'completed', 'failed', 'cancelled'] as const;

export type JobRecord = {
  readonly id: string;
  readonly label: string;
  readonly startedAt: number;
  readonly endedAt?: number | undefined;
  readonly state: (typeof states)[number];
  readonly error?: string | undefined;
  /** Of a detached one: what a session must have to take it over. */
  readonly access?: string | undefined;
};

export type JobRecords = {
  load(session: string): JobRecord[];
  save(session: string, records: readonly JobRecord[]): void;
  forget(session: string): void;
};

/** As long as an error says more by being longer. */
const maxError = 2_000;

export function createJobRecords(files: SessionFiles): JobRecords {
  return {
    load: (session) => {
      const saved = files.load(session);
      return Array.isArray(saved) ? saved.flatMap((value) => readRecord(value) ?? []) : [];
    },
    save: (session, records) =>
      files.save(
        session,
        records.map((record) => ({ ...record, error: record.error && cutChars(record.error, maxError) })),
      ),
    forget: (session) => files.forget(session),
  };
}

/** How the job of a daemon that is gone ended: nobody may take it for one that never ran. */
export function endOf({ state, error }: JobRecord): { state: 'cancelled' } | { state: 'failed'; error: string } {
  switch (state) {
    case 'cancelled':
      return { state };
    case 'failed':
      return { state, error: error ?? 'It failed.' };
    case 'completed':
      return {
        state: 'failed',
        error:
          'It completed, but its result was lost when the mcp-proxy daemon ended. The call has run: check what it did before starting it again.',
      };
    case 'running':
      return {
        state: 'failed',
        error:
          'The mcp-proxy daemon ended while this job ran. The call may have run wholly or in part: check what it did before starting it again.',
      };
  }
}

function readRecord(value: unknown): JobRecord | undefined {
  if (!isRecord(value)) return undefined;
  const { id, label, startedAt, endedAt, error, access } = value;
  const state = states.find((one) => one === value['state']);
  if (typeof id !== 'string' || typeof label !== 'string' || typeof startedAt !== 'number' || !state) return undefined;
  return {
    ...{ id, label, startedAt, state },
    ...(typeof endedAt === 'number' ? { endedAt } : {}),
    ...(typeof error === 'string' ? { error } : {}),
    ...(typeof access === 'string' ? { access } : {}),
  };
}
