// Busy or hung? A daemon that does not answer is waited for, as long as its process runs. One that has not answered for a
// minute while its process used no time at all, or was stopped, is named so; a person may end it.
import { AppError } from '../base/errors.ts';
import { isRunning, linuxStat, type ProcessIdentity } from '../base/process-identity.ts';
import { readEndpoint } from '../link/endpoint.ts';

/** A daemon that swaps or collects garbage is silent for seconds; a minute without a single tick is neither. */
const hungAfterMs = 60_000;
/** Of the kernel's clock, 10 ms each: waking up for a timer costs less. */
const idleTicks = 2;

type Sight = { process: ProcessIdentity; at: number; ticks: number };

export class HangWatch {
  readonly #now: () => number;
  #first: Sight | undefined;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Somebody answered. */
  reset(): void {
    this.#first = undefined;
  }

  /** Nobody answered: an error that says so if it has been like that for long, and the process does not run. */
  note(pidPath: string): AppError | undefined {
    const sight = lookAt(pidPath, this.#now());
    const first = this.#first;
    const isSame =
      sight && first?.process.pid === sight.process.pid && first.process.startTime === sight.process.startTime;
    const runs = sight && first && sight.ticks - first.ticks > idleTicks;
    if (!sight || !isSame || runs) {
      this.#first = sight;
      return undefined;
    }
    const forMs = sight.at - first.at;
    return forMs < hungAfterMs
      ? undefined
      : hungError(sight.process, `has said nothing for ${Math.round(forMs / 1_000)} s`);
  }
}

/** The same for one look of a command: stopped for certain, or undefined. */
export function findStopped(pidPath: string, silentMs: number): AppError | undefined {
  const sight = lookAt(pidPath, 0);
  if (!sight || !isStopped(sight.process.pid)) return undefined;
  return hungError(sight.process, `did not answer for ${Math.round(silentMs / 1_000)} s`);
}

function hungError(found: ProcessIdentity, what: string): AppError {
  const state = isStopped(found.pid) ? 'its process is stopped' : 'its process does not run';
  return new AppError({
    code: 'DAEMON_HUNG',
    message: `The mcp-proxy daemon (pid ${found.pid}) ${what} and ${state}.`,
    hint: `${isStopped(found.pid) ? `Let it go on: kill -CONT ${found.pid}. Or end` : 'End'} it and start a new one: ~/.aitkit/bin/mcp-proxy restart --force`,
    data: { pid: found.pid },
  });
}

function lookAt(pidPath: string, now: number): Sight | undefined {
  const endpoint = readEndpoint(pidPath);
  if (!endpoint || !isRunning(endpoint)) return undefined;
  // Where the system does not tell, nothing is called hung.
  const ticks = linuxStat(endpoint.pid)?.ticks;
  return ticks === undefined ? undefined : { process: endpoint, at: now, ticks };
}

/** By a signal (T) or a debugger (t). */
function isStopped(pid: number): boolean {
  return /^[Tt]$/.test(linuxStat(pid)?.state ?? '');
}
