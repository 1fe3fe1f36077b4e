// What all HTTP-based transports do around a request: credentials, one renewal when they were refused, and errors that
// say whether the request may have been executed.
import { cutChars } from '../../../base/cut-text.ts';
import { AppError } from '../../../base/errors.ts';
import { firstText, textOfStart } from '../../../base/last-text.ts';
import type { OversizeLine } from '../../../base/line-splitter.ts';
import type { HttpClient, HttpRequest, HttpResponse } from './http-client.ts';

export type Credentials = {
  /** The Authorization header, or undefined if none is known. */
  header: () => Promise<string | undefined>;
  /**
   * The server refused `used` with this WWW-Authenticate header. Resolves true if it is worth trying again; rejects
   * with SERVER_NEEDS_LOGIN if a person is needed.
   */
  renew: (challenge: string, used: string | undefined) => Promise<boolean>;
};

/** For what is not worth a login. */
export function withoutRenewal({ header }: Credentials): Credentials {
  return { header, renew: async () => false };
}

/** Enough of each end of a message to hold its id and method, as in base/line-splitter. */
const keptEndBytes = 4_096;

/** Enough of an error page to see what it says. */
const maxErrorBytes = 4_096;

/** Like client.request, with credentials. A request refused for its credentials was not executed, so it is sent again. */
export async function call(
  client: HttpClient,
  request: HttpRequest,
  credentials: Credentials | undefined,
): Promise<HttpResponse> {
  for (let isLastTry = credentials === undefined; ; isLastTry = true) {
    const used = await credentials?.header();
    const headers = used === undefined ? request.headers : { ...request.headers, authorization: used };
    const response = await client.request({ ...request, headers });
    const challenge = response.headers['www-authenticate'] ?? '';
    const isRefused = response.status === 401 || (response.status === 403 && challenge.includes('insufficient_scope'));
    if (!isRefused || isLastTry) return response;
    response.discard();
    if (!(await credentials?.renew(challenge, used))) return response;
  }
}

/** Header names are compared without case: the ones we set ourselves win over configured ones. */
export function mergeHeaders(
  configured: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const merged: Record<string, string> = {};
  for (const [name, value] of Object.entries(configured)) merged[name.toLowerCase()] = value;
  for (const [name, value] of Object.entries(own)) if (value !== undefined) merged[name] = value;
  return merged;
}

export type CollectedBody = { bytes: Buffer } | { oversize: OversizeLine };

/** The whole body, or its ends if it is larger than `maxBytes`. Rejects if it breaks off. */
export function collect(response: HttpResponse, maxBytes: number): Promise<CollectedBody> {
  const { body } = response;
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    body.on('data', (chunk: Buffer) => {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes <= maxBytes) return;
      body.destroy();
      resolve({ oversize: { head: headOf(parts), tail: tailOf(parts), bytes } });
    });
    body.once('end', () => resolve({ bytes: Buffer.concat(parts) }));
    body.once('close', () => reject(whyClosed(response) ?? brokenOff(response)));
  });
}

/** Of a body that is not read to its end, the tail is the last that was seen. Copied, so that the rest can go. */
function headOf(parts: readonly Buffer[]): Buffer {
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat(parts, Math.min(bytes, keptEndBytes));
}

function tailOf(parts: readonly Buffer[]): Buffer {
  let from = parts.length;
  for (let bytes = 0; from > 0 && bytes < keptEndBytes; from -= 1) bytes += parts[from - 1]?.length ?? 0;
  return Buffer.from(Buffer.concat(parts.slice(from)).subarray(-keptEndBytes));
}

/** Undefined where the connection simply broke. */
export function whyClosed({ body }: Pick<HttpResponse, 'body'>): AppError | undefined {
  return body.errored instanceof AppError ? body.errored : undefined;
}

