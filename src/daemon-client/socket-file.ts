// What stands at the socket's path, before a byte is sent there, and what a failed connect proves.
import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError, systemCode } from '../base/errors.ts';
import { whyUntrusted } from '../base/private-dir.ts';

/** Only `absent` starts a daemon. `busy` is waited for, `refused` is told to a person. */
export type LinkFailure = { kind: 'absent' | 'busy' | 'refused'; error: AppError };

/** Why no connect may be tried at this path, or undefined. Another user's socket must not see a hello: it carries a PATH. */
export function inspectSocketFile(socketPath: string): LinkFailure | undefined {
  if (process.platform === 'win32') return undefined; // a pipe name holds the user's name and has no file
  try {
    const stat = lstatSync(socketPath);
    if (stat.uid !== process.getuid?.()) {
      return refuse(`${socketPath} belongs to user ${stat.uid}.`, `Have its owner remove it: rm '${socketPath}'`);
    }
    if (!stat.isSocket())
      return refuse(`${socketPath} is not a socket.`, `Move it away: mv '${socketPath}' '${socketPath}.old'`);
    const folder = dirname(socketPath);
    const unsafe = whyUntrusted(folder);
    return unsafe ? refuse(`${folder} ${unsafe.reason}.`, unsafe.hint, 'DIRECTORY_UNSAFE') : undefined;
  } catch (error) {
    return classifyConnectError(error, socketPath);
  }
}

export function classifyConnectError(cause: unknown, socketPath: string): LinkFailure {
  switch (systemCode(cause)) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return {
        kind: 'absent',
        error: new AppError({ code: 'NOT_RUNNING', message: `No daemon listens on ${socketPath}.`, cause }),
      };
    case 'EACCES':
    case 'EPERM':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENOTSOCK':
    case 'EPROTOTYPE':
      return refuse(`${socketPath} cannot be used: ${systemCode(cause)}.`, 'Run: ~/.aitkit/bin/mcp-proxy doctor');
    default:
      // EAGAIN (full backlog), ECONNRESET, EMFILE …: somebody listens, or nobody can tell.
      return busy(`The daemon on ${socketPath} does not answer (${systemCode(cause) ?? String(cause)}).`, cause);
  }
}

export function busy(message: string, cause?: unknown): LinkFailure {
  const hint = 'It is waited for. If it stays so: ~/.aitkit/bin/mcp-proxy restart --force';
  return { kind: 'busy', error: new AppError({ code: 'DAEMON_BUSY', message, hint, cause }) };
}

function refuse(
  message: string,
  hint: string,
  code: 'DAEMON_REFUSED' | 'DIRECTORY_UNSAFE' = 'DAEMON_REFUSED',
): LinkFailure {
  return { kind: 'refused', error: new AppError({ code, message, hint }) };
}
