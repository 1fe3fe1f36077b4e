// The control verbs against the running parts. `call`, `start` and `tools` come through a session of the daemon's own,
// so they take the very way that a host's messages take.
import { randomUUID } from 'node:crypto';
import { homedir } from 'node:os';
import { AppError, isErrorCode } from '../../base/errors.ts';
import { isRecord } from '../../base/guards.ts';
import { ownCommand } from '../../base/own-command.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import { isNamed } from '../../config/visibility.ts';
import type { EnvValues } from '../../link/baseline-env.ts';
import { ownBuild, protocolMajor } from '../../link/build.ts';
import type { Problem, StatusReport, UpgradeStatus } from '../../link/control.ts';
import { findPlace } from '../../link/project-root.ts';
import { requestLine, rpcCodes } from '../../mcp/messages.ts';
import type { Router } from '../../router/router.ts';
import type { Roster } from '../../sessions/roster.ts';
import { Session } from '../../sessions/session.ts';
import type { Hazards } from '../../upstream/hazards.ts';
import type { Instance } from '../../upstream/instance.ts';
import { stopCauses } from '../../upstream/instance-errors.ts';
import type { Supervisor } from '../../upstream/supervisor.ts';
import type { ConfigHolder } from '../config-holder.ts';
import type { DaemonOptions } from '../daemon-options.ts';
import { explainServer } from './explain.ts';
import type { RouteContext } from './http-server.ts';
import type { ControlActions } from './routes.ts';
import { measureProcess, reportSavings, reportServers, reportSessions } from './status-report.ts';
import { reportTokens } from './token-report.ts';

export type ControlActionsDeps = {
  options: DaemonOptions;
  identity: { pid: number; startTime: string };
  nonce: string;
  since: number;
  holder: ConfigHolder;
  roster: Roster;
  router: Router;
  supervisor: Supervisor;
  catalog: Catalog;
  hazards: Hazards;
  login: (server: string) => Problem | undefined;
  /** Variables for askers without a wrapper. */
  envValues: () => EnvValues;
  baseline: EnvValues;
  port: () => { port: number | undefined; problem: string | undefined };
  subscribe: (context: RouteContext) => void;
  isDraining: () => boolean;
  reload: () => unknown;
  /** Takes a change of the config file that nobody has seen yet. */
  refreshConfig: () => void;
  upgrade: () => UpgradeStatus | undefined;
  drain: ControlActions['drain'];
  now: () => number;
};

