// Requests of revision 2026-07-28: each complete in itself, checked against its headers, none before it is understood.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { wholeJson } from '../../base/cut-text.ts';
import { isArrayAt, isObjectAt, stringAt, textAt } from '../../base/json-scan.ts';
import { findPlace } from '../../link/project-root.ts';
import { memberAt, oneLine, parseEnvelope, type RequestEnvelope } from '../../mcp/envelope.ts';
import { rpcCodes } from '../../mcp/messages.ts';
import {
  errorCode,
  isRemoved,
  type MetaProblem,
  metaKeys,
  modernCodes,
  type RequestMeta,
  readListenFilter,
  readRequestMeta,
  requestedVersion,
  spokenVersions,
  statusOf,
  unsupportedVersion,
} from '../../mcp/modern.ts';
import { headerMismatch, markedParams, paramHeaderMismatch } from '../../mcp/modern-headers.ts';
import { isSessionsVersion, statelessVersion } from '../../mcp/versions.ts';
import type { Session, SessionIdentity } from '../../sessions/session.ts';
import {
  type Accepts,
  acceptsOf,
  addressOf,
  type HttpRefusal,
  headerText,
  invalidRefusal,
  refuse,
} from './http-reply.ts';
import type { LegacyEndpointDeps, Visit } from './legacy-endpoint.ts';
import { ModernContext } from './modern-context.ts';
import { ModernReply } from './modern-reply.ts';
import { projectHeader, projectOfHeader } from './project-path.ts';
import { createStateSigner } from './request-state.ts';

/** Any text; another one for each conversation. Like a session's id it is no proof of anything: the token is. */
const clientKeyHeader = 'mcp-client-key';

export type ModernEndpointDeps = LegacyEndpointDeps & {
  /** The definition of a tool as the session sees it. */
  findTool: (session: Session, name: string) => Buffer | undefined;
};

type Request = {
  request: RequestEnvelope;
  meta: RequestMeta;
  visit: Visit;
  /** Who may come back to a call that waits. */
  holder: string;
  accepts: Accepts;
  http: IncomingMessage;
  response: ServerResponse;
};

export class ModernEndpoint {
  readonly #deps: ModernEndpointDeps;
  readonly #contexts = new Map<string, ModernContext>();
  readonly #signer = createStateSigner();
  #lastId = 0;

  constructor(deps: ModernEndpointDeps) {
    this.#deps = deps;
  }

  all(): ModernContext[] {
    return [...this.#contexts.values()];
  }

  async post(http: IncomingMessage, response: ServerResponse, visit: Visit, body: Buffer): Promise<void> {
    const envelope = parseEnvelope(oneLine(body));
    if (envelope.kind === 'invalid') {
      return refuse(response, invalidRefusal(envelope));
    }
    if (envelope.kind === 'notification') {
      // Closing the connection is what cancels; nothing else is told this way.
      response.writeHead(202).end();
      return;
    }
    if (envelope.kind === 'response') {
      const message = 'Answers come with the request that they belong to.';
      return refuse(response, { status: 400, code: rpcCodes.invalidRequest, message });
    }
    const checked = this.#check(envelope, http);
    if ('status' in checked) return refuse(response, { ...checked, idText: envelope.idText });
    const accepts = acceptsOf(http);
    const holder = `${visit.principal}\0${visit.path}`;
    await this.#serve({ request: envelope, meta: checked, visit, holder, accepts, http, response });
  }

  sweep(): void {
    for (const context of this.all()) context.sweep();
  }

  #check(request: RequestEnvelope, http: IncomingMessage): RequestMeta | HttpRefusal {
    const refusal = ({ code, message, data }: MetaProblem, status = 400): HttpRefusal => ({
      status,
      code,
      message,
      data,
    });
    const meta = readRequestMeta(request);
    const version = requestedVersion(request);
    if ('code' in meta) return refusal(meta);
    if (version === undefined) return refusal(unsupportedVersion('none'));
    const header = (name: string) => headerText(http, name);
    if (header('mcp-protocol-version') === version && version !== statelessVersion) {
      return refusal(unsupportedVersion(version));
    }
    const mismatch = headerMismatch(request, version, header);
    if (mismatch !== undefined) return refusal({ code: modernCodes.headerMismatch, message: mismatch });
    if (isRemoved(request.method)) {
      return refusal({ code: rpcCodes.methodNotFound, message: `Method not found: ${request.method}` }, 404);
    }
    return meta;
  }

