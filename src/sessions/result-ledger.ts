// What one session's tool calls brought and cost, in bytes: answers of servers, and what of them and about them the model was
// given. With a sample of that text, so that its tokens can be counted by who has a vocabulary. In memory alone: results are
// nobody else's, and never written down for this.
import { parseEnvelope, type ResponseEnvelope, textBytes } from '../mcp/envelope.ts';

/**
 * `results`: of servers, whole or shortened. `fetched`: parts of shortened ones that were asked for again. `searches`: finding
 * and describing tools. `jobs`: ids, states and results of jobs.
 */
export type SentKind = 'results' | 'fetched' | 'searches' | 'jobs';

/** Sixteen KiB for each session that calls tools: enough that bytes by token are right within some percent. */
const maxPieces = 32;
/** Each cut makes about one token too many, of the 120 that are in a piece. */
const pieceBytes = 512;

export class ResultLedger {
  /** Calls that a server answered. */
  count = 0;
  /** What servers answered, without pictures and sound; so are all bytes here. */
  bytes = 0;
  readonly sent: Record<SentKind, number> = { results: 0, fetched: 0, searches: 0, jobs: 0 };
  readonly #sample: TextSample;

  constructor(random: () => number = Math.random) {
    this.#sample = new TextSample(random);
  }

  noteReceived(envelope: ResponseEnvelope): void {
    this.count += 1;
    this.bytes += textBytes(envelope) - envelope.idText.length;
  }

  /** An answer as the session was given it, under its own id: ours to the server may be longer. */
  noteSent(kind: SentKind, line: Buffer, idText: string): void {
    const parsed = line.includes('"mimeType"') ? parseEnvelope(line) : undefined;
    const bytes = parsed?.kind === 'response' ? textBytes(parsed) : line.length;
    this.sent[kind] += bytes - idText.length;
    // A picture's base64 would pass for text.
    if (bytes === line.length) this.#sample.add(line);
  }

  sample(): { bytes: number; pieces: string[] } {
    return this.#sample.read();
  }
}

/** A random choice of what was added, in which each byte has the same chance, whatever answer it came with. */
class TextSample {
  readonly #random: () => number;
  readonly #pieces: { bytes: Buffer; length: number }[] = [];
  #begun = 0;
  #at = pieceBytes;
  #open: { bytes: Buffer; length: number } | undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  add(line: Buffer): void {
    for (let from = 0; from < line.length; ) {
      if (this.#at === pieceBytes) this.#begin();
      const to = Math.min(line.length, from + pieceBytes - this.#at);
      if (this.#open) this.#open.length += line.copy(this.#open.bytes, this.#at, from, to);
      this.#at += to - from;
      from = to;
    }
  }

  read(): { bytes: number; pieces: string[] } {
    return {
      bytes: this.#pieces.reduce((sum, { length }) => sum + length, 0),
      pieces: this.#pieces.map(({ bytes, length }) => bytes.toString('utf8', 0, length)),
    };
  }

  /** The next piece takes the place of one that is held, or nobody's: then its bytes are only passed over. */
  #begin(): void {
    this.#at = 0;
    this.#begun += 1;
    const place = this.#pieces.length < maxPieces ? this.#pieces.length : Math.floor(this.#random() * this.#begun);
    this.#open = place < maxPieces ? { bytes: Buffer.allocUnsafeSlow(pieceBytes), length: 0 } : undefined;
    if (this.#open) this.#pieces[place] = this.#open;
  }
}
