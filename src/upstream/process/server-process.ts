// One started server program with everything it starts: how it is launched, watched and ended. The protocol on its
// pipes is the transports' matter.
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import type { execa as execaFunction } from 'execa';
import { AppError, systemCode } from '../../base/errors.ts';
import { type ProcessIdentity, processStartTime } from '../../base/process-identity.ts';
import { findCommand } from './command-path.ts';
import { type EndResult, type EndTimes, endTree, type ProcessEntry, type TreeRoot, treeOf } from './process-tree.ts';
import type { TreeWatch } from './tree-watch.ts';

export type ProcessSpec = {
  command: string;
  args: readonly string[];
  cwd: string;
  /** The whole environment; nothing of the daemon's own is added but the marker. */
  env: Readonly<Record<string, string>>;
  instanceId: string;
};

export type StartedProcess = ProcessIdentity & { pgid: number; marker: string; path: string };

export type ServerProcess = StartedProcess & {
  stdin: Writable;
  stdout: Readable;
  exited: Promise<{ code: number | null; signal: string | null }>;
  /** Ends the whole tree. Idempotent. `closeInput` false: the program does not read its input, so that step is left out. */
  end: (options?: { closeInput?: boolean }) => Promise<EndResult>;
};

export type LaunchDeps = {
  onStderr: (chunk: Buffer) => void;
  endTimes?: EndTimes;
  /** Over this, stderr is not read until the second is over: the flood waits in the pipe, not in our memory or log. */
  stderrBytesPerSecond?: number;
  /** Remembers what is below it while it lives. */
  watch?: TreeWatch;
  /** What the watch found, whenever it changed. */
  onTree?: (pid: number, members: readonly ProcessIdentity[]) => void;
};

/** More than any server logs on purpose, little enough to copy and write without the other sessions feeling it. */
const defaultStderrBytesPerSecond = 4 * 1024 * 1024;

/** Name of the variable by which what a server started is recognised, even after it left group and parent. */
export const markerName = 'AITKIT_INSTANCE';

/** Rejects with SERVER_NOT_INSTALLED or SERVER_START_FAILED. */
export async function startServerProcess(spec: ProcessSpec, deps: LaunchDeps): Promise<ServerProcess> {
  ensureFolder(spec.cwd);
  const path = findCommand(spec.command, spec);
  // Random: the instance id alone could be known to, and so carried by, a process that is not ours.
  const value = `${spec.instanceId.replace(/[^\w.-]/g, '_').slice(0, 80)}-${randomBytes(8).toString('hex')}`;
  // Loaded at the first start: a daemon without a running stdio server does not pay for it.
  const { execa } = await import('execa');
  const child = spawn(execa, path, { spec, markerValue: value });
  const { pid, stdin, stdout, stderr } = child;
  // Listened to before anything is awaited, so that an early death is not missed.
  const exit = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code: number | null, signal: string | null) => resolve({ code, signal }));
  });
  if (pid === undefined || !stdin || !stdout || !stderr) throw await launchError(path, child);
  // `npm` and the like end with their server; a program that is gone already has no start time and nothing to end.
  const root: TreeRoot = { pid, pgid: pid, startTime: processStartTime(pid) ?? '', marker: `${markerName}=${value}` };
  const watched = deps.watch?.add(root, (members) => deps.onTree?.(pid, members));
  let remains: ProcessEntry[] = [];
  const exited = exit.then((how) => {
    // At this moment the number of its group cannot have been given to a stranger yet.
    remains = treeOf({ ...root, known: watched?.known() ?? [] }, { isGroupOurs: true });
    watched?.forget();
    return how;
  });
  let ending: Promise<EndResult> | undefined;
  stdin.on('error', () => {}); // EPIPE: the exit or the failed write tells it
  stdout.on('error', () => {}); // ends like any other end of output
  limitFlow(stderr, deps);
  return {
    ...root,
    marker: `${markerName}=${value}`,
    path,
    stdin,
    stdout,
    exited,
    end: ({ closeInput = true } = {}) => {
      ending ??= endTree(
        { ...root, known: [...remains, ...(watched?.known() ?? [])] },
        {
          ...(deps.endTimes ? { times: deps.endTimes } : {}),
          ...(closeInput ? { closeInput: () => stdin.end() } : {}),
        },
      );
      return ending;
    },
  };
}

type Execa = typeof execaFunction;
type Child = ReturnType<typeof spawn>;

function spawn(execa: Execa, path: string, { spec, markerValue }: { spec: ProcessSpec; markerValue: string }) {
  return execa(path, [...spec.args], {
    cwd: spec.cwd,
    env: { ...spec.env, [markerName]: markerValue },
    extendEnv: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    // An own group, so that signals to the daemon's terminal do not reach it and it can be ended as a whole. On Windows
    // it would open a console window, and taskkill finds the tree without it.
    detached: process.platform !== 'win32',
    // The tree is ended by process-tree.ts, also after the daemon's death.
    cleanup: false,
    windowsHide: true,
    reject: false,
  });
}

async function launchError(path: string, child: Child): Promise<AppError> {
  const { cause, originalMessage } = await child;
  const code = systemCode(cause);
  if (code === 'ENOENT') {
    return new AppError({
      code: 'SERVER_NOT_INSTALLED',
      message: `${path} cannot be run: the interpreter named in its first line was not found.`,
      hint: `Look at the first line of ${path} and install what it names.`,
      cause,
    });
  }
  const isShortage = code !== undefined && ['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM'].includes(code);
  return new AppError({
    code: 'SERVER_START_FAILED',
    message: `${path} could not be started: ${code ?? originalMessage ?? 'unknown reason'}.`,
    hint: isShortage
      ? 'The system is out of processes, files or memory. Close something and try again.'
      : `Check that you may run ${path}.`,
    cause,
  });
}

function ensureFolder(cwd: string): void {
  try {
    if (statSync(cwd).isDirectory()) return;
  } catch {
    // reported below: the system's own error would name the program, not the folder
  }
  throw new AppError({
    code: 'SERVER_START_FAILED',
    message: `The working folder ${cwd} is not there.`,
    hint: 'Create it, or correct `cwd` in the configuration.',
  });
}

function limitFlow(stderr: Readable, deps: LaunchDeps): void {
  const limit = deps.stderrBytesPerSecond ?? defaultStderrBytesPerSecond;
  let windowStart = performance.now();
  let bytes = 0;
  stderr.on('error', () => {}); // a broken pipe is an end like any other
  stderr.on('data', (chunk: Buffer) => {
    const now = performance.now();
    if (now - windowStart >= 1_000) [windowStart, bytes] = [now, 0];
    bytes += chunk.length;
    deps.onStderr(chunk);
    if (bytes < limit) return;
    stderr.pause();
    setTimeout(() => stderr.resume(), Math.max(1, windowStart + 1_000 - now)).unref();
  });
}
