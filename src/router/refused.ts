import type { Edit } from '../base/json-scan.ts';
import { type ResponseEnvelope, withEdits } from '../mcp/envelope.ts';

/** A server answered the call of one of our own tools with a protocol error: the host gets that very error. */
export class RefusedByServer extends Error {
  readonly #envelope: ResponseEnvelope;
  readonly #edits: readonly Edit[];

  /** `edits`: what differs in it, where it is too large to be handed on. */
  constructor(envelope: ResponseEnvelope, edits: readonly Edit[] = []) {
    super('the server refused the call');
    this.name = 'RefusedByServer';
    this.#envelope = envelope;
    this.#edits = edits;
  }

  lineFor(idText: string): Buffer {
    return withEdits(this.#envelope.line, [{ at: this.#envelope.id, with: idText }, ...this.#edits]);
  }
}
