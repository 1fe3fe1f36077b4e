// The verbs of the control API. None of them can name a command: only what the config has can be started.
import { AppError } from '../base/errors.ts';
import type { ServerEntry } from '../config/server-entry.ts';
import {
  type ControlVerb,
  controlRoutes,
  type ExplainReport,
  type HealthReport,
  type StatusReport,
  type TokensReport,
} from '../link/control.ts';
import type { Route, RouteContext } from './http-server.ts';

/** What the daemon does for each verb. */
export type ControlActions = {
  health: () => HealthReport;
  status: () => Promise<StatusReport>;
  subscribe: (context: RouteContext) => void;
  tools: (projectDir: string | undefined) => Promise<unknown>;
  tokens: (projectDir: string | undefined, isLocal: boolean) => Promise<TokensReport>;
  findServer: (name: string) => ServerEntry | undefined;
  serverNames: () => string[];
  start: (entry: ServerEntry, projectDir: string | undefined) => Promise<unknown>;
  stop: (entry: ServerEntry | undefined) => Promise<void>;
  restart: (entry: ServerEntry, projectDir: string | undefined) => Promise<unknown>;
  startAll: (projectDir: string | undefined) => Promise<unknown>;
  drain: (options: { restart: boolean; force: boolean }) => void;
  reload: () => unknown;
  call: (entry: ServerEntry, tool: string, args: unknown, projectDir: string | undefined) => Promise<unknown>;
  explain: (entry: ServerEntry, projectDir: string) => ExplainReport;
};

export function createRoutes(actions: ControlActions): Route[] {
  const server = ({ body }: RouteContext, key = 'name'): ServerEntry => {
    const name = text(body, key);
    const found = name === undefined ? undefined : actions.findServer(name);
    if (found) return found;
    const known = actions.serverNames();
    throw new AppError({
      code: name === undefined ? 'BAD_ARGUMENT' : 'SERVER_UNKNOWN',
      message: name === undefined ? `The body needs "${key}", the name of a server.` : `There is no server "${name}".`,
      hint: known.length > 0 ? `Configured: ${known.join(', ')}.` : 'None is configured yet: `mcp-proxy add`.',
    });
  };
  const project = ({ body }: RouteContext) => text(body, 'projectDir');
  const handlers: Record<ControlVerb, Route['handle']> = {
    health: () => actions.health(),
    ping: () => ({ pong: true }),
    status: () => actions.status(),
    events: (context) => actions.subscribe(context),
    tools: ({ query }) => actions.tools(query.get('projectDir') ?? undefined),
    tokens: ({ query, isLocal }) => actions.tokens(query.get('projectDir') ?? undefined, isLocal),
    ensure: (context) => actions.start(server(context), project(context)),
    start: (context) => actions.start(server(context), project(context)),
    stop: async (context) => {
      const entry = server(context);
      await actions.stop(entry);
      return { stopped: entry.name };
    },
    restart: (context) => actions.restart(server(context), project(context)),
    startAll: (context) => actions.startAll(project(context)),
    stopAll: async () => {
      await actions.stop(undefined);
      return { stopped: actions.serverNames() };
    },
    drain: ({ body }) => {
      actions.drain({ restart: body['restart'] === true, force: body['force'] === true });
      return { draining: true };
    },
    reload: () => actions.reload(),
    call: (context) => {
      const tool = text(context.body, 'tool');
      if (tool === undefined) throw new AppError({ code: 'BAD_ARGUMENT', message: 'The body needs "tool".' });
      return actions.call(server(context, 'server'), tool, context.body['arguments'] ?? {}, project(context));
    },
    explain: (context) => actions.explain(server(context), project(context) ?? ''),
  };
  return (Object.keys(controlRoutes) as ControlVerb[]).map((verb) => ({
    ...controlRoutes[verb],
    handle: handlers[verb],
  }));
}

function text(body: Record<string, unknown>, key: string): string | undefined {
  const value = body[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
