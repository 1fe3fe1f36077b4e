// One life of the daemon's process: arguments, lock, start, announcement, signals, end.
import { lstatSync, writeSync } from 'node:fs';
import { AppError, describeError } from '../base/errors.ts';
import { createFileLog, type Log } from '../base/log.ts';
import { jsonText, plainLine } from '../base/plain-text.ts';
import { ensurePrivateDir } from '../base/private-dir.ts';
import { createRedactor } from '../base/redact.ts';
import { describeBuild, ownBuild } from '../link/build.ts';
import { type Environment, type Locations, locate } from '../link/locations.ts';
import { claimScope } from '../link/scope.ts';
import { pruneAlone, removeLockFiles } from './alone-files.ts';
import { createEventStream } from './control/events.ts';
import { startDaemon } from './daemon.ts';
import { leaveLoginSession, systemLoginScope } from './login-scope.ts';
import { acquireLock, isListening, type Lock } from './single-instance.ts';

/** One week of a busy machine; rotated from the first day, because unbounded logs are found when the disk is full. */
const logLimits = { maxBytes: 5 * 1024 * 1024, keep: 3 };
/** Closing the last connections and files takes milliseconds; a holder that needs longer hangs, or starts just now. */
const predecessorEndMs = 2_000;
/** More than this in one process's life is no accident any more: then a fresh daemon serves better than this one. */
const maxStrayErrors = 100;

export type RunResult = { exitCode: number };

export async function runDaemon(argv: readonly string[], env: Environment): Promise<RunResult> {
  const name = optionValue(argv, '--name');
  const first = locate(env, name);
  refuseForeignRoot(first.root);
  const closed: { folder: string; mode: string }[] = [];
  const ensure = (folder: string) => ensurePrivateDir(folder, (mode) => closed.push({ folder, mode }));
  ensure(first.runRoot);
  const locations = locate(env, name, claimScope(first.runRoot));
  for (const folder of [locations.runDir, locations.dataDir]) ensure(folder);
  const lock = await awaitLock(locations);
  if (!lock || (await isListening(locations.socketPath))) {
    announce({ ready: false, reason: 'already-running' });
    return { exitCode: 0 };
  }
  const redactor = createRedactor();
  const log = createFileLog({ path: locations.logPath, ...logLimits, redact: redactor.redact });
  // Said once: from now on it is as it should be.
  for (const { folder, mode } of closed) log.warn('folder.closed-to-others', { folder, mode });
  const [isForeground, isAlone] = [argv.includes('--foreground'), argv.includes('--alone')];
  const stopped = deferred<string>();
  surviveStrays(log, () => void daemon.stop('too many errors', true));
  const events = createEventStream(isForeground ? withStderr(log) : log, redactor.redact);
  const daemon = await startDaemon({
    locations,
    env,
    isAlone,
    log: events.log,
    redactor,
    subscribe: events.subscribe,
    onStopped: stopped.resolve,
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => void daemon.stop(signal, signal === 'SIGTERM'));
  // The starter's terminal or pipe may be gone at any time: that is none of our business.
  process.on('SIGHUP', () => {});
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  events.log.info('daemon.ready', {
    build: describeBuild(ownBuild),
    socket: locations.socketPath,
    node: process.version,
  });
  announce({ ready: true, pid: process.pid, socket: locations.socketPath });
  pruneAlone(locations, env, events.log).catch((error: unknown) => events.log.warn('alone.not-pruned', { error }));
  // One that ends with its terminal, or with its only session, belongs to that login.
  if (!isForeground && !isAlone) void leaveLoginSession(systemLoginScope(events.log));
  await stopped.promise;
  events.log.info('daemon.stopped', {});
  if (isAlone) removeLockFiles(locations);
  lock.release();
  return { exitCode: 0 };
}

/**
 * The lock, also when its holder is about to end: it removes its socket first and lets go of the lock last. undefined if
 * somebody listens, or still holds it in the end.
 */
async function awaitLock({ lockKeyPath, socketPath }: Locations): Promise<Lock | undefined> {
  for (const until = Date.now() + predecessorEndMs; ; ) {
    const lock = await acquireLock(lockKeyPath);
    if (lock || Date.now() >= until || (await isListening(socketPath))) return lock;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What the starter reads: one line, then nothing. */
function announce(message: Record<string, unknown>): void {
  try {
    writeSync(1, `${JSON.stringify(message)}\n`);
  } catch {
    // the starter is gone; whoever connects finds us all the same
  }
}

export function describeFailure(error: unknown): string {
  return `mcp-proxy daemon: ${plainLine(describeError(error))}\n`;
}

/** root in a user's folder would leave files there that the user cannot remove. */
function refuseForeignRoot(root: string): void {
  const owner = lstatSync(root, { throwIfNoEntry: false })?.uid;
  if (process.getuid?.() !== 0 || owner === undefined || owner === 0) return;
  throw new AppError({
    code: 'DAEMON_REFUSED',
    message: `${root} belongs to user ${owner}, and this is root.`,
    hint: 'Run it as that user, or set AITKIT_ROOT to a folder of root.',
  });
}

/** One server's trouble, or an error in our code that handles it, must not end everybody's daemon. */
function surviveStrays(log: Log, giveUp: () => void): void {
  let count = 0;
  const note = (kind: string) => (error: unknown) => {
    count += 1;
    log.error('stray-error', { kind, count, error, stack: error instanceof Error ? error.stack : undefined });
    if (count === maxStrayErrors) giveUp();
  };
  process.on('uncaughtException', note('exception'));
  process.on('unhandledRejection', note('rejection'));
}

function withStderr(log: Log): Log {
  const also = (level: keyof Log) => (event: string, fields?: Record<string, unknown>) => {
    log[level](event, fields);
    process.stderr.write(`${new Date().toISOString()} ${level} ${event} ${jsonText(fields ?? {})}\n`);
  };
  return { debug: log.debug, info: also('info'), warn: also('warn'), error: also('error') };
}

function optionValue(argv: readonly string[], flag: string): string | undefined {
  const at = argv.indexOf(flag);
  return at < 0 ? undefined : argv[at + 1];
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((take) => {
    resolve = take;
  });
  return { promise, resolve };
}
