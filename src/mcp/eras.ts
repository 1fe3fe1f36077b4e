// Protocol revisions. Legacy: initialize handshake and sessions, up to 2025-11-25. Modern: 2026-07-28, stateless.

export const legacyVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '2024-10-07'] as const;
export const latestLegacyVersion = legacyVersions[0];
export const modernVersion = '2026-07-28';

/** Downstream initialize: the version asked for if we speak it, else our latest (specification, lifecycle). */
export function negotiateVersion(asked: string | undefined): string {
  return legacyVersions.find((version) => version === asked) ?? latestLegacyVersion;
}

export function isLegacyVersion(version: string | undefined): boolean {
  return legacyVersions.some((known) => known === version);
}

/** Only this revision has batches. */
export function takesBatches(version: string | undefined): boolean {
  return version === '2025-03-26';
}

/** Clients of earlier revisions would take the empty event at the start of a stream for a message. */
export function primesStreams(version: string | undefined): boolean {
  return version === '2025-11-25';
}
