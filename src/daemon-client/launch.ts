// Start or reuse: of many that find no daemon, one starts it. Called only after a connect proved absence.

import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { AppError, systemCode } from '../base/errors.ts';
import { baselineEnv } from '../link/baseline-env.ts';
import { readLockKey } from '../link/endpoint.ts';
import type { Environment, Locations } from '../link/locations.ts';
import { findDaemonFiles, findDaemonNode, ownRuntime } from './daemon-program.ts';
import { probe } from './probe.ts';
import { awaitReady, type DaemonCommand, spawnDaemon } from './spawn-daemon.ts';

export type LaunchOptions = {
  locations: Locations;
  env: Environment;
  /** The running bundle; the daemon lies beside it. */
  bundlePath: string;
  /** Both are found by themselves when absent. */
  daemonFile?: string;
  execPath?: string;
  /** After `--name <name>`, for instance `--alone`. */
  args?: string[];
  /** Where the config is, if not where the daemon would look by itself. */
  configPath?: string;
  deadlineMs?: number;
};

export type LaunchOutcome =
  | { kind: 'started'; pid: number }
  | { kind: 'listening' }
  | { kind: 'failed'; error: AppError };

/** A cold start takes 0.2 s; on a machine that is swapping, seconds. After this the caller answers without a daemon. */
const totalDeadlineMs = 15_000;
/** A starter that holds the lock longer than this hangs: the daemon's own lock arbitrates then. */
const lockPatienceMs = 8_000;

/** Between its lock and its socket a daemon reads its config; one that does not listen by then is ending or hangs. */
const aboutToListenMs = 1_000;

/** Never throws. `started` and `listening` mean: dial now. */
export async function startOrReuse(options: LaunchOptions): Promise<LaunchOutcome> {
  const { locations, deadlineMs = totalDeadlineMs } = options;
  const startedAt = Date.now();
  try {
    for (;;) {
      const waitedMs = Date.now() - startedAt;
      const lock = await tryStarterLock(locations.lockKeyPath);
      const mayStart = lock.kind !== 'taken' || waitedMs > lockPatienceMs;
      try {
        // Under the lock the question is asked again: another may have finished between our first try and the lock.
        const found = await probe(locations.socketPath);
        if (found.kind === 'listening' || found.kind === 'busy') return { kind: 'listening' };
        if (found.kind === 'refused') return { kind: 'failed', error: found.error };
        const outcome = mayStart ? await start(options, deadlineMs - waitedMs) : undefined;
        if (outcome) return outcome;
      } finally {
        if (lock.kind === 'held') await lock.release();
      }
      if (waitedMs > deadlineMs) return { kind: 'failed', error: tooLate(deadlineMs) };
      await delay(15 + Math.random() * 25); // spread: a hundred waiters must not connect in step
    }
  } catch (error) {
    return { kind: 'failed', error: error instanceof AppError ? error : unexpected(error) };
  }
}

/** undefined: another daemon had the lock and nobody listens; it may be ending, so the question is asked again. */
async function start(options: LaunchOptions, remainingMs: number): Promise<LaunchOutcome | undefined> {
  const { locations, env, bundlePath } = options;
  const files = options.daemonFile ? [options.daemonFile] : findDaemonFiles(bundlePath, locations.appDir);
  const execPath = options.execPath ?? (await findDaemonNode({ own: ownRuntime(), env, pidPath: locations.pidPath }));
  const args = ['--name', locations.name, ...(options.args ?? [])];
  const until = Date.now() + Math.max(1_000, remainingMs);
  let failure: unknown;
  for (const file of files) {
    const command: DaemonCommand = { execPath, args: [file, ...args], env: daemonEnvironment(options) };
    try {
      const readiness = await awaitReady(spawnDaemon(command), Math.max(1_000, until - Date.now()));
      if (readiness.kind === 'ready') return { kind: 'started', pid: readiness.pid };
      return (await isListeningSoon(locations.socketPath)) ? { kind: 'listening' } : undefined;
    } catch (error) {
      // A newer copy that does not start must not take everybody's servers away: the next one is tried.
      failure ??= error;
      // One that was killed, or was slow, says nothing about its build.
      const gaveUp = error instanceof AppError && error.data?.['exitCode'] !== undefined;
      if (!gaveUp || Date.now() >= until) break;
    }
  }
  throw failure;
}

/** Another daemon holds the lock and is about to listen. */
async function isListeningSoon(socketPath: string): Promise<boolean> {
  for (const until = Date.now() + aboutToListenMs; Date.now() < until; ) {
    const found = await probe(socketPath);
    if (found.kind !== 'absent') return true;
    await delay(15 + Math.random() * 25);
  }
  return false;
}

/** Allow-listed: the first session's keys and tokens must not live on in a daemon that serves the others. */
export function daemonEnvironment(
  options: Pick<LaunchOptions, 'env' | 'locations' | 'configPath'>,
): Record<string, string> {
  const { env, locations, configPath } = options;
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith('MCPPROXY_') && value !== undefined) own[name] = value;
  }
  // The daemon's cwd is /, so paths that were relative to the session's folder are given in full.
  if (env['MCPPROXY_DATA_DIR']) own['MCPPROXY_DATA_DIR'] = resolve(locations.dataDir);
  if (configPath ?? env['MCPPROXY_CONFIG_PATH']) own['MCPPROXY_CONFIG_PATH'] = configPath ?? locations.configPath;
  return { ...baselineEnv(env), ...own, AITKIT_ROOT: locations.root, AITKIT_DAEMON: '1' };
}

function tooLate(deadlineMs: number): AppError {
  return new AppError({
    code: 'DAEMON_START_FAILED',
    message: `No daemon was listening after ${deadlineMs} ms.`,
    hint: 'Run: ~/.aitkit/bin/mcp-proxy doctor',
  });
}

function unexpected(cause: unknown): AppError {
  const message = `The mcp-proxy daemon could not be started: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new AppError({ code: 'DAEMON_START_FAILED', message, hint: 'Run: ~/.aitkit/bin/mcp-proxy doctor', cause });
}

function delay(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

// Lets one of many starters start a daemon while the others wait for it. A courtesy that saves processes: what decides
// is the lock that the daemon itself holds for life.
type LockAttempt = { kind: 'held'; release: () => Promise<void> } | { kind: 'taken' } | { kind: 'unsupported' };

/** Linux: an abstract socket, released by the kernel on any death. Its name is unguessable: no other user can hold it. */
export async function tryStarterLock(lockKeyPath: string): Promise<LockAttempt> {
  if (process.platform !== 'linux') return { kind: 'unsupported' };
  const key = readLockKey(lockKeyPath);
  if (key === undefined) return { kind: 'unsupported' };
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve) => {
    server.on('error', (error) => resolve({ kind: systemCode(error) === 'EADDRINUSE' ? 'taken' : 'unsupported' }));
    server.listen(`\0aitkit-${key}-start`, () => {
      resolve({ kind: 'held', release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
