import { expect, it } from 'vitest';
import { parseEnvelope } from '../../../src/mcp/envelope.ts';
import { isLoud, logLevels, mostVerbose } from '../../../src/router/log-setting.ts';

function message(level: unknown) {
  const line = Buffer.from(
    JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data: 1 } }),
  );
  const envelope = parseEnvelope(line);
  if (envelope.kind !== 'notification') throw new Error('no notification');
  return envelope;
}

it('lets through what is at least as severe as the session asked for', () => {
  for (const [i, level] of logLevels.entries()) {
    for (const [j, least] of logLevels.entries())
      expect(isLoud(message(level), least), `${level} for ${least}`).toBe(i >= j);
    expect(isLoud(message(level), undefined)).toBe(true);
  }
});

it('lets through levels that it does not know', () => {
  expect(isLoud(message('chatty'), 'emergency')).toBe(true);
  expect(isLoud(message(5), 'emergency')).toBe(true);
});

it('asks a shared server for what the most curious session wants', () => {
  expect(mostVerbose(['error', undefined, 'info', 'warning'])).toBe('info');
  expect(mostVerbose([undefined, 'nonsense'])).toBeUndefined();
});
