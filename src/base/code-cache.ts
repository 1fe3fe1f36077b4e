// Runs a bundle from V8's code cache where there is one: 2 ms of a wrapper's start of 34, 40 of a daemon's 250 (measured,
// Node 20), and 2 MiB of the daemon's memory. Any trouble with the cache means: without it.
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { Script } from 'node:vm';
import { makeFolder } from './make-folder.ts';

export type CachedProgram = {
  /** A file that is one function expression, with the parameters that Node gives a module (scripts/build.ts). */
  file: string;
  /** First part of the cache's name. */
  name: string;
  /** When what has run is what a start needs, and no more. */
  writeDelayMs: number;
  exports: unknown;
  require: NodeJS.Require;
  module: NodeJS.Module;
};

/** Two copies of a program for two versions of Node, and as many of the version before. */
const keptCaches = 8;

export function runCached({ file, name, writeDelayMs, exports, require, module }: CachedProgram): void {
  const cachePath = findCachePath(file, name);
  const cachedData = cachePath === undefined ? undefined : readCache(cachePath);
  // The bundle is plain ASCII: read so, V8 keeps one byte a character. To put it into a function here instead of in the
  // build would make another copy of it, 0.2 MiB of every session (measured).
  const script = new Script(readFileSync(file, 'latin1'), { filename: file, ...(cachedData ? { cachedData } : {}) });
  script.runInThisContext()(exports, require, module, file, dirname(file));
  if (cachePath === undefined || (cachedData && !script.cachedDataRejected)) return;
  setTimeout(() => writeCache(cachePath, name, script), writeDelayMs).unref();
}

/** One file for each program and Node; undefined where nobody said where our data goes. */
function findCachePath(file: string, name: string): string | undefined {
  const { HOME, AITKIT_ROOT, MCPPROXY_DATA_DIR } = process.env;
  const root = AITKIT_ROOT || (HOME && join(HOME, '.aitkit'));
  const data = MCPPROXY_DATA_DIR || (root && join(root, 'lib', 'mcpproxy'));
  // Any other path is said by who needs it; here it would leave files in the project.
  if (!data || !isAbsolute(data)) return undefined;
  // Size and time stand for the contents: V8 itself compares only the length of the source.
  const { size, mtimeMs } = statSync(file);
  return join(data, 'cache', `${name}-${process.version}-${process.arch}-${size}-${Math.round(mtimeMs)}.bin`);
}

/** V8 does not check what it is given (measured: 50 of 50 flipped bits accepted), so the file holds the cache twice. */
function readCache(path: string): Buffer | undefined {
  try {
    const twice = readFileSync(path);
    const half = twice.length / 2;
    const once = twice.subarray(0, half);
    return half > 0 && once.equals(twice.subarray(half)) ? once : undefined;
  } catch {
    return undefined; // the first start of this version
  }
}

function writeCache(path: string, name: string, script: Script): void {
  const folder = dirname(path);
  const temporary = `${path}.${process.pid}`;
  try {
    const once = script.createCachedData();
    makeFolder(folder);
    writeFileSync(temporary, Buffer.concat([once, once]), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, path);
    removeOldest(folder, name, basename(path));
  } catch {
    removeIfPossible(temporary); // read-only or full: starts are slower
  }
}

/** Each is read in one go, so that it may go at any time; a file that its writer left half done is one of the oldest. */
function removeOldest(folder: string, name: string, newest: string): void {
  const others = readdirSync(folder)
    .filter((file) => file.startsWith(`${name}-`) && file !== newest)
    .map((file) => ({ path: join(folder, file), writtenAt: statSync(join(folder, file)).mtimeMs }))
    .sort((a, b) => b.writtenAt - a.writtenAt);
  for (const { path } of others.slice(keptCaches - 1)) rmSync(path, { force: true });
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // it was never written
  }
}
