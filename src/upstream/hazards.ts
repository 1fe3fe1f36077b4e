// Evidence that a server is not fit for sharing, kept over restarts. An `auto` server with such evidence is shared by
// nobody from then on; the config can overrule it.
import { readFileIfPresent, writeFileAtomic } from '../base/atomic-file.ts';
import { charsBetween } from '../base/cut-text.ts';
import { isRecord } from '../base/guards.ts';
import type { Log } from '../base/log.ts';

export type Hazard = { at: string; what: string };
export type Hazards = {
  of: (server: string) => Hazard[];
  /** The reason for people, if the server must not be shared. */
  demoted: (server: string) => string | undefined;
  /** true: this is the first of its kind. */
  note: (server: string, what: string) => boolean;
};

/** The first few tell the story. */
const maxPerServer = 20;

export function openHazards(path: string, log: Log, now: () => number): Hazards {
  const known = load(path);
  return {
    of: (server) => [...(known.get(server) ?? [])],
    demoted: (server) => {
      const [first] = known.get(server) ?? [];
      return first && `It was seen not to keep sessions apart (${first.what}, ${first.at.slice(0, 10)}).`;
    },
    note: (server, what) => {
      const list = known.get(server) ?? [];
      if (list.length >= maxPerServer || list.some((hazard) => hazard.what === what)) return false;
      known.set(server, [...list, { at: new Date(now()).toISOString(), what }]);
      try {
        writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(known), undefined, 1)}\n`);
      } catch (error) {
        log.warn('hazards.not-saved', { error }); // disk full: seen again when it happens again
      }
      return true;
    },
  };
}

function load(path: string): Map<string, Hazard[]> {
  const known = new Map<string, Hazard[]>();
  try {
    const value: unknown = JSON.parse(readFileIfPresent(path) ?? '{}');
    if (!isRecord(value)) return known;
    for (const [server, list] of Object.entries(value)) {
      if (!Array.isArray(list)) continue;
      const hazards = list.flatMap((hazard: unknown) =>
        isRecord(hazard) && typeof hazard['at'] === 'string' && typeof hazard['what'] === 'string'
          ? [{ at: hazard['at'], what: hazard['what'] }]
          : [],
      );
      if (hazards.length > 0) known.set(server, hazards);
    }
  } catch {
    // damaged: evidence is gathered again
  }
  return known;
}

// Servers that take one session only and say so to the second. The words are those of the protocol's own libraries
// ("Already connected to a transport", "Server already initialized") and of servers that hold a browser or a device.
const words =
  /already (?:connected|initiali[sz]ed|in use|being used|has an? (?:active )?(?:client|session|connection))|(?:single|one|1)[- ](?:client|session|connection)\b|(?:another|other) (?:client|session) is (?:connected|active)/i;

/** Enough to recognise it; the log has the rest. */
const maxEvidenceChars = 120;

/** What the server said, if it means that it serves one session at a time. */
export function singleClientEvidence(error: unknown): string | undefined {
  const text = error instanceof Error ? error.message : '';
  const at = text.search(words);
  if (at < 0) return undefined;
  return charsBetween(text, at - 40, at + maxEvidenceChars - 40).trim();
}
