// Why we end a copy that did nothing wrong: whoever had a call there is told so, and not that its server crashed.

export type StopCause = {
  /** Completes "was stopped: ". */
  why: string;
  /** What comes instead: another copy takes the calls that were not sent; only the next call starts one; nothing. */
  next: 'at once' | 'on demand' | 'never';
};

export const stopCauses = {
  restarted: { why: 'a person restarted it', next: 'at once' },
  stoppedByPerson: { why: 'a person stopped it', next: 'on demand' },
  changed: { why: 'its entry in the configuration changed', next: 'at once' },
  removed: { why: 'its entry was removed from the configuration or disabled', next: 'never' },
  sharingChanged: { why: 'its sharing changed', next: 'at once' },
  idle: { why: 'it was idle', next: 'at once' },
  sessionEnded: { why: 'its session ended', next: 'on demand' },
  notUsed: { why: 'no session uses it', next: 'at once' },
} as const satisfies Record<string, StopCause>;

export function daemonEnds(reason: string): StopCause {
  return { why: `the mcp-proxy daemon ended (${reason})`, next: 'on demand' };
}