export function createControlActions(deps: ControlActionsDeps): ControlActions {
  const { holder, router, supervisor, roster } = deps;
  const start = async (entry: ServerEntry, projectDir: string | undefined) => {
    if (!entry.enabled) throw disabled(entry);
    const session = localSession(deps, projectDir, entry.name, () => {});
    try {
      await router.learn(session, entry);
      return {
        started: entry.name,
        instances: supervisor.ofServer(entry.name).map(({ state, pid }) => ({ state, pid })),
      };
    } finally {
      session.end();
      supervisor.release(session.identity);
    }
  };
  return {
    health: () => ({
      status: deps.isDraining() ? 'draining' : 'ok',
      pid: deps.identity.pid,
      build: ownBuild,
      uptimeMs: deps.now() - deps.since,
      sessions: roster.size,
      servers: holder.config.servers.filter(({ enabled }) => enabled).length,
      tools: router.views.of(localSession(deps, undefined, undefined, () => {})).list('tools').items.length,
    }),
    status: () => {
      deps.refreshConfig();
      return reportStatus(deps);
    },
    subscribe: deps.subscribe,
    tools: async (projectDir, entry) => {
      const view = router.views.of(localSession(deps, projectDir, undefined, () => {}));
      return view
        .list('tools')
        .items.filter(({ target }) => entry === undefined || view.entry(target.slug)?.name === entry.name)
        .map(({ name, target, raw }) => ({ ...summary(raw), name, server: target.slug, tool: target.name }));
    },
    tokens: (projectDir, isLocal) =>
      reportTokens({
        router,
        sessions: roster.all(),
        withSamples: isLocal,
        local: () => localSession(deps, projectDir, undefined, () => {}),
      }),
    findServer: (name) => {
      deps.refreshConfig();
      return findServer(holder, name);
    },
    serverNames: () => holder.config.servers.map(({ name }) => name),
    start,
    stop: async (entry) => supervisor.stop(entry?.name, stopCauses.stoppedByPerson),
    restart: async (entry, projectDir) => {
      const copies = supervisor.ofServer(entry.name);
      // Whoever was connected is connected again; a copy that had failed is tried at once.
      const before = copies.map((copy) => ({ copy, owners: ownersOf(copy) }));
      // Before they end: calls that wait for a start go on with the new one, without the pause of the old one.
      for (const copy of copies) copy.reset();
      await Promise.all(copies.map((copy) => copy.stop(stopCauses.restarted)));
      await Promise.all(before.flatMap(({ copy, owners }) => owners.map((owner) => copy.acquire(owner))));
      if (copies.length === 0) return start(entry, projectDir);
      await Promise.all(copies.map((copy) => router.listed(copy)));
      return { restarted: entry.name, instances: copies.map(({ state, pid }) => ({ state, pid })) };
    },
    startAll: async (projectDir) => {
      const enabled = holder.config.servers.filter((entry) => entry.enabled);
      const results = await Promise.allSettled(enabled.map((entry) => start(entry, projectDir)));
      return {
        servers: enabled.map(({ name }, i) => {
          const result = results[i];
          const error = result?.status === 'rejected' ? result.reason : undefined;
          return error === undefined
            ? { name, started: true }
            : { name, started: false, error: String(error.message ?? error) };
        }),
      };
    },
    drain: deps.drain,
    reload: deps.reload,
    call: (entry, tool, args, projectDir) => callTool(deps, entry, { tool, args, projectDir }),
    explain: (entry, projectDir) => {
      const { redact } = deps.options.redactor;
      const explainDeps = { ...deps, sessions: () => roster.all(), redact };
      return explainServer(
        explainDeps,
        entry,
        localSession(deps, projectDir, undefined, () => {}),
      );
    },
  };
}

function ownersOf(copy: Instance): readonly string[] {
  const owners = copy.owners();
  return owners.length === 0 && copy.state === 'failed' ? [''] : owners;
}

/** By its own name; by the one that sessions see only where it is the only one of that name. */
function findServer({ config }: ConfigHolder, name: string): ServerEntry | undefined {
  const own = config.servers.find((entry) => entry.name === name || entry.slug === name);
  if (own) return own;
  const [shown, ...others] = config.servers.filter((entry) => isNamed(entry, name));
  return others.length === 0 ? shown : undefined;
}

/** By the code of our own answers; what has none is the server's, which has one code for a wrong name and wrong arguments. */
function refusedCall({ code, data, message }: Record<string, unknown>): AppError {
  const own = isRecord(data) ? data['code'] : undefined;
  const told = code === rpcCodes.invalidParams ? 'TOOL_UNKNOWN' : 'CALL_REFUSED';
  return new AppError({ code: isErrorCode(own) ? own : told, message: String(message) });
}

async function callTool(
  deps: ControlActionsDeps,
  entry: ServerEntry,
  { tool, args, projectDir }: { tool: string; args: unknown; projectDir: string | undefined },
): Promise<unknown> {
  if (!entry.enabled) throw disabled(entry);
  let session: Session | undefined;
  try {
    return await new Promise((resolve, reject) => {
      session = localSession(deps, projectDir, entry.name, (line) => {
        const value: unknown = JSON.parse(line.toString('utf8'));
        if (!isRecord(value) || value['id'] !== 1) return;
        if (isRecord(value['error'])) reject(refusedCall(value['error']));
        else resolve(value['result']);
      });
      deps.router.handle(session, requestLine('1', 'tools/call', { name: tool, arguments: args }));
    });
  } finally {
    session?.end();
    if (session) deps.supervisor.release(session.identity);
  }
}

