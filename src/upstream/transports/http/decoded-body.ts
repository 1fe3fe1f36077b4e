// The body of a response as its server meant it. We ask for it unpacked, but many servers, and gateways and CDNs before
// them, pack it all the same, and whatever fetches can read that. What fetch reads is read here:
// https://fetch.spec.whatwg.org/#handle-content-codings
import type { IncomingMessage } from 'node:http';
import { Readable, type Transform } from 'node:stream';
import { TextDecoder } from 'node:util';
import { cutChars } from '../../../base/cut-text.ts';
import { AppError, describeError, systemCode } from '../../../base/errors.ts';
import { codingsOf, DecoderError, DecoderSteps, findDecoder, type OpenDecoder } from './content-coding.ts';

export type ResponseFacts = { url: URL; status: number; method: string };

export type ResponseBody = {
  readonly body: Readable;
  /** Nobody wants to read it: frees the connection, and unpacks nothing. */
  discard: () => void;
};

/** Each is a decoder with a window of its own; nobody packs thrice, and fetch has a limit too. */
const maxCodings = 5;

/** Of what has arrived, so much waits for the decoder before the connection is held back. */
const maxQueuedBytes = 64 * 1024;

/** What follows the end of the packed body is dropped; with more of it the connection goes too. */
const maxTrailingBytes = 64 * 1024;

/** Enough to see that something is no text. */
const sampleBytes = 4_096;

export function bodyOf(incoming: IncomingMessage, facts: ResponseFacts): ResponseBody {
  const codings = hasNoBody(facts) ? [] : codingsOf(incoming.headers['content-encoding']);
  let body: Readable | undefined;
  return {
    get body() {
      body ??= codings.length === 0 ? incoming : new DecodedBody(incoming, codings, facts);
      return body;
    },
    discard: () => void (body ?? incoming).resume(),
  };
}

/** Such a response may say how the body would have been packed. */
function hasNoBody({ status, method }: ResponseFacts): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304;
}

/** Ends with `close` alone where the connection broke; `errored` says why it could not be unpacked. */
export class DecodedBody extends Readable {
  /** What was packed ended too early, although the response did not: what could be read of it was handed on. */
  isCut = false;
  readonly #source: IncomingMessage;
  readonly #facts: ResponseFacts;
  readonly #streams: Transform[] = [];
  #onRoom: () => void = () => {};

  constructor(source: IncomingMessage, codings: readonly string[], facts: ResponseFacts) {
    super();
    this.#source = source;
    this.#facts = facts;
    this.on('error', () => {}); // told to whoever reads, by `errored` at its `close`
    void this.#run(codings);
  }

  override _read(): void {
    this.#onRoom();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.destroy();
    for (const stream of this.#streams) stream.destroy();
    callback(error);
  }

  async #run(codings: readonly string[]): Promise<void> {
    try {
      for await (const chunk of this.#unpack(codings)) {
        if (this.destroyed) return;
        if (this.push(chunk)) continue;
        await new Promise<void>((resolve) => {
          this.#onRoom = resolve;
        });
      }
      this.push(null);
    } catch (error) {
      this.destroy(error instanceof AppError ? error : undefined);
    }
  }

  /** Outermost coding first. One that is not known may be a slip of the server: text is read as it is. */
  #unpack(codings: readonly string[]): AsyncIterable<Buffer> {
    let chunks: AsyncIterable<Buffer> = arriving(this.#source);
    if (codings.length > maxCodings) throw unknownCoding(codings.join(', '), this.#facts);
    for (const coding of codings.toReversed()) {
      const open = findDecoder(coding);
      if (!open) return onlyText(chunks, () => unknownCoding(coding, this.#facts));
      chunks = this.#unpackOne(chunks, coding, open);
    }
    return chunks;
  }

  async *#unpackOne(packed: AsyncIterable<Buffer>, coding: string, open: OpenDecoder): AsyncGenerator<Buffer> {
    let steps: DecoderSteps | undefined;
    let trailing = 0;
    try {
      for await (const chunk of packed) {
        steps ??= this.#decode(open(chunk));
        if (steps.hasEnded) trailing += chunk.length;
        else yield* steps.write(chunk);
        if (trailing > maxTrailingBytes) return;
      }
      if (steps) yield* steps.end();
    } catch (error) {
      if (!(error instanceof DecoderError)) throw error;
      // As fetch does it: some leave the last bytes out, and whoever reads sees whether anything is missing.
      if (systemCode(error.cause) !== 'Z_BUF_ERROR') throw undecodable(coding, this.#facts, error.cause);
      this.isCut = true;
    }
  }

  #decode(stream: Transform): DecoderSteps {
    this.#streams.push(stream);
    return new DecoderSteps(stream);
  }
}

class BrokenOff extends Error {}

/** All that arrived, also if the connection broke right behind it; then throws. */
async function* arriving(source: IncomingMessage): AsyncGenerator<Buffer> {
  const queue: Buffer[] = [];
  let bytes = 0;
  let isOver = source.closed;
  let wake = () => {};
  const end = () => {
    isOver = true;
    wake();
  };
  source.on('data', (chunk: Buffer) => {
    queue.push(chunk);
    bytes += chunk.length;
    if (bytes > maxQueuedBytes) source.pause();
    wake();
  });
  source.once('end', end).once('close', end);
  try {
    for (;;) {
      const chunk = queue.shift();
      if (chunk) {
        bytes -= chunk.length;
        if (bytes <= maxQueuedBytes) source.resume();
        yield chunk;
      } else if (isOver) break;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    if (!source.complete) throw new BrokenOff();
  } finally {
    if (!source.complete) source.destroy();
  }
}

/** Throws as soon as what comes cannot be the text that all messages are. */
async function* onlyText(chunks: AsyncIterable<Buffer>, refuse: () => AppError): AsyncGenerator<Buffer> {
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let seen = 0;
  for await (const chunk of chunks) {
    if (seen < sampleBytes && !isText(utf8, chunk)) throw refuse();
    seen += chunk.length;
    yield chunk;
  }
}

function isText(utf8: TextDecoder, chunk: Buffer): boolean {
  try {
    return !/[\0-\x08\x0e-\x1f]/.test(utf8.decode(chunk, { stream: true }));
  } catch {
    return false; // no UTF-8
  }
}

function undecodable(coding: string, { url, status }: ResponseFacts, cause: unknown): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} says that its answer is encoded as ${coding}, and it cannot be decoded: ${describeError(cause)}.`,
    hint: 'The server, or a gateway before it, has to be corrected.',
    cause,
    data: { status, mayHaveRun: true },
  });
}

function unknownCoding(coding: string, { url, status }: ResponseFacts): AppError {
  const isNewer = coding === 'zstd';
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} answered in the encoding ${JSON.stringify(cutChars(coding, 100))}, which cannot be decoded${isNewer ? ` by Node.js ${process.versions.node}` : ''}.`,
    hint: isNewer
      ? 'Node.js 22.15 and newer can. It was asked to send its answers plain.'
      : 'It was asked to send its answers plain: the server, or a gateway before it, has to be corrected.',
    data: { status, mayHaveRun: true },
  });
}
