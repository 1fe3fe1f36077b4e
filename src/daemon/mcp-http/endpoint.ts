// `/mcp` and `/mcp/<server>`: decides by address, method and headers who answers. Behind the guard, before any session.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../../base/log.ts';
import { ownCommand } from '../../base/own-command.ts';
import { withoutMark } from '../../mcp/envelope.ts';
import { eraOf } from '../../mcp/eras/eras.ts';
import { rpcCodes } from '../../mcp/messages.ts';
import { type HttpRefusal, headerText, readMessage, refuse } from './http-reply.ts';
import { LegacyEndpoint, type Visit } from './legacy-endpoint.ts';
import { isModernRequest, ModernEndpoint, type ModernEndpointDeps } from './modern-endpoint.ts';

export type McpHttp = {
  serves: (pathname: string) => boolean;
  /** Never rejects. */
  handle: (request: IncomingMessage, response: ServerResponse, url: URL, principal: string) => Promise<void>;
  /** Sessions that the daemon need not stay for. */
  idleSessions: () => number;
  /** Ends what nobody uses any more. Its own timer does it too. */
  sweep: () => void;
  /** Every session ends; new ones can be opened. */
  endAll: (reason: string) => void;
  close: (reason: string) => void;
};

export type McpHttpDeps = ModernEndpointDeps & {
  /** Whether there is an enabled server of that name. */
  hasServer: (name: string) => boolean;
  maxMessageBytes: () => number;
  log: Log;
};

/** Below the minute after which programs and forwarders in between cut what is silent. */
const keepAliveMs = 20_000;

const modes: ReadonlySet<string> = new Set(['auto', 'all', 'gateway', 'dynamic']);

export function createMcpHttp(deps: McpHttpDeps): McpHttp {
  const legacy = new LegacyEndpoint(deps);
  const modern = new ModernEndpoint(deps);
  const sweep = () => {
    legacy.sweep();
    modern.sweep();
  };
  const endAll = (reason: string) => {
    for (const one of [...legacy.all(), ...modern.all()]) one.end(reason);
  };
  const timer = setInterval(() => {
    sweep();
    for (const http of legacy.all()) http.keepAlive();
  }, keepAliveMs);
  timer.unref();
  return {
    serves: (pathname) => pathname === '/mcp' || pathname.startsWith('/mcp/'),
    handle: async (request, response, url, principal) => {
      try {
        const visit = readVisit(url, principal, deps);
        if ('status' in visit) {
          request.resume();
          return refuse(response, visit);
        }
        await answer({ legacy, modern, maxMessageBytes: deps.maxMessageBytes() }, request, response, visit);
      } catch (error) {
        // The program left while it sent, or an error of ours: nobody else's session must feel it.
        if (!request.destroyed) deps.log.error('mcp-http.failed', { path: url.pathname, error });
        refuse(response, { status: 500, code: rpcCodes.internal, message: 'This failed inside mcp-proxy.' });
      }
    },
    idleSessions: () => [...legacy.all(), ...modern.all()].filter((one) => !one.isHolding()).length,
    sweep,
    endAll,
    close: (reason) => {
      clearInterval(timer);
      endAll(reason);
    },
  };
}

type Eras = { legacy: LegacyEndpoint; modern: ModernEndpoint; maxMessageBytes: number };

/** The era that a request is of, and what of it there is. */
async function answer(
  { legacy, modern, maxMessageBytes }: Eras,
  request: IncomingMessage,
  response: ServerResponse,
  visit: Visit,
): Promise<void> {
  switch (request.method) {
    case 'POST': {
      const body = await readMessage(request, maxMessageBytes);
      if (!body.ok) return refuse(response, body.refusal);
      const bytes = withoutMark(body.bytes);
      if (isModernRequest(request, bytes)) return modern.post(request, response, visit, bytes);
      return legacy.post(request, response, visit, bytes);
    }
    case 'GET':
    case 'DELETE': {
      request.resume();
      const { methods } = eraOf(headerText(request, 'mcp-protocol-version')).http;
      if (!methods.includes(request.method)) return refuse(response, notAllowed(methods.join(', ')));
      return request.method === 'GET' ? legacy.get(request, response, visit) : legacy.delete(request, response, visit);
    }
    default:
      request.resume();
      return refuse(response, notAllowed('POST, GET, DELETE'));
  }
}

function readVisit(url: URL, principal: string, deps: McpHttpDeps): Visit | HttpRefusal {
  const [, , encoded, ...more] = url.pathname.split('/');
  const server = encoded === undefined || encoded === '' ? undefined : decode(encoded);
  if (more.length > 0 || (server !== undefined && !deps.hasServer(server))) {
    const message = `There is no server "${server ?? ''}" here; \`${ownCommand('list')}\` shows what there is.`;
    return { status: 404, code: rpcCodes.invalidRequest, message };
  }
  const mode = url.searchParams.get('mode') ?? undefined;
  if (mode !== undefined && !modes.has(mode)) {
    return { status: 400, code: rpcCodes.invalidParams, message: `mode must be one of ${[...modes].join(', ')}.` };
  }
  return {
    principal,
    path: url.pathname.replace(/\/$/, ''),
    ...(server === undefined ? {} : { server }),
    ...(mode === undefined ? {} : { mode }),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no server has such a name
  }
}

function notAllowed(allow: string): HttpRefusal {
  return { status: 405, code: rpcCodes.invalidRequest, message: 'Method not allowed.', headers: { allow } };
}
