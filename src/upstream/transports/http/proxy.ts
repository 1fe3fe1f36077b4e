// Which HTTP proxy the environment asks for. Same variables and rules as curl, without SOCKS.
import { AppError } from '../../../base/errors.ts';

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** The proxy for `url`, or undefined for a direct connection. Throws if the proxy is of a kind we cannot speak to. */
export function findProxy(url: URL, env: ProxyEnvironment): URL | undefined {
  if (isLoopback(url.hostname) || isExcepted(url, read(env, 'no_proxy') ?? '')) return undefined;
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:';
  // A CGI program's HTTP_PROXY can come from a request header; curl therefore reads only the lower-case one. We are
  // none, and most people set both or the upper-case one.
  const value = read(env, isSecure ? 'https_proxy' : 'http_proxy') ?? read(env, 'all_proxy');
  if (!value) return undefined;
  const text = value.includes('://') ? value : `http://${value}`;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol === 'http:' || proxy?.protocol === 'https:') return proxy;
  throw new AppError({
    code: 'SERVER_FAILED',
    message: `The proxy for ${url.host} is of a kind that is not supported${proxy ? `: ${proxy.protocol}//` : ''}.`,
    hint: `Set ${isSecure ? 'HTTPS_PROXY' : 'HTTP_PROXY'} to an http:// proxy, or name ${url.hostname} in NO_PROXY.`,
  });
}

/** Value of the Proxy-Authorization header, or undefined if the proxy's URL carries no user. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (!proxy.username && !proxy.password) return undefined;
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

function isExcepted(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' || url.protocol === 'wss:' ? '443' : '80');
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', entryPort] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
      if (entryPort !== undefined && entryPort !== port && !entry.includes('::')) return false;
      const plain = entry.includes('::') ? entry.toLowerCase().replace(/^\[|\](?::\d+)?$/g, '') : name;
      const suffix = plain.replace(/^\*?\./, '');
      return host === suffix || host.endsWith(`.${suffix}`);
    });
}

function read(env: ProxyEnvironment, name: string): string | undefined {
  return env[name] || env[name.toUpperCase()] || undefined;
}
