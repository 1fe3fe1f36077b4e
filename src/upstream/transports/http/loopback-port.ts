// Ports of this machine for servers that we start: chosen, waited for, and proven not to be a stranger's.
import { type AddressInfo, connect, createServer } from 'node:net';
import { AppError } from '../../../base/errors.ts';
import { readSystemFile } from '../../../base/system-file.ts';
import { portPlaceholder } from '../../../config/template.ts';

/** A free port, or the fixed one if nobody has it: we must not talk to a stranger as if it were our server. */
export async function choosePort({ url, command }: { url: string; command: string }): Promise<number> {
  if (url.includes(portPlaceholder)) return freePort();
  const { hostname, port: text, protocol } = new URL(url);
  const port = Number(text || (protocol === 'https:' ? 443 : 80));
  if (!(await canConnect(hostname, port))) return port;
  throw new AppError({
    code: 'SERVER_START_FAILED',
    message: `Port ${port}, which ${command} is to use, is taken by another program.`,
    hint: 'End that program, or let us choose: write ${PORT} in `url` and in the arguments.',
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address: AddressInfo | string | null = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Longer than a loopback connection takes on a machine that is short of everything. */
const connectTimeoutMs = 1_000;

export function canConnect(hostname: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port, timeout: connectTimeoutMs });
    const done = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
  });
}

/** Another user could have taken the port between our choice and the server's start. Linux tells whose it is. */
export function ensureOwnListener(port: number, command: string): void {
  if (process.platform !== 'linux') return;
  const uids = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => listenerUids(path, port));
  if (uids.length === 0 || uids.includes(process.getuid?.() ?? -1)) return;
  throw new AppError({
    code: 'SERVER_START_FAILED',
    message: `Port ${port}, which ${command} was given, is held by user ${uids[0]}.`,
    hint: 'Try again: another port is chosen.',
  });
}

function listenerUids(path: string, port: number): number[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const table = readSystemFile(path, 'latin1');
  return table.split('\n').flatMap((line) => {
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid …; state 0A listens
    const [, local = '', , state, , , , uid] = line.trim().split(/\s+/);
    return state === '0A' && local.endsWith(`:${wanted}`) ? [Number(uid)] : [];
  });
}
