// Ending a daemon and seeing that it is gone.
import { AppError } from '../base/errors.ts';
import { isRunning, type ProcessIdentity } from '../base/process-identity.ts';
import { readEndpoint } from '../link/endpoint.ts';
import type { CommandContext } from './command.ts';

/** Servers get some seconds to end in order before they are killed; then the daemon goes. */
const endPatienceMs = 20_000;
/** How long SIGTERM may take on a daemon that did not even answer. */
const termPatienceMs = 3_000;
const pollMs = 25;

/** Who the running daemon is, as its pid file says. */
export function findDaemonProcess({ locations }: Pick<CommandContext, 'locations'>): ProcessIdentity | undefined {
  const endpoint = readEndpoint(locations.pidPath);
  return endpoint && isRunning(endpoint) ? { pid: endpoint.pid, startTime: endpoint.startTime } : undefined;
}

export async function awaitEnd(process: ProcessIdentity): Promise<void> {
  if (await isGoneWithin(process, endPatienceMs)) return;
  throw new AppError({
    code: 'DAEMON_BUSY',
    message: `The daemon (pid ${process.pid}) still runs ${endPatienceMs / 1_000} s after it was told to end.`,
    hint: 'See why: `mcp-proxy logs`. End it at once: `mcp-proxy restart --force`',
  });
}

/** For a daemon that does not answer, on a person's word only: SIGTERM, then SIGKILL, to exactly that process. */
export async function killDaemon(identity: ProcessIdentity): Promise<void> {
  for (const [signal, patienceMs] of [['SIGTERM', termPatienceMs] as const, ['SIGKILL', termPatienceMs] as const]) {
    try {
      if (isRunning(identity)) process.kill(identity.pid, signal);
    } catch {
      // it ended between the two calls
    }
    if (await isGoneWithin(identity, patienceMs)) return;
  }
  throw new AppError({
    code: 'DAEMON_BUSY',
    message: `The daemon (pid ${identity.pid}) does not end, not even by SIGKILL.`,
    hint: 'It hangs in the kernel (a network file system?). Restart the machine if it stays.',
  });
}

async function isGoneWithin(process: ProcessIdentity, patienceMs: number): Promise<boolean> {
  for (const until = Date.now() + patienceMs; ; ) {
    if (!isRunning(process)) return true;
    if (Date.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
