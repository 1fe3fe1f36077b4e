// Streamable HTTP of the revisions with sessions: POST, GET and DELETE, each checked before a session hears of it.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { findPlace } from '../../link/project-root.ts';
import { batchOf, type Envelope, maxBatch, oneLine, parseEnvelope } from '../../mcp/envelope.ts';
import { idKey } from '../../mcp/id-key.ts';
import { rpcCodes } from '../../mcp/messages.ts';
import { isSessionsVersion, sessionsVersions, takesBatches } from '../../mcp/versions.ts';
import type { Session, SessionIdentity, SessionSink } from '../../sessions/session.ts';
import {
  acceptsOf,
  addressOf,
  type HttpRefusal,
  headerText,
  invalidRefusal,
  refusalCodes,
  refuse,
} from './http-reply.ts';
import { HttpSession, type HttpSessionDeps } from './http-session.ts';
import { projectHeader, projectOfHeader } from './project-path.ts';

/** What the address and the guard say of a request. */
export type Visit = { principal: string; path: string; server?: string; mode?: string };

export type SessionMaker = (identity: SessionIdentity, sink: SessionSink) => Session;

export type LegacyEndpointDeps = Omit<HttpSessionDeps, 'onProject' | 'onEnd'> & {
  createSession: SessionMaker;
  onOpen: (session: Session) => void;
  onProject: (session: Session) => void;
  onClose: (session: Session, reason: string) => void;
  isDraining: () => boolean;
  home: string;
};

/** More than any person has programs; each costs little. */
const maxSessions = 2_000;

export class LegacyEndpoint {
  readonly #deps: LegacyEndpointDeps;
  readonly #sessions = new Map<string, HttpSession>();

  constructor(deps: LegacyEndpointDeps) {
    this.#deps = deps;
  }

