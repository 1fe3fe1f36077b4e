// Lines that we write ourselves.
import { cutChars, wholeJson } from '../base/cut-text.ts';
import { type AppError, errorRow } from '../base/errors.ts';
import { plainText } from '../base/plain-text.ts';
import { type InvalidEnvelope, whyInvalid } from './envelope.ts';

/** JSON-RPC and MCP error codes in use. */
export const rpcCodes = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** A server that cannot answer now: our own range, see docs/errors.md. */
  unavailable: -32001,
  resourceNotFound: -32002,
} as const;

/** Longer than anything that we say ourselves, and little enough for a model that asked for something else. */
const maxQuotedChars = 4_096;
const maxErrorChars = 2 * maxQuotedChars + 1;

export function resultLine(idText: string, result: string | Uint8Array): Buffer {
  const head = Buffer.from(`{"jsonrpc":"2.0","id":${idText},"result":`);
  return Buffer.concat([head, typeof result === 'string' ? Buffer.from(result) : result, Buffer.from('}')]);
}

export function errorLine(idText: string | undefined, code: number, message: string, data?: unknown): Buffer {
  const text = readable(message, maxErrorChars);
  const error = data === undefined ? { code, message: text } : { code, message: text, data };
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText ?? 'null'},"error":${wholeJson(error)}}`);
}

/** To whom sent it. Under the id of an answer a request of its own could wait. */
export function invalidLine(envelope: InvalidEnvelope): Buffer {
  return errorLine(envelope.isAnswer ? undefined : envelope.idText, envelope.code, whyInvalid(envelope));
}

export function idInUse(idText: string): string {
  return `A request with the id ${idText} is still open.`;
}

export function requestLine(idText: string, method: string, params?: unknown): Buffer {
  const tail = params === undefined ? '' : `,"params":${JSON.stringify(params)}`;
  return Buffer.from(`{"jsonrpc":"2.0","id":${idText},"method":${JSON.stringify(method)}${tail}}`);
}

export function notificationLine(method: string, params?: unknown): Buffer {
  const tail = params === undefined ? '' : `,"params":${JSON.stringify(params)}`;
  return Buffer.from(`{"jsonrpc":"2.0","method":${JSON.stringify(method)}${tail}}`);
}

/** A question that nobody can be asked, answered so that its server goes on: an elicitation is cancelled, not failed. */
export function declinedLine({ idText, method }: { idText: string; method: string }, reason: string): Buffer {
  if (method === 'elicitation/create') return resultLine(idText, '{"action":"cancel"}');
  return errorLine(idText, rpcCodes.methodNotFound, `${method} is not possible: ${reason}.`);
}

/** The same failure as a JSON-RPC error, for requests whose result has no `isError`. */
export function appErrorLine(idText: string, error: AppError): Buffer {
  const code = rpcCodes[errorRow(error.code).rpc];
  return errorLine(idText, code, messageWithHint(error), { code: error.code, ...error.data });
}

/** The same failure as a tool result: the model reads it and can act on it. */
export function appErrorToolResult(idText: string, error: AppError): Buffer {
  const result = {
    content: [{ type: 'text', text: messageWithHint(error) }],
    isError: true,
    _meta: { 'aitkit/error': { code: error.code, ...error.data } },
  };
  return resultLine(idText, wholeJson(result));
}

/** A call's failure goes to the model as a result that it can act on; any other request has an error. */
export function failureLine({ method, idText }: { method: string; idText: string }, error: AppError): Buffer {
  return method === 'tools/call' ? appErrorToolResult(idText, error) : appErrorLine(idText, error);
}

/** What an error quotes of others is bounded and free of what hides, and never pushes out what to do next. */
function messageWithHint({ message, hint }: AppError): string {
  const text = readable(message, maxQuotedChars);
  return hint ? `${text} ${readable(hint, maxQuotedChars)}` : text;
}

/** Cut on both sides of it: what is not shown costs nothing, and what is written out is longer than it was. */
function readable(text: string, maxChars: number): string {
  return cutChars(plainText(cutChars(text, maxChars)), maxChars);
}
