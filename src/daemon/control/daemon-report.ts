// The answer of `status`: the daemon, its config, and what is reported of sessions and servers.

import type { Catalog } from '../../catalog/catalog.ts';
import { ownBuild } from '../../link/build.ts';
import type { DaemonStatus, Memory, Problem, StatusReport, UpgradeStatus } from '../../link/control.ts';
import type { Endpoint } from '../../link/endpoint.ts';
import type { Locations } from '../../link/locations.ts';
import type { Router } from '../../router/router.ts';
import type { Roster } from '../../sessions/roster.ts';
import type { Hazards } from '../../upstream/hazards.ts';
import type { Supervisor } from '../../upstream/supervisor.ts';
import type { ConfigHolder } from '../config-holder.ts';
import { measureProcess, reportSavings, reportServers, reportSessions } from './status-report.ts';

export type DaemonReportDeps = {
  locations: Locations;
  endpoint: Endpoint;
  since: number;
  holder: ConfigHolder;
  roster: Roster;
  router: Router;
  supervisor: Supervisor;
  catalog: Catalog;
  hazards: Hazards;
  login: (server: string) => Problem | undefined;
  port: () => { port: number | undefined; problem: string | undefined };
  isDraining: () => boolean;
  upgrade: () => UpgradeStatus | undefined;
  now: () => number;
};

export async function reportStatus(deps: DaemonReportDeps): Promise<StatusReport> {
  const { holder, roster, router, supervisor, catalog, hazards, login } = deps;
  const { config, exists, error, warnings, invalid } = holder.state;
  const all = roster.all();
  const [sessions, servers, memory] = await Promise.all([
    reportSessions(all, (session) => router.modes.modeOf(session)),
    reportServers({
      ...{ config, supervisor, forwarder: router.forwarder, sessions: all, login },
      viewOf: (session) => router.views.of(session),
      hazards: hazards.of,
      demoted: hazards.demoted,
      failedLists: (server) => router.failedLists(server),
      faceOf: ({ identity: { key, snapshotKey } }) => catalog.faceOf({ instance: key, snapshot: snapshotKey }),
    }),
    measureProcess(deps.endpoint.pid),
  ]);
  const audience = (server: string) =>
    all.filter((session) => router.views.of(session).servers.some(({ entry }) => entry.name === server)).length;
  return {
    daemon: reportDaemon(deps, memory),
    config: { path: deps.locations.configPath, exists, ...(error ? { error } : {}), warnings: [...warnings] },
    sessions,
    servers: [...servers, ...invalidServers(holder, servers)],
    savings: reportSavings({ servers, sessions, daemon: memory, audience }),
    problems: [...invalid.map((server) => server.problem), ...(error ? [error] : [])],
  };
}

function reportDaemon(deps: DaemonReportDeps, memory: Memory | undefined): DaemonStatus {
  const { locations, endpoint, holder, since } = deps;
  const { daemon, tools, transport } = holder.config;
  const { port, problem } = deps.port();
  const upgrade = deps.upgrade();
  return {
    name: locations.name,
    pid: endpoint.pid,
    build: ownBuild,
    protocol: endpoint.protocol,
    nonce: endpoint.nonce,
    since: new Date(since).toISOString(),
    uptimeMs: deps.now() - since,
    socket: locations.socketPath,
    ...(port === undefined ? {} : { port }),
    ...(problem === undefined ? {} : { portProblem: problem }),
    configPath: locations.configPath,
    dataDir: locations.dataDir,
    logPath: locations.logPath,
    isDraining: deps.isDraining(),
    ...(upgrade ? { upgrade } : {}),
    idleExitMs: daemon.idleExitMs,
    ...(memory ? { memory } : {}),
    settings: { topK: tools.topK, toolsLimit: tools.toolsLimit, mode: tools.mode, transport },
  };
}

/** Entries that cannot be used are shown, not left out: a server that is nowhere is the hardest to find. */
function invalidServers(holder: ConfigHolder, known: readonly { name: string }[]): StatusReport['servers'] {
  return holder.state.invalid
    .filter(({ name }) => known.every((server) => server.name !== name))
    .map(({ name, problem }) => ({
      name,
      kind: 'unknown',
      isEnabled: false,
      state: 'invalid' as const,
      sharing: 'project' as const,
      sharingReason: 'Its entry cannot be read.',
      instances: [],
      lastError: problem,
      hazards: [],
    }));
}
