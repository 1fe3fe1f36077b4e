// What `Content-Encoding` names, and one decoder of it at work.
import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/** Made when the first bytes are there. */
export type OpenDecoder = (first: Buffer) => Transform;

/** RFC 9659 allows senders no larger window; the decoder would take 128 MiB for one response. */
const zstdWindowLog = 23;

const decoders: Readonly<Record<string, OpenDecoder>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  // Half of the servers understood the name as the bare format; only the other has this first byte.
  deflate: (first) => (((first[0] ?? 0) & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()),
  br: () => zlib.createBrotliDecompress(),
  ...zstdDecoder(),
};

/** Node.js has it since 22.15. */
function zstdDecoder(): Record<string, OpenDecoder> {
  if (!('createZstdDecompress' in zlib) || typeof zlib.createZstdDecompress !== 'function') return {};
  const create: (options: object) => Transform = zlib.createZstdDecompress.bind(zlib);
  const windowLogMax = String(Reflect.get(zlib.constants, 'ZSTD_d_windowLogMax'));
  return { zstd: () => create({ params: { [windowLogMax]: zstdWindowLog } }) };
}

export function findDecoder(coding: string): OpenDecoder | undefined {
  return Object.hasOwn(decoders, coding) ? decoders[coding] : undefined;
}

/** In the order in which they were applied. */
export function codingsOf(header: string | undefined): string[] {
  return (header ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
}

export class DecoderError extends Error {}

/**
 * One chunk in, all that it makes out, and then the next: the output of one chunk, which may be a million times its
 * size, is never in memory at once, and what was decoded before an error is not lost.
 */
export class DecoderSteps {
  readonly #stream: Transform;
  #error: unknown;
  #wake: () => void = () => {};
  hasEnded = false;

  constructor(stream: Transform) {
    this.#stream = stream;
    stream.on('readable', () => this.#wake());
    stream.on('error', (error) => {
      this.#error = error;
      this.#wake();
    });
    stream.on('close', () => {
      this.hasEnded = true;
      this.#wake();
    });
  }

  async *write(chunk: Buffer): AsyncGenerator<Buffer> {
    let isDone = false;
    this.#stream.write(chunk, () => {
      isDone = true;
      this.#wake();
    });
    yield* this.#output(() => isDone);
  }

  async *end(): AsyncGenerator<Buffer> {
    if (!this.hasEnded) this.#stream.end();
    yield* this.#output(() => false);
  }

  async *#output(isDone: () => boolean): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk: unknown = this.#stream.read();
      if (Buffer.isBuffer(chunk)) yield chunk;
      else if (this.#error !== undefined) throw new DecoderError('', { cause: this.#error });
      else if (this.hasEnded || isDone()) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
