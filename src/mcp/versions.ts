// Protocol revisions, by era: those with a handshake and sessions, and the one where each request stands alone.

export const sessionsVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'] as const;
export const latestSessionsVersion = sessionsVersions[0];
export const statelessVersion = '2026-07-28';

export function isSessionsVersion(version: string | undefined): boolean {
  return sessionsVersions.some((known) => known === version);
}

/** Only this revision has batches. */
export function takesBatches(version: string | undefined): boolean {
  return version === '2025-03-26';
}

/** Clients of earlier revisions would take the empty event at the start of a stream for a message. */
export function primesStreams(version: string | undefined): boolean {
  return version === '2025-11-25';
}
