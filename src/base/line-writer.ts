// One line of a message, in one write where a copy is cheap.
import type { Writable } from 'node:stream';
import { oneBufferBytes } from './one-buffer.ts';

/**
 * Above this a copy of the line costs more than handing two buffers to writev. Not below the size of a buffer that is read
 * into again: what does not leave at once must not be a view of it.
 */
const copyLimitBytes = oneBufferBytes;

type LineStream = Pick<Writable, 'write' | 'cork' | 'uncork'>;

/** False: hold back until the stream drains. `done` is called once, when the kernel has the line or never will. */
export function writeLine(
  stream: LineStream,
  line: Uint8Array | string,
  done?: (error?: Error | null) => void,
): boolean {
  if (typeof line === 'string') return stream.write(`${line}\n`, done);
  if (line.length <= copyLimitBytes) {
    const copy = Buffer.allocUnsafe(line.length + 1);
    copy.set(line);
    copy[line.length] = 0x0a;
    return stream.write(copy, done);
  }
  stream.cork();
  stream.write(line);
  const isFree = stream.write('\n', done);
  stream.uncork();
  return isFree;
}
