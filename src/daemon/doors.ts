// Where sessions come from: wrappers and people over the daemon's own socket, programs over HTTP on a port of this machine.
import type { Server } from 'node:net';
import { homedir } from 'node:os';
import type { Log } from '../base/log.ts';
import { isNamed } from '../config/visibility.ts';
import type { Endpoint } from '../link/endpoint.ts';
import type { SessionSettings } from '../link/hello.ts';
import type { Environment, Locations } from '../link/locations.ts';
import { type Session, unreadLimit } from '../sessions/session.ts';
import { createUnwrapped } from '../sessions/without-wrapper.ts';
import { type ControlHttp, type ControlRoute, createControlHttp } from './control/http-server.ts';
import { createLinkServer, idPrefixOf } from './link-server.ts';
import { createMcpHttp, type McpHttp } from './mcp-http/endpoint.ts';
import { OwnEndpoint } from './own-endpoint.ts';
import type { DaemonPart } from './parts.ts';
import { openRemoteEndpoint, type RemoteEndpoint } from './remote-endpoint.ts';
import type { Switchboard } from './switchboard.ts';

export type DoorsDeps = {
  locations: Locations;
  env: Environment;
  isAlone: boolean;
  endpoint: Endpoint;
  switchboard: Switchboard;
  routes: readonly ControlRoute[];
  isDraining: () => boolean;
  stop: (reason: string, restart: boolean) => void;
  log: Log;
  now: () => number;
};

/** A host has its first lists by then. */
const bookkeepingDelayMs = 50;

export class Doors {
  readonly #deps: DoorsDeps;
  readonly #mcp: McpHttp;
  readonly #http: ControlHttp;
  readonly #own: OwnEndpoint;
  #remote: RemoteEndpoint | undefined;
  readonly #maxMessageBytes = (): number => this.#deps.switchboard.holder.config.daemon.maxMessageBytes;

  constructor(deps: DoorsDeps) {
    const { locations, endpoint, routes, stop, log } = deps;
    this.#deps = deps;
    this.#mcp = this.#createMcp();
    this.#http = createControlHttp({ routes, token: () => this.#remote?.token ?? '', mcp: () => this.#mcp, log });
    this.#own = new OwnEndpoint({
      ...{ locations, endpoint, log },
      createServer: () => this.#createLinkServer(),
      onLost: () => stop('another daemon has this folder', true),
    });
  }

  /** Ended in reverse: nobody new finds us, then who is here goes, then nobody listens. */
  parts(): DaemonPart[] {
    const { roster } = this.#deps.switchboard;
    return [
      { name: 'control', stop: () => this.#http.close() },
      { name: 'listener', stop: () => this.#own.close() },
      {
        name: 'sessions',
        stop: (reason) => {
          for (const session of roster.all()) session.close(reason);
        },
      },
      { name: 'sessions over HTTP', stop: (reason) => this.#mcp.close(reason) },
      // The lock is held until the process ends, so no successor's endpoint can be meant.
      { name: 'endpoint', start: () => this.#own.open(), stop: () => this.#own.remove() },
    ];
  }

  portPart(): DaemonPart {
    return { name: 'port', start: () => this.#openRemote(), stop: () => this.#remote?.close() };
  }

  get port(): number | undefined {
    return this.#remote?.port;
  }

  get portProblem(): string | undefined {
    return this.#remote?.problem;
  }

  movePort(port: number | 'off'): void {
    this.#remote?.move(port);
  }

  /** Sessions over HTTP that the daemon need not stay for. */
  idleSessions(): number {
    return this.#mcp.idleSessions();
  }

  #openRemote(): void {
    const { locations, switchboard, isAlone, log } = this.#deps;
    this.#remote = openRemoteEndpoint({
      http: () => this.#http,
      port: isAlone ? 'off' : switchboard.holder.config.http.port,
      tokenPath: locations.tokenPath,
      onPort: (port) => this.#own.setPort(port),
      onTokenReplaced: () => this.#mcp.endAll('the token was replaced'),
      log,
    });
  }

  #createMcp(): McpHttp {
    const { switchboard, endpoint, env, isDraining, log, now } = this.#deps;
    const { router } = switchboard;
    const maxMessageBytes = this.#maxMessageBytes;
    return createMcpHttp({
      ...{ maxMessageBytes, isDraining, log, now },
      createSession: (identity, sink) =>
        createUnwrapped({
          ...{ identity, sink, now, idPrefix: idPrefixOf(endpoint.nonce) },
          // Programs without a wrapper have no environment of their own here.
          ...{ baseline: switchboard.baseline, values: switchboard.envFileValues() },
          maxBufferedBytes: unreadLimit(maxMessageBytes()),
        }),
      handle: (session, line) => router.handle(session, line),
      onOpen: (session) => switchboard.open(session),
      onProject: (session) => router.refresh(session),
      onWant: (session) => session.setValues(switchboard.envFileValues()),
      onClose: (session, reason) => switchboard.close(session, reason),
      hasServer: (name) => switchboard.holder.config.servers.some((entry) => entry.enabled && isNamed(entry, name)),
      findTool: (session, name) => {
        const { items } = router.views.of(session).list('tools');
        return items.find((item) => item.name === name)?.raw;
      },
      home: env['HOME'] ?? homedir(),
    });
  }

  #createLinkServer(): Server {
    const { switchboard, endpoint, isDraining, log, now } = this.#deps;
    const { router } = switchboard;
    return createLinkServer({
      ...{ nonce: endpoint.nonce, maxMessageBytes: this.#maxMessageBytes, isDraining, log, now },
      daemon: { pid: endpoint.pid, startTime: endpoint.startTime },
      settings: () => this.#settings(),
      wants: () => switchboard.holder.wants(),
      onOpen: (session) => this.#openWrapped(session),
      onLine: (session, line) => router.handle(session, line),
      onValues: (session) => {
        // Without values nothing that was computed for this session can have changed.
        if (Object.keys(session.values).length > 0) router.refresh(session);
      },
      onClose: (session, reason) => this.#closeWrapped(session, reason),
      onHttp: this.#http.serveSocket,
    });
  }

  #openWrapped(session: Session): void {
    const { roster, servers, records, findings } = this.#deps.switchboard;
    const { lifeId, projectDir } = session.identity;
    roster.findByLife(lifeId)?.close('its wrapper connected again');
    servers.supervisor.reclaim(lifeId);
    this.#deps.switchboard.open(session);
    // Files for people can wait; the host's first answers cannot.
    setTimeout(() => {
      if (session.isClosed) return;
      records.complete(session);
      findings.update(projectDir);
    }, bookkeepingDelayMs).unref();
  }

  #closeWrapped(session: Session, reason: string): void {
    const { switchboard, isAlone, stop } = this.#deps;
    switchboard.close(session, reason);
    switchboard.records.leave(session, switchboard.roster.all());
    if (isAlone && switchboard.roster.size === 0) stop('its only session ended', false);
  }

  #settings(): Required<SessionSettings> {
    const { locations, env, switchboard } = this.#deps;
    return {
      configPath: locations.configPath,
      dataDir: locations.dataDir,
      port: String(env['MCPPROXY_PORT'] ?? switchboard.holder.config.http.port),
    };
  }
}
