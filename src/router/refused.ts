import { type ResponseEnvelope, withEdits } from '../mcp/envelope.ts';

/** A server answered the call of one of our own tools with a protocol error: the host gets that very error. */
export class RefusedByServer extends Error {
  readonly #envelope: ResponseEnvelope;

  constructor(envelope: ResponseEnvelope) {
    super('the server refused the call');
    this.name = 'RefusedByServer';
    this.#envelope = envelope;
  }

  lineFor(idText: string): Buffer {
    return withEdits(this.#envelope.line, [{ at: this.#envelope.id, with: idText }]);
  }
}
