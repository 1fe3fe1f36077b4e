// Joins the parts to one daemon. What each part needs of another is handed in here, so no two folders know each other.

import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processStartTime } from '../base/process-identity.ts';
import { cacheDir } from '../config/cache-dir.ts';
import { readEnvFile } from '../config/env-file.ts';
import { isNamed } from '../config/visibility.ts';
import { baselineEnv } from '../link/baseline-env.ts';
import { ownBuild, protocolMajor } from '../link/build.ts';
import type { Endpoint } from '../link/endpoint.ts';
import { linkMethods } from '../link/hello.ts';
import { Router } from '../router/router.ts';
import { createRecords } from '../sessions/records.ts';
import { Roster } from '../sessions/roster.ts';
import { Session } from '../sessions/session.ts';
import { ConfigHolder } from './config-holder.ts';
import { createControlActions } from './control/control-actions.ts';
import { createControlHttp } from './control/http-server.ts';
import { createRoutes } from './control/routes.ts';
import type { DaemonOptions } from './daemon-options.ts';
import { createFindings } from './findings.ts';
import { watchHandOver } from './hand-over.ts';
import { awaitQuiet, watchIdle } from './idle-exit.ts';
import { createLinkServer, type LinkServerDeps } from './link-server.ts';
import { createMcpHttp } from './mcp-http/endpoint.ts';
import { OwnEndpoint } from './own-endpoint.ts';
import { openReload, type Reload } from './reload.ts';
import { openRemoteEndpoint } from './remote-endpoint.ts';
import { createServedFaces } from './served-faces.ts';
import { createServerSide } from './server-side.ts';

export type Daemon = { endpoint: Endpoint; stop: (reason: string, restart?: boolean) => Promise<void> };

