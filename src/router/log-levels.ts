// Syslog levels of MCP logging, least to most severe.
import { stringAt } from '../base/json-scan.ts';
import { memberAt, type NotificationEnvelope } from '../mcp/envelope.ts';

export const logLevels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

export function isLogLevel(text: string | undefined): text is (typeof logLevels)[number] {
  return logLevels.some((level) => level === text);
}

/** Whether a session that set `least` wants this message; without a level the server's choice holds. */
export function isLoud({ line, params }: NotificationEnvelope, least: string | undefined): boolean {
  if (!isLogLevel(least)) return true;
  const level = stringAt(line, memberAt(line, params, ['level']));
  return !isLogLevel(level) || logLevels.indexOf(level) >= logLevels.indexOf(least);
}

/** The level to ask a shared server for: whatever the most curious session wants. */
export function mostVerbose(levels: readonly (string | undefined)[]): string | undefined {
  const known = levels.filter(isLogLevel);
  return known.sort((a, b) => logLevels.indexOf(a) - logLevels.indexOf(b))[0];
}
