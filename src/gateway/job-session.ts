// In whose name a job calls its server: the session's rights and variables without its connection, so that the job goes on
// while the wrapper reconnects. Questions of the server find the session by its scope, whichever connection it has then.
import { isRecord } from '../base/guards.ts';
import type { Session } from '../sessions/session.ts';
import { createUnconnected } from '../sessions/without-wrapper.ts';
import type { JobProgress } from './jobs.ts';

export const jobToken = '"job"';

export function createJobSession(
  owner: Session,
  now: () => number,
  onProgress: (progress: JobProgress) => void,
): Session {
  const { identity, baseline, values, client, logLevel, results } = owner;
  const session = createUnconnected({
    identity: { ...identity, id: identity.scopeId },
    ...{ baseline, values, results, now, idPrefix: 'job' },
    onLine: (line) => readProgress(line, onProgress),
  });
  session.client = client;
  session.logLevel = logLevel;
  return session;
}

function readProgress(line: Buffer, onProgress: (progress: JobProgress) => void): void {
  const message: unknown = JSON.parse(line.toString('utf8'));
  if (!isRecord(message) || message['method'] !== 'notifications/progress' || !isRecord(message['params'])) return;
  const { progress, total, message: text } = message['params'];
  if (typeof progress !== 'number') return;
  onProgress({
    progress,
    ...(typeof total === 'number' ? { total } : {}),
    ...(typeof text === 'string' ? { message: text } : {}),
  });
}