export function brokenOff({ url }: Pick<HttpResponse, 'url'>): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} ended the connection before it had answered; the call may or may not have taken effect.`,
    hint: 'Check what happened before you repeat something that changes state.',
    data: { mayHaveRun: true },
  });
}

export function closedError(url: URL): AppError {
  const message = `The connection to ${url.origin} is closed.`;
  return new AppError({ code: 'SERVER_FAILED', message, data: { mayHaveRun: false } });
}

export function forgottenError(url: URL, mayHaveRun: boolean): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} has ended this session; it was restarted or the session expired.`,
    hint: mayHaveRun ? 'Check what happened before you repeat something that changes state.' : 'Call again.',
    data: { isSessionLost: true, mayHaveRun },
  });
}

/** What an error response says, shortened. */
export async function errorText(response: HttpResponse): Promise<string> {
  try {
    const found = await collect(response, maxErrorBytes);
    return ('bytes' in found ? found.bytes.toString('utf8') : textOfStart(found.oversize.head)).trim();
  } catch {
    return ''; // the status says enough
  }
}

/** `headers`: those of the entry. */
export function statusError(response: HttpResponse, text: string, headers: Readonly<Record<string, string>>): AppError {
  const { status, url } = response;
  const words = text ? `: ${shortened(text)}` : '';
  const own = credentialNames(headers);
  if (status === 401) {
    return new AppError({
      code: 'SERVER_NEEDS_LOGIN',
      message:
        own.length > 0
          ? `${url.origin} ${refusedOwn(own)} (HTTP 401)${words}`
          : `${url.origin} wants credentials (HTTP 401).`,
      hint: own.length > 0 ? hintForOwn(own) : 'Add an Authorization header to its entry, or log in.',
      data: { status, mayHaveRun: false },
    });
  }
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} answered HTTP ${status}${words}`,
    hint: status === 403 && own.length > 0 ? `${hintFor(status)} ${hintForOwn(own)}` : hintFor(status),
    // Above 499 the server, or a gateway before it, failed on the way; below, it refused the request as it was.
    data: { status, mayHaveRun: status >= 500 },
  });
}

/** Headers of an entry that say nothing about who calls. */
const technical =
  /^(?:accept|content|x-forwarded|x-request|sec)-|^(?:accept|user-agent|cache-control|pragma|origin|referer|host|connection|traceparent|tracestate)$/i;

/** Names of an entry's headers by which a server may tell who calls. */
export function credentialNames(headers: Readonly<Record<string, string>>): string[] {
  return Object.keys(headers).filter((name) => !technical.test(name));
}

/** `refused …`, of what an entry sends. */
export function refusedOwn(names: readonly string[]): string {
  return `refused the ${names.length === 1 ? 'header' : 'headers'} ${names.join(', ')} of its entry`;
}

export function hintForOwn(names: readonly string[]): string {
  return `Correct the value of ${names.join(', ')} in its entry: it may be wrong, expired, or for another address.`;
}

function hintFor(status: number): string {
  if (status === 404) return 'Check the path in `url`.';
  if (status === 405) return 'If it speaks the older HTTP+SSE, set "type": "sse".';
  return 'See what its message says.';
}

/** A login page, a proxy's page, an empty body. */
export function noMessageError({ url, status, headers }: HttpResponse): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} answered with ${headers['content-type'] || 'no content'} (HTTP ${status}) instead of a message.`,
    hint: 'Check that `url` is the address of an MCP endpoint.',
    data: { status, mayHaveRun: true },
  });
}

/** JSON, and not what was asked for: an error of a gateway, or an answer to somebody else. */
export function noReplyError({ url, status }: HttpResponse, text: Buffer): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} answered with something else than an answer to this request: ${shortened(firstText(text, maxErrorBytes))}`,
    hint: 'See what it says; if it is no MCP server, correct `url`.',
    data: { status, mayHaveRun: true },
  });
}

function shortened(text: string): string {
  return cutChars(text.replace(/\s+/g, ' '), 300);
}

export function isEventStream({ headers }: Pick<HttpResponse, 'headers'>): boolean {
  return (headers['content-type'] ?? '').toLowerCase().startsWith('text/event-stream');
}
