// Answers of the MCP endpoint that are no messages of a session: refusals, each with a JSON-RPC error as its body.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type InvalidEnvelope, whyInvalid } from '../../mcp/envelope.ts';
import { errorLine } from '../../mcp/messages.ts';

export type HttpRefusal = {
  status: number;
  code: number;
  message: string;
  data?: unknown;
  /** Id of the request as it was written. */
  idText?: string | undefined;
  headers?: Record<string, string>;
};

/** Codes of refusals that have none of their own in the specification; the session one is what other servers use. */
export const refusalCodes = { badRequest: -32000, noSession: -32001 } as const;

export function refuse(response: ServerResponse, refusal: HttpRefusal): void {
  if (response.headersSent || response.destroyed) return;
  const { status, code, message, data, idText, headers } = refusal;
  const body = errorLine(idText, code, message, data);
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(body);
}

/** What is no message. Under the id of an answer a request of its sender's own could wait. */
export function invalidRefusal(envelope: InvalidEnvelope): HttpRefusal {
  const idText = envelope.isAnswer ? undefined : envelope.idText;
  return { status: 400, code: envelope.code, message: whyInvalid(envelope), idText };
}

export type Body = { ok: true; bytes: Buffer } | { ok: false; refusal: HttpRefusal };

/** The whole body, or why it is not taken. What is too large is not kept while it still arrives. */
export async function readMessage(request: IncomingMessage, maxBytes: number): Promise<Body> {
  // A page can post text/plain to us without asking first; with JSON as the only type its browser has to ask.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    request.resume();
    return { ok: false, refusal: { status: 415, code: -32000, message: 'The body must be application/json.' } };
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
    // Reading on lets the program see the answer instead of a reset; without bound it would be a way to keep us busy.
    if (bytes > 2 * maxBytes) break;
  }
  if (bytes <= maxBytes) return { ok: true, bytes: Buffer.concat(chunks) };
  const message = `The message is over ${maxBytes} bytes (daemon.maxMessageBytes).`;
  return { ok: false, refusal: { status: 413, code: -32600, message, headers: { connection: 'close' } } };
}

export type Accepts = {
  json: boolean;
  stream: boolean;
  /** It names the stream first. */
  prefersStream: boolean;
};

/** What the program takes; a program that says nothing takes all. */
export function acceptsOf(request: IncomingMessage): Accepts {
  const accept = request.headers.accept ?? '*/*';
  const any = /\*\/\*/.test(accept);
  return {
    json: any || /application\/(?:json|\*)/i.test(accept),
    stream: any || /text\/(?:event-stream|\*)/i.test(accept),
    prefersStream: /^\s*text\/event-stream/i.test(accept),
  };
}

/** Of the program: its port leads to its process. */
export function addressOf({ socket }: IncomingMessage): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`;
}

export function headerText(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