  async #serve(at: Request): Promise<void> {
    const { request, response, accepts } = at;
    if (!accepts.json && !accepts.stream) {
      const message = 'Accept must name application/json or text/event-stream.';
      return refuse(response, { status: 406, code: rpcCodes.invalidRequest, message, idText: request.idText });
    }
    const context = this.#contextOf(at);
    if (!(context instanceof ModernContext)) return refuse(response, { ...context, idText: request.idText });
    if (request.method === 'server/discover') return this.#discover(at, context);
    if (request.method === 'subscriptions/listen') return this.#listen(at, context);
    if (this.#resumes(at)) return;
    const mismatch = this.#paramMismatch(at, context);
    if (mismatch !== undefined) {
      const { headerMismatch: code } = modernCodes;
      return refuse(response, { status: 400, code, message: mismatch, idText: request.idText });
    }
    const reply = new ModernReply(response, accepts, () => context.lost(call));
    const id = this.#nextId();
    const name = id.slice(1, -1);
    const call = context.begin({
      id,
      request,
      reply,
      logLevel: at.meta.logLevel,
      progressToken: at.meta.progressToken,
      stateOf: (round) => this.#signer.sign({ call: name, round }, at.holder),
    });
  }

  /** true: the request is about a call that waits, and is dealt with. */
  #resumes({ request, meta, holder, accepts, response }: Request): boolean {
    const { line, params, method, idText } = request;
    const state = stringAt(line, memberAt(line, params, ['requestState']));
    if (state === undefined || !this.#signer.isOurs(state)) return false;
    const bad = (message: string) => refuse(response, { status: 400, code: rpcCodes.invalidParams, message, idText });
    const held = this.#signer.verify(state, holder);
    const id = `"${held?.call ?? ''}"`;
    const context = this.all().find((one) => one.find(id));
    const call = context?.find(id);
    if (!held) bad('requestState is not as it was given.');
    else if (!call || !context || call.method !== method) bad('The call that requestState names waits no longer.');
    else if (call.round !== held.round || !call.isHeld) bad('requestState is of an earlier round of this call.');
    else {
      const responses = memberAt(line, params, ['inputResponses']);
      if (responses && !isObjectAt(line, responses)) {
        bad('inputResponses must be an object.');
        return true;
      }
      const reply = new ModernReply(response, accepts, () => call.isAttachedTo(reply) && context.lost(call));
      context.resume(call, { request, reply, progressToken: meta.progressToken }, responses);
    }
    return true;
  }

