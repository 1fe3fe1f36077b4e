// kill -9 before every single change of the disk: no file is ever half written, and undo puts everything back.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDefines } from '../../scripts/build-defines.ts';
import { listManifests } from '../../src/migrate/change/journal.ts';
import { isInForce, recover, undo } from '../../src/migrate/change/undo.ts';
import { createFixture, type Fixture, pluginOn } from '../unit/migrate/world-fixture.ts';
import { migrate } from './migrate-whole.ts';

let folder = '';
let victim = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-victim-'));
  victim = join(folder, 'victim.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./migrate-victim.ts', import.meta.url))],
    ...{
      outfile: victim,
      bundle: true,
      platform: 'node',
      format: 'esm',
      define: buildDefines('test'),
      mainFields: ['module', 'main'],
      logLevel: 'error',
    },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fill(home: Fixture): void {
  home.write('.claude/settings.json', { ...pluginOn, permissions: { deny: ['mcp__a__x'] } });
  home.write('.claude.json', { mcpServers: { a: { command: 'a' } }, numStartups: 1 });
  home.write('.codex/config.toml', '[mcp_servers.c]\ncommand = "c"\n');
  home.repo('app');
  home.write('app/.mcp.json', { mcpServers: { r: { command: 'r' } } });
}

/** The result of one life that ends before change `n`, and whether it came to its own end. */
function run(home: Fixture, verb: string, n: number): { isDone: boolean; changes: number } {
  const { stdout, status, signal, stderr } = spawnSync(process.execPath, [victim, home.home, verb, String(n)], {
    encoding: 'utf8',
  });
  if (signal === null && status !== 0) throw new Error(stderr);
  return { isDone: signal === null, changes: Number(/changes (\d+)/.exec(stdout)?.[1] ?? 0) };
}

/** Every client file holds what it held before or what it should hold afterwards. */
function expectWhole(home: Fixture, before: Record<string, string>, after: Record<string, string>): void {
  for (const [path, content] of Object.entries(home.snapshot())) {
    if (path.endsWith('.tmp') || path.endsWith('/')) continue;
    expect([before[path], after[path]], path).toContain(content);
  }
  for (const path of Object.keys(before)) if (path in after) expect(home.snapshot(), path).toHaveProperty([path]);
}

test('an apply that is killed before any of its changes leaves whole files and can be taken back', {
  timeout: 600_000,
}, () => {
  const whole = createFixture();
  fill(whole);
  const total = run(whole, 'apply', 0).changes;
  expect(total).toBeGreaterThan(30);
  whole.remove();
  for (let n = 1; n <= total; n += 1) {
    const home = createFixture();
    try {
      fill(home);
      const before = home.snapshot();
      expect(run(home, 'apply', n).isDone, `kill at ${n}`).toBe(false);
      const killed = home.snapshot();
      const parsed = Object.keys(killed).filter((path) => path.endsWith('.json'));
      for (const path of parsed) expect(() => home.json(path), `${path} at ${n}`).not.toThrow();
      recover(home.world);
      if (listManifests(home.world).some(isInForce)) undo(home.world, undefined);
      expect(home.snapshot(), `after the kill at ${n}`).toEqual(before);
      // The next try is not held up by what the dead one left.
      if (n % 10 === 0) expect(run(home, 'apply', 0).isDone).toBe(true);
    } finally {
      home.remove();
    }
  }
});

test('an undo that is killed before any of its changes can be run again to its end', { timeout: 600_000 }, async () => {
  const whole = createFixture();
  fill(whole);
  run(whole, 'apply', 0);
  const total = run(whole, 'undo', 0).changes;
  expect(total).toBeGreaterThan(20);
  whole.remove();
  for (let n = 1; n <= total; n += 1) {
    const home = createFixture();
    try {
      fill(home);
      const before = home.snapshot();
      await migrate(home.world);
      const after = home.snapshot();
      expect(run(home, 'undo', n).isDone).toBe(false);
      expectWhole(home, before, after);
      recover(home.world);
      if (listManifests(home.world).some(isInForce)) undo(home.world, undefined);
      expect(home.snapshot(), `after the kill at ${n}`).toEqual(before);
    } finally {
      home.remove();
    }
  }
});
