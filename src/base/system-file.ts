// What the kernel and the system say of themselves: /proc, /etc. Another user's process can make what /proc shows of it as
// long as it likes, so this too has a bound.
import { readForeignFile } from './foreign-file.ts';

/** A table of 100,000 sockets; whatever is longer says nothing that is looked for. */
const maxBytes = 16 * 1024 * 1024;

/** '' where it does not exist, is not ours to read, or belongs to a process that is gone. */
export function readSystemFile(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  const reading = readForeignFile(path, { maxBytes });
  return reading.kind === 'file' ? reading.bytes.toString(encoding) : '';
}
