// Why a server did not take a request: it has forgotten our session, it was replaced by one of the other era,
// or the request itself is refused.
import type { AppError } from '../../../base/errors.ts';
import { parseEnvelope } from '../../../mcp/envelope.ts';
import { eraOf } from '../../../mcp/eras/eras.ts';
import { errorCode } from '../../../mcp/modern.ts';
import { forgottenError, statusError } from './http-call.ts';
import type { HttpResponse } from './http-client.ts';

export type Conversation = {
  version: string | undefined;
  hasSession: boolean;
  /** Of the entry. */
  headers: Readonly<Record<string, string>>;
};

/** A lost session has `isSessionLost` in its data: a new one can be opened, and what was refused can be sent there. */
export function refusalOf(response: HttpResponse, text: string, conversation: Conversation): AppError {
  const { version, hasSession, headers } = conversation;
  const { status, url } = response;
  const isRefused = status === 400 || status === 404;
  if (isRefused && speaksOtherEra(text, version)) return forgottenError(url, false);
  // The specification says 404; many servers follow an early example that answers 400.
  const isForgotten = status === 404 || (status === 400 && saysForgotten(text));
  return hasSession && isForgotten ? forgottenError(url, false) : statusError(response, text, headers);
}

/**
 * A refusal for its credentials is one whatever its body says. Of a question that only finds something out, the words of
 * whoever was in the way are no answer of the server.
 */
export function isOfGateway(status: number, isProbe: boolean): boolean {
  return status === 401 || (isProbe && (status === 403 || status === 429 || status > 501));
}

/** Many servers follow an early example and answer 400 in such words where the specification says 404. */
function saysForgotten(text: string): boolean {
  return /no valid session|invalid session|session (?:id )?(?:not found|expired)|unknown session/i.test(text);
}

/** What a server says to a request of the era that it does not know any more, since it was up- or downgraded. */
export function speaksOtherEra(text: string, version: string | undefined): boolean {
  return version !== undefined && eraOf(version).http.disowns(text, codeIn(text));
}

function codeIn(text: string): number | undefined {
  const envelope = parseEnvelope(Buffer.from(text));
  return envelope.kind === 'response' ? errorCode(envelope) : undefined;
}
