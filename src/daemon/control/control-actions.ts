// The control verbs against the running parts.
import { isRecord } from '../../base/guards.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import { isNamed } from '../../config/visibility.ts';
import { ownBuild } from '../../link/build.ts';
import type { HealthReport, ToolSummary } from '../../link/control.ts';
import type { ConfigHolder } from '../config-holder.ts';
import { type ControlSessionDeps, createControlSession } from './control-session.ts';
import { type DaemonReportDeps, reportStatus } from './daemon-report.ts';
import { explainServer } from './explain.ts';
import type { ControlActions } from './routes.ts';
import { ServerActions } from './server-actions.ts';
import { reportTokens } from './token-report.ts';

export type ControlActionsDeps = DaemonReportDeps &
  ControlSessionDeps &
  Pick<ControlActions, 'subscribe' | 'reload' | 'drain'> & {
    redact: (text: string) => string;
    /** Takes a change of the config file that nobody has seen yet. */
    refreshConfig: () => void;
  };

export function createControlActions(deps: ControlActionsDeps): ControlActions {
  const { holder, router, roster, subscribe, drain, reload } = deps;
  const servers = new ServerActions(deps);
  return {
    ...{ subscribe, drain, reload },
    health: () => reportHealth(deps),
    status: () => {
      deps.refreshConfig();
      return reportStatus(deps);
    },
    tools: (projectDir, entry) => listTools(deps, projectDir, entry),
    tokens: (projectDir, isLocal) =>
      reportTokens({
        router,
        sessions: roster.all(),
        withSamples: isLocal,
        local: () => createControlSession(deps, { projectDir }),
      }),
    findServer: (name) => {
      deps.refreshConfig();
      return findServer(holder, name);
    },
    serverNames: () => holder.config.servers.map(({ name }) => name),
    start: (entry, projectDir) => servers.start(entry, projectDir),
    startAll: (projectDir) => servers.startAll(projectDir),
    stop: (entry) => servers.stop(entry),
    restart: (entry, projectDir) => servers.restart(entry, projectDir),
    call: (entry, request) => servers.call(entry, request),
    explain: (entry, projectDir) =>
      explainServer({ ...deps, sessions: () => roster.all() }, entry, createControlSession(deps, { projectDir })),
  };
}

function reportHealth(deps: ControlActionsDeps): HealthReport {
  const { holder, router, roster, endpoint, since, now } = deps;
  return {
    status: deps.isDraining() ? 'draining' : 'ok',
    pid: endpoint.pid,
    build: ownBuild,
    uptimeMs: now() - since,
    sessions: roster.size,
    servers: holder.config.servers.filter(({ enabled }) => enabled).length,
    tools: router.views.of(createControlSession(deps)).list('tools').items.length,
  };
}

function listTools(
  deps: ControlActionsDeps,
  projectDir: string | undefined,
  entry: ServerEntry | undefined,
): ToolSummary[] {
  const view = deps.router.views.of(createControlSession(deps, { projectDir }));
  return view
    .list('tools')
    .items.filter(({ target }) => entry === undefined || view.entry(target.slug)?.name === entry.name)
    .map(({ name, target, raw }) => ({ ...summary(raw), name, server: target.slug, tool: target.name }));
}

/** By its own name; by the one that sessions see only where it is the only one of that name. */
function findServer({ config }: ConfigHolder, name: string): ServerEntry | undefined {
  const own = config.servers.find((entry) => entry.name === name || entry.slug === name);
  if (own) return own;
  const [shown, ...others] = config.servers.filter((entry) => isNamed(entry, name));
  return others.length === 0 ? shown : undefined;
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
