import { expect, it } from 'vitest';
import { createCallLimits } from '../../../src/calls/forward.ts';
import { parseConfig } from '../../../src/config/load.ts';

function load(value: unknown) {
  const result = parseConfig({ file: 'c', text: JSON.stringify(value), env: { HOME: '/h' } });
  if (!result.ok) throw new Error(result.problem.message);
  return result.config;
}
const memory = { command: 'npx', args: ['-y', '@modelcontextprotocol/server-memory'] };

it('takes the entry’s limit, else that of the known server, else none', () => {
  const config = load({ mcpServers: { memory, own: { ...memory, maxConcurrent: 7 }, other: { command: 'x' } } });
  const limitOf = createCallLimits(() => config);
  expect(config.servers.map((entry) => limitOf(entry))).toEqual([1, 7, Number.POSITIVE_INFINITY]);
  expect(config.servers.map((entry) => limitOf(entry))).toEqual([1, 7, Number.POSITIVE_INFINITY]);
});

it('follows another config, even for an entry that was kept', () => {
  let config = load({ mcpServers: { x: { command: 'x' } } });
  const limitOf = createCallLimits(() => config);
  const [entry] = config.servers;
  if (!entry) throw new Error('no entry');
  expect(limitOf(entry)).toBe(Number.POSITIVE_INFINITY);
  config = load({ knownServers: [{ names: ['x'], sharing: 'shared', reason: 'Ours.', maxConcurrent: 3 }] });
  expect(limitOf(entry)).toBe(3);
});
