// Where this process's daemon is: the paths, in the folder that belongs to this machine and boot (link/scope.ts).
import { AppError, systemCode } from '../base/errors.ts';
import { type Environment, type Locations, locate } from '../link/locations.ts';
import { claimScope, findScope } from '../link/scope.ts';

/** For those that may start a daemon: makes and claims the run folder. Throws an AppError that a person can act on. */
export function claimLocations(env: Environment, name?: string): Locations {
  const plain = locate(env, name);
  try {
    const scopeDir = claimScope(plain.runRoot);
    return scopeDir === undefined ? plain : locate(env, name, scopeDir);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError({
      code: 'DAEMON_START_FAILED',
      message: `${plain.runRoot} cannot be written (${systemCode(cause) ?? String(cause)}), and the daemon needs it for its socket.`,
      hint: 'Free some space or make it writable, or set AITKIT_ROOT to a folder that is.',
      cause,
    });
  }
}

/** For those that only look: writes nothing. */
export function findLocations(env: Environment, name?: string): Locations {
  const plain = locate(env, name);
  const scopeDir = findScope(plain.runRoot);
  return scopeDir === undefined ? plain : locate(env, name, scopeDir);
}
