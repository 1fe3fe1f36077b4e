// Servers that speak HTTP, SSE or WebSocket: an MCP session of its own for each of ours, so that it is always known
// whose message it is.

import { join } from 'node:path';
import { AppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { ownCommand } from '../base/own-command.ts';
import type { LaunchSpec } from '../config/expand.ts';
import type { Problem } from '../link/control.ts';
import { statelessVersion } from '../mcp/versions.ts';
import { problemOf } from './instance-errors.ts';
import { needsLogin } from './login/login.ts';
import { createOAuth, type OAuth } from './login/logins.ts';
import type { Journal } from './process/journal.ts';
import type { TreeWatch } from './process/tree-watch.ts';
import { ensureWorkFolder, instanceEnv, type Opener, type OpenerRequest } from './reach.ts';
import type { HttpDeps } from './transports/http/http.ts';
import { credentialNames } from './transports/http/http-call.ts';
import { createHttpClient, type HttpClient } from './transports/http/http-client.ts';
import { openHttpOrSse } from './transports/http/http-or-sse.ts';
import { openSse } from './transports/http/sse.ts';
import { createStartedHttp, type StartedHttp } from './transports/http/started-http.ts';
import type { Transport, TransportEvents } from './transports/transport.ts';
import { openWs } from './transports/ws.ts';

export type RemoteOpenerDeps = {
  journal: () => Promise<Journal>;
  maxMessageBytes: () => number;
  dataDir: string;
  workDir: string;
  /** By which processes of this daemon are found after its death. */
  markerTag: string;
  watch?: TreeWatch;
  /** A person has to open this address to log in. */
  showLogin: (server: string, url: string) => void;
  /** Somebody did; what the server offers can be asked for now. */
  onLoggedIn: (server: string) => void;
  log: Log;
};

export type RemoteOpener = {
  open: (request: OpenerRequest) => Opener;
  /** Of a server that waits for a person to log in. */
  login: (server: string) => Problem | undefined;
  close: () => void;
};

export function createRemoteOpener(deps: RemoteOpenerDeps): RemoteOpener {
  // Proxies come from the daemon's environment, which is that of the session that started it.
  const client = createHttpClient();
  const oauth = createOAuth({
    folder: join(deps.dataDir, 'oauth'),
    client,
    log: deps.log,
    showLogin: deps.showLogin,
    onLoggedIn: deps.onLoggedIn,
    clientName: 'aitkit mcp-proxy',
  });
  return {
    open: (request) => {
      const { kind } = request.resolved.spec;
      if (kind === 'started-http' || kind === 'started-sse') return startedOpener(request, client, deps);
      return dialledOpener(request, { client, oauth }, deps);
    },
    login: (server) => {
      const waiting = oauth.pending().find((one) => one.server === server);
      return waiting && problemOf(needsLogin(server, waiting.url));
    },
    close: oauth.close,
  };
}

function dialledOpener(
  request: OpenerRequest,
  { client, oauth }: { client: HttpClient; oauth: OAuth },
  deps: RemoteOpenerDeps,
): Opener {
  const { entry, resolved } = request;
  const { spec } = resolved;
  const spokenBefore = { isSse: false };
  return {
    isPerSession: true,
    isLocal: false,
    // There every request has to say its revision, also the first; an older server refuses it and is asked its way.
    ...(spec.kind === 'http' ? { presumedVersion: statelessVersion } : {}),
    pid: () => undefined,
    describe: () => ({ environment: [] }),
    open: (events, owner) => {
      const url = parseUrl(entry.name, spec);
      const headers = request.headersOf(owner);
      const http = { url, headers, maxMessageBytes: deps.maxMessageBytes() };
      if (spec.kind === 'ws') return Promise.resolve(openWs(http, events, { agent: client.tunnelFor(url) }));
      // An own Authorization header says how to log in; only without one is a login looked for.
      const hasOwn = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
      const credentials = hasOwn
        ? undefined
        : oauth.credentialsFor({
            ...{ name: entry.name, url, ownHeaders: credentialNames(headers) },
            ...oauthOptions(request),
          });
      const httpDeps: HttpDeps = { client, ...(credentials ? { credentials } : {}) };
      const transport =
        spec.kind === 'sse' ? openSse(http, events, httpDeps) : openHttpOrSse(http, events, httpDeps, spokenBefore);
      return Promise.resolve(transport);
    },
  };
}

function startedOpener(request: OpenerRequest, client: HttpClient, deps: RemoteOpenerDeps): Opener {
  const { entry, resolved, instanceId } = request;
  const { spec, cwd } = resolved;
  let server: StartedHttp | undefined;
  let path: string | undefined;
  const create = async (events: TransportEvents): Promise<StartedHttp> => {
    const journal = await deps.journal();
    ensureWorkFolder(cwd, deps.workDir);
    return createStartedHttp(
      {
        kind: spec.kind === 'started-sse' ? 'sse' : 'http',
        command: spec.command ?? '',
        args: spec.args,
        cwd,
        env: instanceEnv(request),
        instanceId: `${instanceId}-${deps.markerTag}`,
        url: spec.url ?? '',
        maxMessageBytes: deps.maxMessageBytes(),
        readyTimeoutMs: request.startTimeoutMs,
      },
      {
        client,
        watch: deps.watch,
        onTree: journal.noteTree,
        onStderr: events.onStderr,
        onStarted: (started) => {
          path = started.path;
          const { pid, startTime, pgid, marker } = started;
          journal.add({ pid, startTime, pgid, marker, server: entry.name });
        },
        onReady: (pid) => journal.refresh(pid),
        onExited: (pid) => journal.remove(pid),
      },
    );
  };
  let creating: Promise<StartedHttp> | undefined;
  return {
    isPerSession: true,
    isLocal: true,
    pid: () => server?.pid,
    describe: () => ({
      ...(path ? { command: path } : {}),
      cwd,
      environment: Object.keys(instanceEnv(request)).sort(),
    }),
    open: async (events, owner): Promise<Transport> => {
      creating ??= create(events);
      server = await creating;
      return server.open(events, { headers: request.headersOf(owner) });
    },
    close: async (reason) => {
      const ending = server;
      creating = undefined;
      server = undefined;
      await ending?.close(reason);
    },
  };
}

function oauthOptions({
  resolved: {
    spec: { oauth },
  },
}: OpenerRequest) {
  const { clientId, clientSecret, callbackPort, scopes, authServerMetadataUrl } = oauth ?? {};
  return { clientId, clientSecret, callbackPort, scopes, authServerMetadataUrl };
}

function parseUrl(server: string, spec: LaunchSpec): URL {
  if (spec.url !== undefined && URL.canParse(spec.url)) return new URL(spec.url);
  throw new AppError({
    code: 'CONFIG_INVALID',
    message: `The url of server "${server}" is no URL after its variables were filled in.`,
    hint: `See \`${ownCommand(`explain ${server}`)}\`.`,
  });
}
