// Starts the daemon's process, apart from terminal and session, and waits for the one line that announces it.
import { type ChildProcess, spawn } from 'node:child_process';
import { AppError } from '../base/errors.ts';
import { isRecord } from '../base/guards.ts';
import { LastText } from '../base/last-text.ts';
import { createRedactor } from '../base/redact.ts';

export type DaemonCommand = { execPath: string; args: string[]; env: Record<string, string> };
export type Readiness = { kind: 'ready'; pid: number } | { kind: 'already-running' };

/** How much of a dying daemon's stderr is shown. */
const shownStderrBytes = 2_048;
/** The announcement is one short line; whatever is longer is none. */
const maxAnnouncementBytes = 65_536;

/** The one place where a daemon is started; a service manager's scope would be put around it here. */
export function spawnDaemon(command: DaemonCommand): ChildProcess {
  // detached: own session, so that no terminal and no end of a session reaches it. The umask is left: its servers inherit it.
  return spawn(command.execPath, command.args, {
    cwd: '/',
    env: command.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
}

/** Settles with the announcement, rejects with DAEMON_START_FAILED on death or after `deadlineMs`. Kills nothing. */
export function awaitReady(child: ChildProcess, deadlineMs: number): Promise<Readiness> {
  return new Promise((resolve, reject) => {
    let announcement = '';
    const stderr = new LastText(shownStderrBytes);
    const settle = (act: () => void) => {
      clearTimeout(timer);
      child.removeAllListeners();
      child.on('error', () => {}); // a late error of a process that is no longer ours to watch
      // The daemon outlives us and takes EPIPE.
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      act();
    };
    const fail = (what: string, cause?: unknown, exitCode?: number | null) =>
      settle(() => reject(startFailure(what, stderr.toString(), { cause, exitCode })));
    const timer = setTimeout(() => fail(`was not ready after ${deadlineMs} ms`), deadlineMs);
    child.on('error', (error) => fail(`could not be started (${error.message})`, error));
    // 'close' comes after the last byte of stderr.
    child.on('close', (code, signal) =>
      fail(`ended with ${signal ?? `exit code ${code}`} before it was ready`, undefined, code),
    );
    child.stderr?.on('data', (chunk: Buffer) => stderr.add(chunk));
    child.stdout?.on('data', (chunk: Buffer) => {
      if (announcement.length < maxAnnouncementBytes) announcement += chunk.toString('utf8');
      const end = announcement.indexOf('\n');
      const readiness = end < 0 ? undefined : parseAnnouncement(announcement.slice(0, end));
      if (readiness) settle(() => resolve(readiness));
    });
  });
}

function parseAnnouncement(line: string): Readiness | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (!isRecord(value)) return undefined;
    if (value['ready'] === true && typeof value['pid'] === 'number') return { kind: 'ready', pid: value['pid'] };
    return value['ready'] === false ? { kind: 'already-running' } : undefined;
  } catch {
    return undefined; // not the announcement: its death or the deadline will say why
  }
}

function startFailure(
  what: string,
  stderr: string,
  { cause, exitCode }: { cause: unknown; exitCode: number | null | undefined },
): AppError {
  const tail = createRedactor().redact(stderr).trim();
  return new AppError({
    code: 'DAEMON_START_FAILED',
    message: `The mcp-proxy daemon ${what}.${tail ? ` It wrote: ${tail}` : ''}`,
    hint: 'Run: ~/.aitkit/bin/mcp-proxy doctor',
    cause,
    ...(typeof exitCode === 'number' ? { data: { exitCode } } : {}),
  });
}
