// What all HTTP-based transports do around a request: credentials, one renewal when they were refused, and errors that
// say whether the request may have been executed.
import { AppError } from '../../base/errors.ts';
import type { OversizeLine } from '../../base/line-splitter.ts';
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
    response.body.resume();
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

export type Collected = { bytes: Buffer } | { oversize: OversizeLine };

/** The whole body, or its ends if it is larger than `maxBytes`. Rejects if it breaks off. */
export function collect(response: HttpResponse, maxBytes: number): Promise<Collected> {
  const { body } = response;
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    body.on('data', (chunk: Buffer) => {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes <= maxBytes) return;
      const start = Buffer.concat(parts);
      // Of a body that is not read to its end, the tail is the last that was seen.
      const ends = { head: Buffer.from(start.subarray(0, 4_096)), tail: Buffer.from(start.subarray(-4_096)), bytes };
      body.destroy();
      resolve({ oversize: ends });
    });
    body.once('end', () => resolve({ bytes: Buffer.concat(parts) }));
    body.once('close', () => reject(brokenOff(response)));
  });
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
    return ('bytes' in found ? found.bytes : found.oversize.head).toString('utf8').trim();
  } catch {
    return ''; // the status says enough
  }
}

export function statusError(response: HttpResponse, text: string): AppError {
  const { status, url } = response;
  if (status === 401) {
    return new AppError({
      code: 'SERVER_NEEDS_LOGIN',
      message: `${url.origin} wants credentials (HTTP 401).`,
      hint: 'Add an Authorization header to its entry, or log in.',
      data: { status, mayHaveRun: false },
    });
  }
  const words = text ? `: ${text.replace(/\s+/g, ' ').slice(0, 300)}` : '';
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} answered HTTP ${status}${words}`,
    hint: hintFor(status),
    // Above 499 the server, or a gateway before it, failed on the way; below, it refused the request as it was.
    data: { status, mayHaveRun: status >= 500 },
  });
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

export function isEventStream({ headers }: Pick<HttpResponse, 'headers'>): boolean {
  return (headers['content-type'] ?? '').toLowerCase().startsWith('text/event-stream');
}
