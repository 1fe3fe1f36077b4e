// The control API over HTTP: on the socket as it is, on 127.0.0.1 behind the guard. One table of routes for both.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { wholeJson } from '../../base/cut-text.ts';
import { AppError, errorRow } from '../../base/errors.ts';
import { isRecord } from '../../base/guards.ts';
import type { Log } from '../../base/log.ts';
import { checkRequest } from './guard.ts';

export type RouteContext = {
  body: Record<string, unknown>;
  query: URLSearchParams;
  request: IncomingMessage;
  response: ServerResponse;
  /** It came over the socket, which only this user reaches. */
  isLocal: boolean;
};
export type ControlRoute = {
  method: string;
  path: string;
  /** The body of the answer; undefined: the handler writes the response itself. */
  handle: (context: RouteContext) => Promise<unknown> | unknown;
};

/** What speaks MCP on the same port; `principal` stands for who may use what was opened. */
export type McpEndpoint = {
  serves: (pathname: string) => boolean;
  handle: (request: IncomingMessage, response: ServerResponse, url: URL, principal: string) => Promise<void>;
};

export type HttpServerDeps = { routes: readonly ControlRoute[]; token: () => string; mcp: () => McpEndpoint; log: Log };

/** Control requests are small; tool arguments given to `call` are the largest. */
const maxBodyBytes = 8 * 1024 * 1024;

export type ControlHttp = {
  /** A connection on the daemon's own socket. */
  serveSocket: (socket: Socket) => void;
  /** Resolves with the port; rejects with the system's error. */
  listen: (port: number) => Promise<number>;
  /** Nobody new on the port; streams that are open there end. */
  unlisten: () => void;
  close: () => void;
};

export function createControlHttp(deps: HttpServerDeps): ControlHttp {
  const local = createServer((request, response) => void answer(request, response, deps, 'socket'));
  let remote: Server | undefined;
  const unlisten = () => {
    remote?.close();
    remote?.closeAllConnections();
    remote = undefined;
  };
  return {
    serveSocket: (socket) => {
      local.emit('connection', socket);
      socket.resume();
    },
    listen: (port) =>
      new Promise((resolve, reject) => {
        const server = createServer((request, response) => {
          const token = deps.token();
          const verdict = checkRequest(request, addressPort(server), token);
          if (verdict.status === 200) return void answer(request, response, deps, principalOf(token));
          request.resume();
          send(response, verdict.status, { error: { code: 'DAEMON_REFUSED', message: verdict.message } });
        });
        server.once('error', reject);
        // Loopback only, whatever the config says: whoever reaches it can run every tool.
        server.listen(port, '127.0.0.1', () => {
          server.unref();
          remote = server;
          resolve(addressPort(server));
        });
      }),
    unlisten,
    close: () => {
      local.closeAllConnections();
      unlisten();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  deps: HttpServerDeps,
  principal: string,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (deps.mcp().serves(url.pathname)) return deps.mcp().handle(request, response, url, principal);
  try {
    const onPath = deps.routes.filter(({ path }) => path === url.pathname);
    const route = onPath.find(({ method }) => method === request.method);
    if (!route) {
      request.resume();
      if (onPath.length > 0) response.setHeader('allow', onPath.map(({ method }) => method).join(', '));
      const message = `There is no ${request.method ?? ''} ${url.pathname} here.`;
      return send(response, onPath.length > 0 ? 405 : 404, { error: { code: 'BAD_ARGUMENT', message } });
    }
    const body = route.method === 'POST' ? await readBody(request) : {};
    const result = await route.handle({
      body,
      query: url.searchParams,
      request,
      response,
      isLocal: principal === 'socket',
    });
    if (result !== undefined) send(response, 200, result);
  } catch (error) {
    if (!(error instanceof AppError)) deps.log.error('control.failed', { path: url.pathname, error });
    const { code, message, hint } = error instanceof AppError ? error : defect(error);
    send(response, errorRow(code).status, { error: { code, message, ...(hint ? { hint } : {}) } });
  }
}

function defect(cause: unknown): AppError {
  const message = 'This request failed inside mcp-proxy; its log says why.';
  return new AppError({ code: 'INTERNAL', message, cause });
}

/** What a session over HTTP is bound to: with a new token, sessions of the old one are nobody's. */
function principalOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  // A page can post text/plain to us without asking first; with JSON as the only type its browser has to ask.
  const type = request.headers['content-type'];
  if (type !== undefined && !/^application\/json\b/i.test(type)) {
    request.resume();
    throw new AppError({ code: 'BAD_ARGUMENT', message: 'The body must be application/json.' });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxBodyBytes) {
      throw new AppError({ code: 'MESSAGE_TOO_LARGE', message: `The body is over ${maxBodyBytes} bytes.` });
    }
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (isRecord(value)) return value;
  } catch {
    // said below
  }
  throw new AppError({ code: 'BAD_ARGUMENT', message: 'The body must be a JSON object.' });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${wholeJson(body)}\n`);
}

function addressPort(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
