// Another Node than the one that runs the tests, fetched once from npm into the ignored cache.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../scripts/build-defines.ts';

const caches = join(root, 'node_modules/.cache/mcp-proxy');

/** Path of the executable. */
export async function fetchNode(version: string): Promise<string> {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const cache = join(caches, `node-${version}`);
  const node = join(cache, 'node_modules', name, 'bin/node');
  if (existsSync(node)) return node;
  mkdirSync(caches, { recursive: true });
  const scratch = mkdtempSync(join(caches, 'fetch-'));
  try {
    writeFileSync(join(scratch, 'package.json'), '{ "private": true }\n');
    // No install scripts: the package is the program. Its `engines` would refuse itself.
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    await promisify(execFile)('npm', ['install', ...flags, `${name}@${version}`], { cwd: scratch, timeout: 300_000 });
    rmSync(cache, { recursive: true, force: true });
    renameSync(scratch, cache);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return node;
}