  async #discover({ request, response, accepts }: Request, context: ModernContext): Promise<void> {
    const reply = new ModernReply(response, accepts, () => {});
    const answer = await context.introduction();
    if (!answer?.result) {
      const error = answer?.error ? textAt(answer.line, answer.error) : '{"code":-32603,"message":"no introduction"}';
      const line = Buffer.from(`{"jsonrpc":"2.0","id":${request.idText},"error":${error}}`);
      return reply.finish(line, answer ? statusOf(errorCode(answer)) : 500);
    }
    const face: unknown = JSON.parse(textAt(answer.line, answer.result));
    reply.finish(Buffer.from(`{"jsonrpc":"2.0","id":${request.idText},"result":${discoverResult(face)}}`));
  }

  async #listen({ request, response, accepts }: Request, context: ModernContext): Promise<void> {
    const filter = readListenFilter(request);
    if (!filter || !accepts.stream) {
      const message = filter ? 'Accept must name text/event-stream.' : 'params.notifications must be an object.';
      const status = filter ? 406 : 400;
      return refuse(response, { status, code: rpcCodes.invalidParams, message, idText: request.idText });
    }
    let listener: Awaited<ReturnType<ModernContext['listen']>> | undefined;
    const reply = new ModernReply(
      response,
      { json: false, stream: true, prefersStream: true },
      () => listener && context.unlisten(listener),
    );
    listener = await context.listen(request.idText, filter, reply);
    // It may have gone while servers were asked.
    if (reply.isOver) context.unlisten(listener);
  }

  #paramMismatch({ request, http }: Request, context: ModernContext): string | undefined {
    const { line, method, params } = request;
    const name = method === 'tools/call' ? stringAt(line, memberAt(line, params, ['name'])) : undefined;
    const raw = name === undefined ? undefined : this.#deps.findTool(context.session, name);
    if (!raw?.includes('x-mcp-header')) return undefined;
    const schema = memberAt(raw, { start: 0, end: raw.length }, ['inputSchema']);
    if (!schema || isArrayAt(raw, schema)) return undefined;
    const marked = markedParams(JSON.parse(textAt(raw, schema)));
    // A definition that is invalid there has no headers to compare; our own revisions before know nothing of them.
    if (typeof marked === 'string') return undefined;
    return paramHeaderMismatch(request, marked, (wanted) => headerText(http, wanted));
  }

  /**
   * Requests of one program with one set of abilities share what they leave behind: the revision has nothing that tells two
   * of its conversations apart. A program that has several may say which by a key of its own.
   */
  #contextOf({ visit, meta, http }: Request): ModernContext | HttpRefusal {
    const project = projectOfHeader(headerText(http, projectHeader));
    if (project && 'error' in project) return { status: 400, code: rpcCodes.invalidParams, message: project.error };
    const { principal, path, server, mode } = visit;
    const folder = project?.folder ?? '';
    const clientKey = headerText(http, clientKeyHeader) ?? '';
    const parts = [principal, path, mode ?? '', folder, meta.capabilitiesText, meta.clientInfoText ?? '', clientKey];
    const key = createHash('sha256').update(parts.join('\0')).digest('base64url').slice(0, 22);
    const known = this.#contexts.get(key);
    if (known) return known;
    if (this.#deps.isDraining()) {
      return { status: 503, code: rpcCodes.unavailable, message: 'This daemon is ending; try again.' };
    }
    const identity: SessionIdentity = {
      id: `stateless-${key}`,
      lifeId: `stateless-${key}`,
      host: { pid: 0, startTime: '' },
      wrapper: { pid: 0, startTime: '' },
      projectDir: folder,
      ...findPlace(folder, this.#deps.home),
      address: addressOf(http),
      ...(server === undefined ? {} : { server }),
      ...(mode === undefined ? {} : { mode }),
      ...(clientKey === '' ? { isShared: true } : {}),
    };
    const context = new ModernContext({
      createSession: (sink) => this.#deps.createSession(identity, sink),
      clientInfo: meta.clientInfoText,
      capabilities: meta.capabilitiesText,
      handle: this.#deps.handle,
      onWant: this.#deps.onWant,
      onEnd: (ended, reason) => {
        this.#contexts.delete(key);
        this.#deps.onClose(ended.session, reason);
      },
      nextId: () => this.#nextId(),
      now: this.#deps.now,
    });
    this.#contexts.set(key, context);
    this.#deps.onOpen(context.session);
    return context;
  }

  #nextId(): string {
    this.#lastId += 1;
    return `"m${this.#lastId}"`;
  }
}

/** A request of this era: it says so in its body or its headers, and no session is named. */
export function isModernRequest(http: IncomingMessage, body: Buffer): boolean {
  if (headerText(http, 'mcp-session-id') !== undefined) return false;
  if (body.includes(metaKeys.protocolVersion)) return true;
  const version = headerText(http, 'mcp-protocol-version');
  return version !== undefined && !isSessionsVersion(version);
}

function discoverResult(face: unknown): string {
  const of = (key: string): unknown =>
    typeof face === 'object' && face !== null ? Object.getOwnPropertyDescriptor(face, key)?.value : undefined;
  const declared = of('capabilities');
  // Tasks as the older era has them are another protocol than the extension of the newer one.
  const { tasks: _, ...capabilities } =
    typeof declared === 'object' && declared !== null ? { ...declared, tasks: undefined } : { tasks: undefined };
  const instructions = of('instructions');
  return wholeJson({
    resultType: 'complete',
    supportedVersions: spokenVersions,
    capabilities,
    ...(typeof instructions === 'string' ? { instructions } : {}),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { [metaKeys.serverInfo]: of('serverInfo') },
  });
}
