// A program runs the same with a good cache, a damaged one and none, and caches do not pile up.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { runCached } from '../../../src/base/code-cache.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-cache-'));
  vi.stubEnv('MCPPROXY_DATA_DIR', folder);
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const caches = () => readdirSync(join(folder, 'cache'));

/** What the program said, after everything that a start leaves for later. */
function run(file: string): unknown {
  const module = { exports: {} };
  const [{ exports }, require] = [module, createRequire(import.meta.url)];
  // @ts-expect-error: Node's own module object has more than a program may use.
  runCached({ file, name: 'program', writeDelayMs: 100, exports, require, module });
  vi.runAllTimers();
  return module.exports;
}

function write(text: string): string {
  const file = join(folder, 'program.cjs');
  const body = `module.exports = { said: ${JSON.stringify(text)}, at: __dirname, has: typeof require }`;
  writeFileSync(file, `(function (exports, require, module, __filename, __dirname) {\n${body};\n})`);
  return file;
}

it('runs from the cache that the first start wrote, and without a damaged one', () => {
  const file = write('once');
  const said = { said: 'once', at: folder, has: 'function' };
  expect(run(file)).toEqual(said);
  const [cache = ''] = caches();
  const path = join(folder, 'cache', cache);
  const good = readFileSync(path);
  // Not written again: it was accepted.
  utimesSync(path, 1, 1);
  expect(run(file)).toEqual(said);
  expect(caches()).toEqual([cache]);

  const damages = [Buffer.alloc(0), good.subarray(1), Buffer.from('no cache'), Buffer.from(good).fill(0x5a, 200, 300)];
  for (const damaged of damages) {
    writeFileSync(path, damaged);
    expect(run(file)).toEqual(said);
    expect(readFileSync(path).length).toBe(good.length);
  }
});

it('runs where no cache can be written', () => {
  writeFileSync(join(folder, 'cache'), 'not a folder');
  expect(run(write('alone'))).toMatchObject({ said: 'alone' });
});

it('keeps eight caches of a program, the newest, and those of others', () => {
  mkdirSync(join(folder, 'cache'));
  const old = (name: string, age: number) => {
    const path = join(folder, 'cache', name);
    writeFileSync(path, '');
    utimesSync(path, 1_000 - age, 1_000 - age);
  };
  for (let age = 0; age < 12; age += 1) old(`program-${age}.bin`, age);
  old('program-0.bin.4711', 100);
  old('other-1.bin', 500);
  run(write('new'));
  const kept = caches();
  expect(kept.filter((name) => /^program-\d+\.bin$/.test(name)).sort()).toEqual(
    [0, 1, 2, 3, 4, 5, 6].map((age) => `program-${age}.bin`),
  );
  expect(kept.filter((name) => name.startsWith('program-v'))).toHaveLength(1);
  expect(kept).toContain('other-1.bin');
  expect(kept).not.toContain('program-0.bin.4711');
});
