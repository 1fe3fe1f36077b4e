// HTTP requests over node:http. The global fetch would cost the daemon 22 MB at its first use (measured), and it can
// neither use a proxy nor tell whether a request was sent at all.
import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { AppError, systemCode } from '../../../base/errors.ts';
import { bodyOf, type ResponseBody } from './decoded-body.ts';
import { findProxy, type ProxyEnvironment, proxyAuthorization } from './proxy.ts';

export type HttpRequest = {
  url: URL;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: Buffer;
  signal?: AbortSignal;
  /** The whole request is written. */
  onSent?: () => void;
};

/** The body is decoded; the headers are those of what came over the wire. */
export type HttpResponse = ResponseBody & { status: number; headers: http.IncomingHttpHeaders; url: URL };

/** `mayHaveRun` in an error's data: false only if no byte of the request can have reached the server. */
export type HttpClient = {
  request: (request: HttpRequest) => Promise<HttpResponse>;
  /** For a connection that is upgraded: the agent of the proxy, or undefined if it is made directly. */
  tunnelFor: (url: URL) => http.Agent | undefined;
  /** Drops all connections. */
  close: () => void;
};

/** A name that does not resolve and a port that is filtered both end here; a busy machine answers sooner. */
const connectTimeoutMs = 15_000;

/** Below the five seconds after which many servers drop an idle connection: a request must not meet that moment. */
const idleSocketMs = 4_000;

const maxRedirects = 5;

