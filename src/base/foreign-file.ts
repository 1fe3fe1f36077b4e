// The one reader of files. A repository, another program or another user can put anything where a text is expected: a pipe
// that blocks for ever, a device without end, a link to what is private. Reads regular files only, up to a bound, and says
// why it did not. Only a file on a network or user-space file system that hangs can still hold the caller: a synchronous
// read cannot be given up, and asynchronous ones would hang a thread of the pool in its place.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { systemCode } from './errors.ts';
import { isInside } from './inside.ts';

export type ReadLimits = {
  /** What holds more is refused, however large the system says that it is. */
  maxBytes: number;
  /** What a link leads to must lie in this folder: what a repository brings must not make us read what is private. */
  inside?: string;
  /** For a file of our own, and one that is to be replaced: nobody puts a link there. */
  isLinkRefused?: true;
};

/** `reason` continues "<path> …" and never quotes the content. */
export type Refusal = { kind: 'refused'; reason: string; code?: string };
export type FileReading = { kind: 'absent' } | Refusal | { kind: 'file'; bytes: Buffer; stat: Stats; realPath: string };
export type TextReading = { kind: 'absent' } | Refusal | { kind: 'text'; text: string; stat: Stats };
export type OpenedFile = { kind: 'absent' } | Refusal | { kind: 'open'; fd: number; stat: Stats; realPath: string };

/** Never throws. A link to nothing is absent; whatever else cannot be read is refused, never taken for absent. */
export function readForeignFile(path: string, limits: ReadLimits): FileReading {
  const opened = openForeignFile(path, limits);
  if (opened.kind !== 'open') return opened;
  const { fd, stat, realPath } = opened;
  try {
    if (stat.size > limits.maxBytes) return tooLarge(limits.maxBytes);
    const bytes = readUpTo(fd, stat.size, limits.maxBytes + 1);
    return bytes.length > limits.maxBytes ? tooLarge(limits.maxBytes) : { kind: 'file', bytes, stat, realPath };
  } catch (error) {
    return failure(error);
  } finally {
    closeSync(fd);
  }
}

/** The same as text without its byte order mark. Bytes that are no UTF-8 become U+FFFD: not for what is written back. */
export function readForeignText(path: string, limits: ReadLimits): TextReading {
  const reading = readForeignFile(path, limits);
  if (reading.kind !== 'file') return reading;
  return { kind: 'text', text: reading.bytes.toString('utf8').replace(/^\ufeff/, ''), stat: reading.stat };
}

/** For who reads in parts; closes what is no regular file. The caller closes `fd`. */
export function openForeignFile(path: string, { inside, isLinkRefused }: Omit<ReadLimits, 'maxBytes'>): OpenedFile {
  try {
    const realPath = inside === undefined ? path : realpathSync(path);
    const outside = inside === undefined ? undefined : whyOutside(path, realPath, inside);
    if (outside !== undefined) return { kind: 'refused', reason: outside };
    // Before it is opened: that alone can wind a tape back, arm a watchdog or let the writer of a pipe go on.
    const found = whyNotRegular(isLinkRefused ? lstatSync(path) : statSync(realPath));
    if (found !== undefined) return { kind: 'refused', reason: found };
    const isResolved = isLinkRefused || inside !== undefined;
    const fd = openSync(realPath, readFlags | (isResolved ? (constants.O_NOFOLLOW ?? 0) : 0));
    const stat = fstatSync(fd);
    const opened = whyNotRegular(stat); // another one by now
    if (opened === undefined) return { kind: 'open', fd, stat, realPath };
    closeSync(fd);
    return { kind: 'refused', reason: opened };
  } catch (error) {
    return failure(error);
  }
}

/** O_NONBLOCK: what became a pipe since it was looked at does not hold us. O_NOCTTY: a terminal does not become ours. */
const readFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** What stands there instead of a regular file, or undefined if it is one. */
export function whyNotRegular(stat: Stats): string | undefined {
  return stat.isFile() ? undefined : `is ${kindOf(stat)}, not a regular file`;
}

export function kindOf(stat: Stats): string {
  if (stat.isFIFO()) return 'a pipe';
  if (stat.isDirectory()) return 'a folder';
  if (stat.isSocket()) return 'a socket';
  if (stat.isSymbolicLink()) return 'a link';
  return stat.isFile() ? 'a file' : 'a device';
}

/** Without a link on its way a path is its own, wherever it lies. */
export function whyOutside(path: string, realPath: string, inside: string): string | undefined {
  if (realPath === resolve(path) || isInside(realPath, realPathOr(inside))) return undefined;
  return `is a link that leads out of ${inside} to ${realPath}`;
}

function realPathOr(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder; // gone meanwhile
  }
}

/**
 * `size` is a hint: a file of /proc says 0 and holds something, another one grows while it is read. From 4 KiB on Node
 * takes memory of its own for a buffer, so what may be small begins below that.
 */
function readUpTo(fd: number, size: number, limit: number): Buffer {
  const parts: Buffer[] = [];
  let total = 0;
  for (let room = Math.max(size + 1, 4_095); ; room = Math.max(total, 4_095)) {
    const part = Buffer.allocUnsafe(Math.min(room, limit - total));
    let filled = 0;
    for (let read = -1; read !== 0 && filled < part.length; filled += read) {
      read = readSync(fd, part, filled, part.length - filled, null);
    }
    parts.push(part.subarray(0, filled));
    total += filled;
    if (filled < part.length || total >= limit) break;
  }
  const [only] = parts;
  return only && parts.length === 1 ? only : Buffer.concat(parts, total);
}

function failure(error: unknown): { kind: 'absent' } | Refusal {
  const code = systemCode(error);
  if (code === 'ENOENT') return { kind: 'absent' };
  return {
    kind: 'refused',
    reason: `cannot be read (${code ?? String(error)})`,
    ...(code === undefined ? {} : { code }),
  };
}

function tooLarge(maxBytes: number): Refusal {
  const [size, unit] =
    maxBytes >= 2 ** 20 ? [maxBytes >> 20, 'MiB'] : maxBytes >= 2 ** 10 ? [maxBytes >> 10, 'KiB'] : [maxBytes, 'bytes'];
  return { kind: 'refused', reason: `is larger than ${size} ${unit}` };
}