  all(): HttpSession[] {
    return [...this.#sessions.values()];
  }

  find(id: string): HttpSession | undefined {
    return this.#sessions.get(id);
  }

  post(request: IncomingMessage, response: ServerResponse, visit: Visit, body: Buffer): void {
    const parsed = parseBody(body);
    if (!parsed.ok) return refuse(response, parsed.refusal);
    const { envelopes, isBatch } = parsed;
    const first = envelopes[0];
    const isInitialize = first?.kind === 'request' && first.method === 'initialize' && envelopes.length === 1;
    const accepts = acceptsOf(request);
    if (!accepts.json && !accepts.stream) return refuse(response, notAcceptable);
    const http = isInitialize ? this.#create(request, response, visit) : this.#findFor(request, response, visit);
    if (!http) return;
    if (isBatch && !takesBatches(http.session.protocolVersion)) return refuse(response, noBatch);
    const repeated = envelopes.find((one) => one.kind === 'request' && http.hasRequest(one.idText));
    if (repeated?.kind === 'request' || hasTwice(envelopes)) {
      const idText = repeated?.kind === 'request' ? repeated.idText : undefined;
      const message = 'A request with this id is under way already.';
      return refuse(response, { status: 400, code: rpcCodes.invalidRequest, message, idText });
    }
    http.post(envelopes, response, accepts, isBatch);
  }

  get(request: IncomingMessage, response: ServerResponse, visit: Visit): void {
    if (!acceptsOf(request).stream) return refuse(response, notAcceptable);
    this.#findFor(request, response, visit)?.listen(request, response);
  }

  delete(request: IncomingMessage, response: ServerResponse, visit: Visit): void {
    const http = this.#findFor(request, response, visit);
    if (!http) return;
    http.end('its program ended it');
    response.writeHead(200).end();
  }

  /** For a program that waits for a session of the daemon's own accord: sweeps and keep-alive come from one timer. */
  sweep(): void {
    for (const http of this.#sessions.values()) http.sweep();
  }

  #create(request: IncomingMessage, response: ServerResponse, visit: Visit): HttpSession | undefined {
    const { isDraining, createSession, onOpen, home } = this.#deps;
    if (isDraining()) return refused(response, busy('This daemon is ending; try again.'));
    if (this.#sessions.size >= maxSessions) return refused(response, busy(`${maxSessions} sessions are open already.`));
    const project = projectOfHeader(headerText(request, projectHeader));
    if (project && 'error' in project) return refused(response, bad(project.error));
    const id = randomUUID();
    const { principal, path, server, mode } = visit;
    const folder = project?.folder ?? '';
    const identity: SessionIdentity = {
      id,
      lifeId: id,
      host: { pid: 0, startTime: '' },
      wrapper: { pid: 0, startTime: '' },
      projectDir: folder,
      ...findPlace(folder, home),
      address: addressOf(request),
      ...(server === undefined ? {} : { server }),
      ...(mode === undefined ? {} : { mode }),
    };
    const http = new HttpSession({
      principal,
      path,
      hasProject: project !== undefined,
      createSession: (sink) => createSession(identity, sink),
      deps: {
        handle: this.#deps.handle,
        now: this.#deps.now,
        onWant: this.#deps.onWant,
        onProject: (session, found) => {
          Object.assign(session.identity, { projectDir: found, ...findPlace(found, home) });
          this.#deps.onProject(session);
        },
        onEnd: (ended, reason) => {
          this.#sessions.delete(id);
          this.#deps.onClose(ended.session, reason);
        },
      },
    });
    this.#sessions.set(id, http);
    response.setHeader('mcp-session-id', id);
    onOpen(http.session);
    return http;
  }

  /** The session that a request names, if it may use it. Else the request is answered. */
  #findFor(request: IncomingMessage, response: ServerResponse, visit: Visit): HttpSession | undefined {
    const id = headerText(request, 'mcp-session-id');
    if (id === undefined) return refused(response, bad('Mcp-Session-Id is missing: initialize first.'));
    const http = this.#sessions.get(id);
    // One answer for all three: whether another's session exists is nobody's business.
    if (!http || http.principal !== visit.principal || http.path !== visit.path) {
      return refused(response, { status: 404, code: refusalCodes.noSession, message: 'Session not found.' });
    }
    const version = headerText(request, 'mcp-protocol-version');
    if (version !== undefined && !isSessionsVersion(version)) {
      const message = `Bad Request: MCP-Protocol-Version ${version} is not spoken here (${sessionsVersions.join(', ')}).`;
      return refused(response, bad(message));
    }
    return http;
  }
}

type ParsedBody = { ok: true; envelopes: Envelope[]; isBatch: boolean } | { ok: false; refusal: HttpRefusal };

/** One message or a batch, each on one line: what goes to a server over a pipe must not hold a line break. */
function parseBody(body: Buffer): ParsedBody {
  const whole = parseEnvelope(oneLine(body));
  const isBatch = whole.kind === 'invalid' && whole.isBatch;
  const batch = isBatch ? batchOf(whole) : [];
  if (!batch) return { ok: false, refusal: tooMany };
  const envelopes = isBatch ? batch.map(parseEnvelope) : [whole];
  const invalid = envelopes.find((one) => one.kind === 'invalid');
  if (invalid?.kind === 'invalid') return { ok: false, refusal: invalidRefusal(invalid) };
  return { ok: true, envelopes, isBatch };
}

function hasTwice(envelopes: readonly Envelope[]): boolean {
  const ids = envelopes.flatMap((one) => (one.kind === 'request' ? [idKey(one.idText)] : []));
  return new Set(ids).size < ids.length;
}

function refused(response: ServerResponse, refusal: HttpRefusal): undefined {
  refuse(response, refusal);
  return undefined;
}

const bad = (message: string): HttpRefusal => ({ status: 400, code: refusalCodes.badRequest, message });
const busy = (message: string): HttpRefusal => ({
  status: 503,
  code: refusalCodes.badRequest,
  message,
  headers: { 'retry-after': '1' },
});
const noBatch: HttpRefusal = {
  status: 400,
  code: rpcCodes.invalidRequest,
  message: 'Batches are part of revision 2025-03-26 only.',
};
const tooMany: HttpRefusal = {
  status: 413,
  code: rpcCodes.invalidRequest,
  message: `A batch has at most ${maxBatch} messages.`,
};
const notAcceptable: HttpRefusal = {
  status: 406,
  code: refusalCodes.badRequest,
  message: 'Accept must name application/json or text/event-stream.',
};
