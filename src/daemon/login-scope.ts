// Out of the login session's control group, which logind ends with KillUserProcesses: into a scope of the user's own
// service manager, where other logins and lingering keep it. See docs/decisions/0013-logout.md.
import { execFile } from 'node:child_process';
import type { Log } from '../base/log.ts';
import { readSystemFile } from '../base/system-file.ts';

export type LoginScopeDeps = {
  pid: number;
  /** Text of /proc/self/cgroup. */
  cgroup: string;
  /** Output of `busctl` with these arguments; rejects when there is none, or no bus. */
  busctl: (args: readonly string[]) => Promise<string>;
  log: Log;
};

/** A bus that does not answer must not leave a process behind for ever. */
const busTimeoutMs = 5_000;

/** Resolves when it is done or was not needed. Never rejects: the daemon serves all the same. */
export async function leaveLoginSession({ pid, cgroup, busctl, log }: LoginScopeDeps): Promise<void> {
  if (!/\/session-[^/]+\.scope(?:\/|$)/m.test(cgroup)) return;
  try {
    const manager = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'];
    const setting = await busctl(['get-property', ...manager, 'KillUserProcesses']);
    // Where processes outlive the login, the user's service manager does not: there it is better to stay.
    if (setting.trim() !== 'b true') return;
    await busctl(['--user', ...startScope(pid)]);
    log.info('daemon.left-login-session', {});
  } catch (error) {
    log.warn('daemon.ends-at-logout', { error });
  }
}

export function systemLoginScope(log: Log): LoginScopeDeps {
  return { pid: process.pid, cgroup: readSystemFile('/proc/self/cgroup'), busctl: runBusctl, log };
}

/** As `systemd-run --user --scope` does it, but for a process that runs already, so that no start waits for a bus. */
function startScope(pid: number): string[] {
  const manager = ['org.freedesktop.systemd1', '/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
  const description = ['Description', 's', 'Shared MCP servers (aitkit mcp-proxy)'];
  const properties = ['3', ...description, 'CollectMode', 's', 'inactive-or-failed', 'PIDs', 'au', '1', String(pid)];
  const unit = [`aitkit-mcp-proxy-${pid}.scope`, 'fail'];
  return ['call', ...manager, 'StartTransientUnit', 'ssa(sv)a(sa(sv))', ...unit, ...properties, '0'];
}

function runBusctl(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('busctl', args, { timeout: busTimeoutMs, windowsHide: true }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    ).unref();
  });
}
