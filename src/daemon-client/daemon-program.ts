// Which node runs the daemon and which file it is. The wrapper's own pair first: the same executable shares its pages.
import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { AppError } from '../base/errors.ts';
import { type Build, ownBuild } from '../link/build.ts';
import { readEndpoint } from '../link/endpoint.ts';
import { isNewerBuild, linkProtocol } from '../link/fitness.ts';
import { listInstalled } from '../link/installed.ts';
import type { Environment } from '../link/locations.ts';

export const oldestDaemonNode = 20;

export type OwnRuntime = { execPath: string; version: string; isElectron: boolean };

export function ownRuntime(): OwnRuntime {
  return {
    execPath: process.execPath,
    version: process.versions.node,
    isElectron: process.versions['electron'] !== undefined,
  };
}

/** The wrapper's node, else the one that the last daemon ran on, else `node` of PATH. Throws NODE_TOO_OLD. */
export async function findDaemonNode(options: {
  own: OwnRuntime;
  env: Environment;
  pidPath: string;
  /** Asks a program for its version; undefined if it is not a node that runs. */
  askVersion?: (execPath: string) => Promise<string | undefined>;
}): Promise<string> {
  const { own, env, pidPath, askVersion = askNodeVersion } = options;
  if (isNewEnough(own.version) && !own.isElectron) return own.execPath;
  const executable = process.platform === 'win32' ? 'node.exe' : 'node';
  const candidates = [
    readEndpoint(pidPath)?.execPath,
    ...(env['PATH'] ?? '')
      .split(delimiter)
      .filter(Boolean)
      .map((folder) => join(folder, executable)),
  ];
  for (const candidate of new Set(candidates)) {
    if (typeof candidate !== 'string' || candidate === own.execPath || !existsSync(candidate)) continue;
    const version = await askVersion(candidate);
    if (version !== undefined && isNewEnough(version)) return candidate;
  }
  throw new AppError({
    code: 'NODE_TOO_OLD',
    message: `Node ${own.version} is too old for the mcp-proxy daemon, and no newer one was found on PATH.`,
    hint: `Install Node ${oldestDaemonNode} or newer and open a new session.`,
  });
}

/** The first of findDaemonFiles. */
export function findDaemonFile(bundlePath: string, appDir: string): string {
  const [first = ''] = findDaemonFiles(bundlePath, appDir);
  return first;
}

/**
 * In the order in which they should be tried: an installed one that is newer than this wrapper's (an older daemon would
 * make way for it at once), `../dist/daemon.cjs` beside the running bundle, then the other copies, for when a plugin
 * update took that away.
 */
export function findDaemonFiles(bundlePath: string, appDir: string, build: Build = ownBuild): string[] {
  const own = join(dirname(resolveLink(bundlePath)), '..', 'dist', 'daemon.cjs');
  const installed = listInstalled(appDir, linkProtocol).map((one) => ({
    file: join(one.folder, 'dist', 'daemon.cjs'),
    isNewer: isNewerBuild(one.build, build),
  }));
  const newer = installed.filter((one) => one.isNewer).map(({ file }) => file);
  const older = installed.filter((one) => !one.isNewer).map(({ file }) => file);
  const files = [...newer, own, ...older].filter((file) => existsSync(file));
  if (files.length > 0) return [...new Set(files)];
  throw new AppError({
    code: 'DAEMON_START_FAILED',
    message: `The daemon's program is gone: neither ${own} nor a copy below ${appDir} exists.`,
    hint: 'Open a new session, or install the plugin again.',
  });
}

function isNewEnough(version: string): boolean {
  return Number.parseInt(version.replace(/^v/, ''), 10) >= oldestDaemonNode;
}

function askNodeVersion(execPath: string): Promise<string | undefined> {
  // A version manager's shim may install something or ask; 3 s is ample for one that only answers.
  const limits = { timeout: 3_000, maxBuffer: 4_096, env: {} };
  return new Promise((resolve) => {
    execFile(execPath, ['--version'], limits, (error, stdout) => resolve(error ? undefined : stdout.trim()));
  });
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // deleted under us
  }
}