export function createHttpClient({ env = process.env }: { env?: ProxyEnvironment } = {}): HttpClient {
  const agents = new Map<string, http.Agent>();
  const agentFor = (url: URL, proxy: URL | undefined): http.Agent => {
    const isSecure = url.protocol === 'https:';
    const key = `${isSecure} ${proxy?.href ?? ''}`;
    const found = agents.get(key);
    if (found) return found;
    const agent = createAgent(isSecure, proxy);
    forgetIdleSockets(agent);
    agents.set(key, agent);
    return agent;
  };
  return {
    request: async (request) => {
      const origin = request.url.origin;
      let current = request;
      for (let redirects = 0; ; redirects += 1) {
        const proxy = findProxy(current.url, env);
        const response = await exchange(current, agentFor(current.url, proxy), proxy);
        const next = redirectOf(response, current);
        if (!next) return response;
        response.discard();
        if (next.url.origin !== origin) throw redirectError(current.url, `to another origin, ${next.url.origin}`);
        if (redirects === maxRedirects) throw redirectError(current.url, `more than ${maxRedirects} times`);
        current = next;
      }
    },
    tunnelFor: (url) => {
      const proxy = findProxy(url, env);
      return proxy ? tunnelAgent(proxy, url.protocol === 'wss:') : undefined;
    },
    close: () => {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

/** An http: address behind a proxy is asked from the proxy itself, over TLS if the proxy wants it. */
function createAgent(isSecure: boolean, proxy: URL | undefined): http.Agent {
  if (isSecure && proxy) return tunnelAgent(proxy, true);
  return isSecure || proxy?.protocol === 'https:' ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
}

const agentOptions = { keepAlive: true, scheduling: 'lifo' } as const;

function exchange(request: HttpRequest, agent: http.Agent, proxy: URL | undefined): Promise<HttpResponse> {
  const { url, method, body, signal } = request;
  const isForwarded = proxy !== undefined && url.protocol === 'http:';
  const target = isForwarded ? proxy : url;
  const authorization = isForwarded ? proxyAuthorization(proxy) : undefined;
  const options: https.RequestOptions = {
    agent,
    method,
    host: target.hostname.replace(/^\[|\]$/g, ''),
    port: target.port || undefined,
    // A proxy takes the whole address instead of a path.
    path: isForwarded ? `${url.origin}${url.pathname}${url.search}` : `${url.pathname}${url.search}`,
    headers: {
      // Whoever packs an event stream often holds its events back until a block is full.
      'accept-encoding': 'identity',
      ...request.headers,
      host: url.host,
      ...(authorization ? { 'proxy-authorization': authorization } : {}),
      ...(body ? { 'content-length': String(body.length) } : {}),
    },
    ...(signal ? { signal } : {}),
  };
  const isSecure = target.protocol === 'https:';
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const outgoing: http.ClientRequest = isSecure ? https.request(options) : http.request(options);
    const timer = setTimeout(
      () => outgoing.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
      connectTimeoutMs,
    );
    timer.unref();
    const connected = () => {
      isConnected = true;
      clearTimeout(timer);
    };
    outgoing.once('socket', (socket: Socket) => {
      if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    outgoing.once('finish', () => request.onSent?.());
    outgoing.once('response', (incoming) => {
      connected();
      incoming.on('error', () => {}); // told to whoever reads the body by its `close`
      const { statusCode: status = 0, headers } = incoming;
      resolve(Object.assign(bodyOf(incoming, { url, status, method }), { status, headers, url }));
    });
    outgoing.on('error', (error) => {
      clearTimeout(timer);
      reject(connectionError(url, error, isConnected));
    });
    outgoing.end(body);
  });
}

/** Undefined if the response is no redirect that a client follows. */
function redirectOf(response: HttpResponse, request: HttpRequest): HttpRequest | undefined {
  const location = response.headers.location;
  if (location === undefined || !URL.canParse(location, request.url.href)) return undefined;
  const url = new URL(location, request.url);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  // 307 and 308 keep method and body; the older three turn a POST into a GET, which no MCP endpoint means.
  if (response.status === 307 || response.status === 308) return { ...request, url };
  return isRead && [301, 302, 303].includes(response.status) ? { ...request, url } : undefined;
}

function redirectError(url: URL, how: string): AppError {
  return new AppError({
    code: 'SERVER_FAILED',
    message: `${url.origin} redirects ${how}. Headers with credentials are not sent there.`,
    hint: 'Put the final address into `url`.',
    data: { mayHaveRun: false },
  });
}

function connectionError(url: URL, error: Error, isConnected: boolean): AppError {
  const code = systemCode(error);
  return new AppError({
    code: 'SERVER_FAILED',
    message: isConnected
      ? `The connection to ${url.origin} broke: ${code ?? error.message}.`
      : `${url.origin} cannot be reached: ${code ?? error.message}.`,
    hint: isConnected ? 'Try again.' : 'Check that the server runs, the address, and the network.',
    cause: error,
    data: { mayHaveRun: isConnected },
  });
}

/** Idle connections are dropped before the other side may drop them; busy ones have no limit (streams stay for hours). */
function forgetIdleSockets(agent: http.Agent): void {
  const keep = agent.keepSocketAlive.bind(agent);
  const reuse = agent.reuseSocket.bind(agent);
  agent.keepSocketAlive = (socket: Duplex) => {
    const isKept = keep(socket);
    if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(idleSocketMs);
    return isKept;
  };
  agent.reuseSocket = (socket: Duplex, request: http.ClientRequest) => {
    reuse(socket, request);
    if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0);
  };
}

type AgentConnect = (options: https.RequestOptions, callback: (error: Error | null, socket?: Duplex) => void) => void;

/** An agent whose connections go through the proxy's CONNECT, with TLS inside if `isSecure`. */
function tunnelAgent(proxy: URL, isSecure: boolean): http.Agent {
  const agent = isSecure ? new https.Agent(agentOptions) : new http.Agent();
  const createConnection: AgentConnect = (options, callback) => {
    const target = `${options.host ?? ''}:${options.port ?? (isSecure ? 443 : 80)}`;
    const authorization = proxyAuthorization(proxy);
    const asking = (proxy.protocol === 'https:' ? https : http).request({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...(authorization ? { 'proxy-authorization': authorization } : {}) },
      agent: false,
    });
    asking.once('connect', (response, socket) => {
      if (response.statusCode !== 200) {
        socket.destroy();
        callback(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`));
        return;
      }
      if (!isSecure) {
        callback(null, socket);
        return;
      }
      const servername = options.servername ?? options.host ?? '';
      callback(null, connectTls({ ...tlsOptions(options), socket, servername }));
    });
    asking.once('error', (error) => callback(new Error(`the proxy ${proxy.host} cannot be reached`, { cause: error })));
    asking.end();
  };
  return Object.assign(agent, { createConnection });
}

function tlsOptions({ ca, cert, key, rejectUnauthorized }: https.RequestOptions): ConnectionOptions {
  return { ca, cert, key, ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }) };
}
