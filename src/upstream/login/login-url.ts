// Addresses that come from a server's metadata: which of them may be shown to a person to be opened, and which may be
// asked by the daemon.
import { isIP } from 'node:net';
import { cutChars } from '../../base/cut-text.ts';
import { AppError } from '../../base/errors.ts';
import { isLoopback } from '../transports/http/proxy.ts';

/**
 * What a URL consists of, without quotes, `$`, backticks, brackets of a shell, spaces and control characters. We start
 * no browser through a shell, but what is printed gets pasted into one.
 */
const plainUrl = /^https?:\/\/[\w.~:/?#[\]@!*+,;=%&-]+$/i;

/** Throws if `text`, as the server wrote it, is nothing that a browser should be sent to. */
export function ensureSafeToOpen(text: string): void {
  if (plainUrl.test(text) && URL.canParse(text)) return;
  throw new AppError({
    code: 'SERVER_FAILED',
    message: `The server names an unsafe address for its login: ${JSON.stringify(cutChars(text, 200))}`,
    hint: 'Do not open it. Remove the server, or tell its maker.',
  });
}

/**
 * Metadata may point anywhere, also into this machine or its network. A server on the internet gets the internet only;
 * one on this machine or in a private network may use what it likes. Where a person says where the login server is
 * (`vouched`), that origin is fine too.
 */
export function ensureReachableFor(server: URL, url: URL, vouched?: string): void {
  if (url.origin === server.origin || isPrivate(server.hostname)) return;
  if (vouched !== undefined && URL.canParse(vouched) && new URL(vouched).origin === url.origin) return;
  if (url.protocol === 'https:' && !isPrivate(url.hostname)) return;
  throw new AppError({
    code: 'SERVER_FAILED',
    message: `${server.origin} sends its login to ${url.origin}, which is not a public https address.`,
    hint: 'If that is right, give the server an Authorization header instead.',
  });
}

function isPrivate(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isLoopback(host)) return true;
  if (isIP(host) === 4) {
    const [a = 0, b = 0] = host.split('.').map(Number);
    return (
      a === 0 ||
      a === 10 ||
      a === 127 ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b < 128)
    );
  }
  if (isIP(host) === 6) return host === '::' || /^(?:f[cd]|fe[89ab])/.test(host) || host.startsWith('::ffff:');
  // A name without a dot can only be one of the local network.
  return !host.includes('.') || host.endsWith('.local') || host.endsWith('.internal');
}
