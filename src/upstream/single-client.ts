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
  return text.slice(Math.max(0, at - 40), at + maxEvidenceChars - 40).trim();
}
