// The verbs of the control API. None of them can name a command: only what the config has can be started.
import { AppError } from '../../base/errors.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import { type ControlReplies, type ControlVerb, controlRoutes } from '../../link/control.ts';
import type { ControlRoute, RouteContext } from './http-server.ts';

/** What the daemon does for each verb. */
export type ControlActions = {
  health: () => ControlReplies['health'];
  status: () => Promise<ControlReplies['status']>;
  subscribe: (context: RouteContext) => void;
  /** Of that server, or of all. */
  tools: (projectDir: string | undefined, entry: ServerEntry | undefined) => ControlReplies['tools'];
  tokens: (projectDir: string | undefined, isLocal: boolean) => Promise<ControlReplies['tokens']>;
  findServer: (name: string) => ServerEntry | undefined;
  serverNames: () => string[];
  start: (entry: ServerEntry, projectDir: string | undefined) => Promise<ControlReplies['start']>;
  stop: (entry: ServerEntry | undefined) => Promise<void>;
  restart: (entry: ServerEntry, projectDir: string | undefined) => Promise<ControlReplies['restart']>;
  startAll: (projectDir: string | undefined) => Promise<ControlReplies['startAll']>;
  drain: (options: { restart: boolean; force: boolean }) => void;
  reload: () => ControlReplies['reload'];
  call: (entry: ServerEntry, request: ControlCall) => Promise<ControlReplies['call']>;
  explain: (entry: ServerEntry, projectDir: string) => ControlReplies['explain'];
};

export type ControlCall = { tool: string; args: unknown; projectDir: string | undefined };

type Handlers = {
  [Verb in ControlVerb]: (context: RouteContext) => ControlReplies[Verb] | Promise<ControlReplies[Verb]>;
};

export function createRoutes(actions: ControlActions): ControlRoute[] {
  const { getServer, server } = createServerReader(actions);
  const project = ({ body }: RouteContext) => text(body, 'projectDir');
  const handlers: Handlers = {
    health: () => actions.health(),
    ping: () => ({ pong: true }),
    status: () => actions.status(),
    events: (context) => {
      actions.subscribe(context);
      return undefined;
    },
    tools: ({ query }) => {
      const name = query.get('server');
      return actions.tools(query.get('projectDir') ?? undefined, name ? getServer(name) : undefined);
    },
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
      const args = context.body['arguments'] ?? {};
      return actions.call(server(context, 'server'), { tool, args, projectDir: project(context) });
    },
    explain: (context) => actions.explain(server(context), project(context) ?? ''),
  };
  return (Object.keys(controlRoutes) as ControlVerb[]).map((verb) => ({
    ...controlRoutes[verb],
    handle: handlers[verb],
  }));
}

/** The server that a request names. Throws with the names that there are. */
function createServerReader({ findServer, serverNames }: Pick<ControlActions, 'findServer' | 'serverNames'>) {
  const known = () => {
    const names = serverNames();
    return names.length > 0 ? `Configured: ${names.join(', ')}.` : 'None is configured yet: `mcp-proxy add`.';
  };
  const getServer = (name: string): ServerEntry => {
    const found = findServer(name);
    if (found) return found;
    throw new AppError({ code: 'SERVER_UNKNOWN', message: `There is no server "${name}".`, hint: known() });
  };
  const server = ({ body }: RouteContext, key = 'name'): ServerEntry => {
    const name = text(body, key);
    if (name !== undefined) return getServer(name);
    const message = `The body needs "${key}", the name of a server.`;
    throw new AppError({ code: 'BAD_ARGUMENT', message, hint: known() });
  };
  return { getServer, server };
}

function text(body: Record<string, unknown>, key: string): string | undefined {
  const value = body[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
