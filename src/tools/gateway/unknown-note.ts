// What a model is told of servers whose tools nobody knows yet: that a search did not see them, and why.
import { cutChars } from '../../base/cut-text.ts';
import { describeError } from '../../base/errors.ts';
import { plainLine } from '../../base/plain-text.ts';
import type { UnknownServer } from './gateway-tool.ts';

/** A note, not a report: `mcp-proxy status` has all of it. */
const maxServers = 5;
const maxReason = 200;

export function unknownNote(unknown: readonly UnknownServer[]): string | undefined {
  if (unknown.length === 0) return undefined;
  const shown = unknown.slice(0, maxServers).map(whyUnknown);
  const more = unknown.length > shown.length ? [`and ${unknown.length - shown.length} more servers`] : [];
  return `Not known yet are the tools of ${[...shown, ...more].join('; ')}`;
}

export function whyUnknown({ slug, error }: UnknownServer): string {
  if (!error) return `${slug} (still starting: try again in some seconds)`;
  const reason = describeError(error);
  return `${slug} (${cutChars(plainLine(cutChars(reason, maxReason)), maxReason)})`;
}
