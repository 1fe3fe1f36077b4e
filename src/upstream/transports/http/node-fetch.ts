// `fetch` as far as the MCP SDK's OAuth code needs it, over our own HTTP client: same proxies, same redirect rule, and
// small answers only. Not for MCP messages: those are streamed.
import { AppError } from '../../../base/errors.ts';
import { collect } from './http-call.ts';
import type { HttpClient } from './http-client.ts';

export type NodeFetch = (input: string | URL, init?: RequestInit) => Promise<Response>;

export type NodeFetchOptions = {
  /** Throws for an address that must not be asked. */
  ensureAllowed: (url: URL) => void;
};

/** Metadata and tokens are a few kilobytes. */
const maxBodyBytes = 1024 * 1024;

/** What they say is not true of a body that was decoded. */
const ofTheWire: ReadonlySet<string> = new Set(['content-encoding', 'content-length', 'transfer-encoding']);

/** A person may be waiting for the login page. */
const timeoutMs = 30_000;

export function createNodeFetch(client: HttpClient, { ensureAllowed }: NodeFetchOptions): NodeFetch {
  return async (input, init = {}) => {
    const url = new URL(input);
    ensureAllowed(url);
    const signals = [AbortSignal.timeout(timeoutMs), ...(init.signal ? [init.signal] : [])];
    const response = await client.request({
      url,
      method: init.method ?? 'GET',
      headers: Object.fromEntries(new Headers(init.headers ?? {})),
      ...(init.body == null ? {} : bodyOf(init.body)),
      signal: AbortSignal.any(signals),
    });
    const found = await collect(response, maxBodyBytes);
    if ('oversize' in found) {
      throw new AppError({
        code: 'MESSAGE_TOO_LARGE',
        message: `${url.origin} answered with more than ${maxBodyBytes} bytes.`,
      });
    }
    const hasNoBody = [204, 205, 304].includes(response.status);
    const headers = new Headers();
    for (const [name, value] of Object.entries(response.headers)) {
      if (ofTheWire.has(name)) continue;
      for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
    }
    return new Response(hasNoBody ? null : Uint8Array.from(found.bytes), { status: response.status, headers });
  };
}

function bodyOf(body: NonNullable<RequestInit['body']>): { body: Buffer } {
  if (typeof body === 'string') return { body: Buffer.from(body) };
  if (body instanceof URLSearchParams) return { body: Buffer.from(body.toString()) };
  throw new TypeError('only text can be sent'); // a programming error: the SDK sends forms and JSON
}
