// The host's end of stdin, read into one buffer where it is a pipe or a socket, as it is under every host.
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import type { Readable } from 'node:stream';
import { intoOneBuffer } from '../base/one-buffer.ts';

/** Each chunk is valid until `onChunk` returns. */
export function openStdin(onChunk: (chunk: Buffer) => void): Readable {
  const options: SocketConstructorOpts & { onread: OnReadOpts } = {
    fd: 0,
    readable: true,
    writable: false,
    onread: intoOneBuffer(onChunk),
  };
  try {
    return new Socket(options);
  } catch {
    return process.stdin.on('data', onChunk); // a file or a terminal, which a socket refuses
  }
}
