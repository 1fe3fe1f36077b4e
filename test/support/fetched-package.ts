// Programs that the tests need and the project does not: fetched once from npm.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';

export type FetchedPackage = { name: string; version: string; file: string };

/** Path of a file of the package. Install scripts are not run: what is fetched here is complete without. */
export async function fetchPackage({ name, version, file }: FetchedPackage): Promise<string> {
  const cache = join(cacheFolder, `${name.replaceAll('/', '-')}-${version}`);
  const path = join(cache, 'node_modules', name, file);
  if (existsSync(path)) return path;
  mkdirSync(cacheFolder, { recursive: true });
  const scratch = mkdtempSync(join(cacheFolder, 'fetch-'));
  try {
    writeFileSync(join(scratch, 'package.json'), '{ "private": true }\n');
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
    await promisify(execFile)('npm', ['install', ...flags, `${name}@${version}`], { cwd: scratch, timeout: 300_000 });
    // Somebody else may have been faster, and uses it.
    if (existsSync(path)) return path;
    rmSync(cache, { recursive: true, force: true });
    renameSync(scratch, cache);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return path;
}

/** Another Node than the one that runs the tests. */
export function fetchNode(version: string): Promise<string> {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  return fetchPackage({ name, version, file: 'bin/node' });
}