/** Stops idle copies, prunes records: often enough that a killed session is gone from `status` within 5 s. */
const sweepMs = 2_000;
/** The one session of a private daemon connects as soon as it is ready; after this its wrapper was killed before it did. */
const ownSessionMs = 10_000;
/** A host has its first lists by then. */
const bookkeepingDelayMs = 50;
/** A copy that does not end on request is killed after that; the host of a session waits for none of it. */
const serversEndMs = 8_000;
/** Running calls get so long; wrappers hold new ones for 20 s. A system that shuts down does not wait. */
const callsEndMs = { asked: 10_000, signalled: 3_000, forced: 0 };

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { locations, env, log, redactor, isAlone } = options;
  const now = Date.now;
  const since = now();
  const nonce = randomBytes(16).toString('hex');
  const identity = { pid: process.pid, startTime: processStartTime(process.pid) ?? '' };
  const holder = new ConfigHolder(locations, env, log);
  const roster = new Roster();
  const records = createRecords({ recordsDir: locations.recordsDir, daemonName: locations.name, log, now });
  const servers = createServerSide({ locations, holder, roster, redactor, router: () => router, log, now });
  const { supervisor, catalog } = servers;
  const faces = createServedFaces({ facesDir: locations.facesDir, roster, router: () => router, log });
  let reloading: Reload | undefined;
  const router: Router = new Router({
    config: () => holder.config,
    catalog,
    roster,
    supervisor: () => supervisor,
    spillFolder: join(cacheDir(locations), 'results'),
    poolFolder: join(cacheDir(locations), 'found-tools'),
    jobFolder: join(cacheDir(locations), 'jobs'),
    // A private daemon's lists are nobody else's.
    onServed: (session) => !isAlone && faces.onServed(session),
    onHazard: servers.noteHazard,
    // A session may be there before the files are watched.
    beforeRequest: (isExact) => reloading?.check(isExact),
    redact: redactor.redact,
    log,
    now,
  });
  const findings = createFindings({ locations, holder, log });
  let isDraining = false;
  const actions = createControlActions({
    options,
    identity,
    nonce,
    since,
    holder,
    roster,
    router,
    supervisor,
    catalog,
    ...{ hazards: servers.hazards, login: servers.login },
    envValues: () => readEnvFile(locations.envFilePath).values,
    baseline: baselineEnv(env),
    port: () => ({ port: remote.port, problem: remote.problem }),
    subscribe: options.subscribe,
    isDraining: () => isDraining,
    reload: () => reloading?.reload(),
    refreshConfig: () => reloading?.refresh(),
    upgrade: () => handOver.status(),
    drain: ({ restart, force }) => void stop(restart ? 'restart' : 'stop', restart, force),
    now,
  });
  const http = createControlHttp({ routes: createRoutes(actions), token: () => remote.token, mcp: () => mcpHttp, log });
  const settings = () => ({
    configPath: locations.configPath,
    dataDir: locations.dataDir,
    port: String(env['MCPPROXY_PORT'] ?? holder.config.http.port),
  });
  const openSession = (session: Session) => {
    roster.add(session);
    const { host, projectRoot } = session.identity;
    log.info('session.opened', { session: session.id, host: host.pid, project: projectRoot, sessions: roster.size });
  };
  const closeSession = (session: Session, reason: string) => {
    roster.remove(session);
    supervisor.release(session.identity);
    router.sessionEnded(session);
    const host = session.identity.host.pid;
    log.info('session.closed', { session: session.id, host, reason, sessions: roster.size });
  };
  const setFileValues = (session: Session) => session.setValues(readEnvFile(locations.envFilePath).values);
  const mcpHttp = createMcpHttp({
    createSession: (identity, sink) => {
      const session = new Session({
        identity,
        sink,
        baseline: baselineEnv(env),
        served: {},
        idPrefix: `d${nonce.slice(0, 8)}`,
        wants: [],
        now,
        maxBufferedBytes: holder.config.daemon.maxMessageBytes * 2,
      });
      // Programs without a wrapper have no environment of their own here.
      setFileValues(session);
      return session;
    },
    handle: (session, line) => router.handle(session, line),
    onOpen: openSession,
    onProject: (session) => router.refresh(session),
    onWant: setFileValues,
    onClose: closeSession,
    hasServer: (name) => holder.config.servers.some((entry) => entry.enabled && isNamed(entry, name)),
    findTool: (session, name) => {
      const { items } = router.views.of(session).list('tools');
      return items.find((item) => item.name === name)?.raw;
    },
    maxMessageBytes: () => holder.config.daemon.maxMessageBytes,
    isDraining: () => isDraining,
    home: env['HOME'] ?? homedir(),
    log,
    now,
  });
  const linkDeps: LinkServerDeps = {
    settings,
    daemon: identity,
    nonce,
    wants: () => holder.wants(),
    maxMessageBytes: () => holder.config.daemon.maxMessageBytes,
    isDraining: () => isDraining,
    onOpen: (session) => {
      roster.findByScope(session.identity.scopeId)?.close('its wrapper connected again');
      supervisor.reclaim(session.identity.scopeId);
      openSession(session);
      // Files for people can wait; the host's first answers cannot.
      setTimeout(() => {
        if (session.isClosed) return;
        records.complete(session);
        findings.update(session.identity.projectDir);
      }, bookkeepingDelayMs).unref();
    },
    onLine: (session, line) => router.handle(session, line),
    onValues: (session) => {
      // Without values nothing that was computed for this session can have changed.
      if (Object.keys(session.values).length > 0) router.refresh(session);
    },
    onClose: (session, reason) => {
      closeSession(session, reason);
      records.leave(session, roster.all());
      if (isAlone && roster.size === 0) void stop('its only session ended', false);
    },
    onHttp: http.serveSocket,
    log,
    now,
  };

  const endpoint: Endpoint = {
    ...identity,
    build: ownBuild,
    protocol: protocolMajor,
    socket: locations.socketPath,
    nonce,
    execPath: process.execPath,
  };
  const own = new OwnEndpoint({
    locations,
    endpoint,
    createServer: () => createLinkServer(linkDeps),
    onLost: () => void stop('another daemon has this folder', true),
    log,
  });
  await own.open();
  const remote = openRemoteEndpoint({
    http: () => http,
    port: isAlone ? 'off' : holder.config.http.port,
    tokenPath: locations.tokenPath,
    onPort: (port) => own.setPort(port),
    onTokenReplaced: () => mcpHttp.endAll('the token was replaced'),
    log,
  });

  reloading = openReload({
    ...{ locations, holder, roster, router, supervisor, findings, log },
    movePort: (port) => !isAlone && remote.move(port),
  });
  const handOver = watchHandOver({
    appDir: locations.appDir,
    statePath: locations.handOverPath,
    view: () => ({
      sessions: roster.size,
      calls: roster.all().reduce((sum, session) => sum + session.requests.size, 0),
      stateful: supervisor.runningWithState(),
    }),
    make: () => void stop('upgrade', true),
    log,
    now,
  });
  const sweep = setInterval(() => {
    records.restore(roster.all());
    records.prune(roster.all());
    void servers.journal
      .then((one) => one.restore())
      .catch((error: unknown) => log.warn('journal.not-saved', { error }));
    if (!isAlone) handOver.look();
    router.modes.sweep();
    supervisor.sweep().catch((error: unknown) => log.error('sweep.failed', { error }));
  }, sweepMs);
  const idle = watchIdle({
    busyBecause: () => {
      if (roster.size > mcpHttp.idleSessions()) return 'sessions';
      if (router.modes.runningJobs > 0) return 'jobs';
      // Programs that speak HTTP cannot start a daemon: where a person wants, it waits for them.
      if (holder.config.http.keepDaemon && remote.port !== undefined) return 'http.keepDaemon';
      // Looked at now, not at the last sweep: a record of this very second holds the daemon, a dead host's is removed
      // while somebody is there to do it.
      return records.prune([]) > 0 ? 'a session is starting' : undefined;
    },
    idleExitMs: () => (isAlone ? ownSessionMs : holder.config.daemon.idleExitMs),
    onIdle: () => void stop('idle', true),
    now,
  });

  let stopping: Promise<void> | undefined;
  let limitMs = callsEndMs.asked;
  const stop = (reason: string, restart = false, isForced = false): Promise<void> => {
    if (reason.startsWith('SIG')) limitMs = callsEndMs.signalled;
    if (isForced) limitMs = callsEndMs.forced;
    stopping ??= (async () => {
      isDraining = true;
      log.info('daemon.stopping', { reason, sessions: roster.size });
      idle.close();
      clearInterval(sweep);
      reloading?.close();
      remote.close();
      servers.closeLogins();
      for (const session of roster.all()) {
        session.notify(linkMethods.drain, { reason, restart });
        session.advance('drain');
      }
      const isQuiet = await awaitQuiet(
        () => roster.all(),
        () => limitMs,
      );
      if (!isQuiet) log.warn('daemon.calls-cut', { reason });
      await Promise.race([supervisor.close(reason), delay(serversEndMs, undefined, { ref: false })]);
      faces.flush();
      router.modes.close();
      // The lock is held until the process ends, so no successor's endpoint can be meant.
      own.remove();
      mcpHttp.close(reason);
      for (const session of roster.all()) session.close(reason);
      own.close();
      http.close();
      await servers.close();
      // Hosts that ended a moment ago: nobody else would remove their records before the next daemon.
      records.prune([]);
      options.onStopped(reason);
    })();
    return stopping;
  };
  return { endpoint, stop };
}
