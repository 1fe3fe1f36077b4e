import { describe, expect, it } from 'vitest';
import { diffConfigs } from '../../../src/config/diff.ts';
import { parseConfig } from '../../../src/config/load.ts';

function configOf(text: string, env: Record<string, string> = {}) {
  const result = parseConfig({ file: 'c', text, env: { HOME: '/h', ...env } });
  if (!result.ok) throw new Error(result.problem.message);
  return result.config;
}
const base = '{ "mcpServers": { "a": { "command": "x" }, "b": { "url": "http://h" } } }';
const nothing = { added: [], removed: [], changed: [], restart: [], settings: [] };

describe('diffConfigs', () => {
  it.each<[string, string, Record<string, unknown>]>([
    [
      'layout, comments and order',
      '{ /* c */ "mcpServers": { "b": { "url": "http://h" }, "a": { "command": "x", }, } }',
      {},
    ],
    ['an unknown key', '{ "mcpServers": { "a": { "command": "x", "zzz": 1 }, "b": { "url": "http://h" } } }', {}],
    [
      'a default written out',
      '{ "mcpServers": { "a": { "command": "x", "args": [] }, "b": { "type": "http", "url": "http://h" } } }',
      {},
    ],
    [
      'an argument',
      '{ "mcpServers": { "a": { "command": "x", "args": ["1"] }, "b": { "url": "http://h" } } }',
      { changed: ['a'], restart: ['a'] },
    ],
    [
      'a policy',
      '{ "mcpServers": { "a": { "command": "x", "tools": { "deny": ["t"] } }, "b": { "url": "http://h" } } }',
      { changed: ['a'] },
    ],
    [
      'a switch',
      '{ "mcpServers": { "a": { "command": "x" }, "b": { "url": "http://h", "enabled": false } } }',
      { changed: ['b'], restart: ['b'] },
    ],
    [
      'another name',
      '{ "mcpServers": { "c": { "command": "x" }, "b": { "url": "http://h" } } }',
      { added: ['c'], removed: ['a'] },
    ],
    [
      'settings',
      `{ "http": { "port": 1 }, "shield": { "keepMs": 5000 }, "knownServers": [{ "names": ["x"], "sharing": "shared", "reason": "r" }], ${base.slice(1)}`,
      { settings: ['http.port', 'shield.keepMs', 'knownServers'] },
    ],
  ])('%s', (_, text, expected) => {
    const diff = diffConfigs(configOf(base), configOf(text));
    expect({ ...diff, settings: diff.settings.sort() }).toEqual({
      ...nothing,
      ...expected,
      settings: [...(Array.isArray(expected['settings']) ? expected['settings'] : [])].sort(),
    });
  });

  it.each<[string, Record<string, unknown>, boolean]>([
    ['command', { command: 'y' }, true],
    ['args', { args: ['1'] }, true],
    ['env', { env: { A: 'b' } }, true],
    ['inheritEnv', { inheritEnv: ['A'] }, true],
    ['cwd', { cwd: '/tmp' }, true],
    ['url', { url: 'http://127.0.0.1:${PORT}/mcp' }, true],
    ['headers', { headers: { A: 'b' } }, true],
    ['oauth', { oauth: { clientId: 'c' } }, true],
    ['sampling', { sampling: true }, true],
    ['enabled', { enabled: false }, true],
    ['as', { as: 'z' }, false],
    ['sharing', { sharing: 'session' }, false],
    ['projects', { projects: ['/p'] }, false],
    ['timeoutMs', { timeoutMs: 5 }, false],
    ['startTimeoutMs', { startTimeoutMs: 5 }, false],
    ['idleStopMs', { idleStopMs: 5 }, false],
    ['keepAlive', { keepAlive: true }, false],
    ['maxConcurrent', { maxConcurrent: 5 }, false],
    ['onAmbiguous', { onAmbiguous: 'serialize' }, false],
    ['tools', { tools: { allow: ['x'] } }, false],
    ['shield', { shield: true }, false],
    ['alwaysLoad', { alwaysLoad: true }, false],
  ])('%s: running copies start anew: %o', (_, extra, restarts) => {
    const before = configOf('{ "mcpServers": { "a": { "command": "x" } } }');
    const after = configOf(JSON.stringify({ mcpServers: { a: { command: 'x', ...extra } } }));
    const { changed, restart } = diffConfigs(before, after);
    expect({ changed, restart }).toEqual({ changed: ['a'], restart: restarts ? ['a'] : [] });
  });

  it('sees what the environment lays over the file', () => {
    const diff = diffConfigs(configOf(base), configOf(base, { MCPPROXY_PORT: '7', MCPPROXY_TRANSPORT: 'stdio' }));
    expect(diff).toEqual({ ...nothing, settings: ['http.port', 'transport'] });
  });
});