/** A session without a connection: answers go to `onLine`. */
function localSession(
  deps: ControlActionsDeps,
  projectDir: string | undefined,
  server: string | undefined,
  onLine: (line: Buffer) => void,
): Session {
  const { identity, baseline, holder, now } = deps;
  const session = new Session({
    identity: {
      id: `control-${randomUUID()}`,
      scopeId: `control-${randomUUID()}`,
      host: identity,
      wrapper: identity,
      projectDir: projectDir ?? '',
      ...findPlace(projectDir ?? '', baseline['HOME'] ?? homedir()),
      ...(server ? { server } : {}),
    },
    sink: { send: onLine, bufferedBytes: 0, close: () => {} },
    baseline,
    served: {},
    idPrefix: 'control',
    wants: [],
    now,
    maxBufferedBytes: holder.config.daemon.maxMessageBytes * 2,
  });
  session.setValues(deps.envValues());
  return session;
}

async function reportStatus(deps: ControlActionsDeps): Promise<StatusReport> {
  const { options, holder, roster, router, supervisor, hazards } = deps;
  const { locations } = options;
  const { config, exists, error, warnings, invalid } = holder.state;
  const all = roster.all();
  const [sessions, servers, memory] = await Promise.all([
    reportSessions(all, (session) => router.modes.modeOf(session)),
    reportServers({
      config,
      supervisor,
      forwarder: router.forwarder,
      sessions: all,
      viewOf: (session) => router.views.of(session),
      hazards: hazards.of,
      demoted: hazards.demoted,
      failedLists: (server) => router.failedLists(server),
      login: deps.login,
      faceOf: ({ identity: { key, snapshotKey } }) => deps.catalog.faceOf({ instance: key, snapshot: snapshotKey }),
    }),
    measureProcess(deps.identity.pid),
  ]);
  const { port, problem } = deps.port();
  const upgrade = deps.upgrade();
  const audience = (server: string) =>
    all.filter((session) => router.views.of(session).servers.some(({ entry }) => entry.name === server)).length;
  const problems: Problem[] = [...invalid.map((server) => server.problem), ...(error ? [error] : [])];
  return {
    daemon: {
      name: locations.name,
      pid: deps.identity.pid,
      build: ownBuild,
      protocol: protocolMajor,
      nonce: deps.nonce,
      since: new Date(deps.since).toISOString(),
      uptimeMs: deps.now() - deps.since,
      socket: locations.socketPath,
      ...(port === undefined ? {} : { port }),
      ...(problem === undefined ? {} : { portProblem: problem }),
      configPath: locations.configPath,
      dataDir: locations.dataDir,
      logPath: locations.logPath,
      isDraining: deps.isDraining(),
      ...(upgrade ? { upgrade } : {}),
      idleExitMs: config.daemon.idleExitMs,
      ...(memory ? { memory } : {}),
      settings: {
        topK: config.tools.topK,
        toolsLimit: config.tools.toolsLimit,
        mode: config.tools.mode,
        transport: config.transport,
      },
    },
    config: { path: locations.configPath, exists, ...(error ? { error } : {}), warnings: [...warnings] },
    sessions,
    servers: [...servers, ...invalidServers(holder, servers)],
    savings: reportSavings({ servers, sessions, daemon: memory, audience }),
    problems,
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

function summary(raw: Buffer): { title?: string; description?: string } {
  const tool: unknown = JSON.parse(raw.toString('utf8'));
  if (!isRecord(tool)) return {};
  const { title, description } = tool;
  return {
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof description === 'string' ? { description } : {}),
  };
}

function disabled(entry: ServerEntry): AppError {
  return new AppError({
    code: 'SERVER_DISABLED',
    message: `Server "${entry.name}" is disabled.`,
    hint: `Run: ${ownCommand(`enable ${entry.name}`)}`,
  });
}
