import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createKeyMaker, loadSecret } from '../../../src/upstream/instance-key.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-key-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('is the same for the same spec in whatever order it was written, and for nothing else', () => {
  const key = createKeyMaker('s'.repeat(64));
  const spec = { command: 'x', args: ['a', 'b'], env: { A: '1', B: '2' } };
  expect(key('instance', { env: { B: '2', A: '1' }, args: ['a', 'b'], command: 'x' })).toBe(key('instance', spec));
  const others = [
    key('snapshot', spec),
    key('instance', { ...spec, args: ['b', 'a'] }),
    key('instance', { ...spec, args: ['ab'] }),
    key('instance', { ...spec, env: { A: '1', B: '3' } }),
    key('instance', { ...spec, env: { A: '1,B:2' } }),
    key('instance', spec, '/project'),
    createKeyMaker('t'.repeat(64))('instance', spec),
  ];
  expect(new Set([key('instance', spec), ...others]).size).toBe(8);
  expect(key('instance', spec)).toMatch(/^[0-9a-f]{32}$/);
});

it('has a private secret that stays, and never uses one that is damaged', () => {
  const path = join(folder, 'key');
  const secret = loadSecret(path);
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect(loadSecret(path)).toBe(secret);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, 'short');
  const replacement = loadSecret(path);
  expect(replacement).toMatch(/^[0-9a-f]{64}$/);
  expect(replacement).not.toBe(secret);
  expect(readFileSync(path, 'utf8')).toBe('short');
});
