// The texts that models pay for, for `tokens`. Counting is left to who asks: a vocabulary has no place in the daemon.

import { isRecord } from '../../base/guards.ts';
import type { TokensReport } from '../../link/control.ts';
import type { ListName } from '../../mcp/lists.ts';
import type { Router } from '../../router/router.ts';
import type { Session } from '../../sessions/session.ts';

export type TokenSources = {
  router: Router;
  sessions: readonly Session[];
  /** Whoever asks is the user alone: a token may be in the hands of another program. */
  withSamples: boolean;
  /** A session of the project that is asked about. */
  local: () => Session;
};

const tools: ListName = 'tools';

export async function reportTokens({ router, sessions, withSamples, local }: TokenSources): Promise<TokensReport> {
  const { modes, views } = router;
  const lists: TokensReport['lists'] = {};
  const offered = async (session: Session): Promise<string> => {
    await modes.ready(session);
    const { etag, result } = modes.list(session, tools) ?? views.of(session).list(tools);
    lists[etag] ??= describe(result);
    return etag;
  };
  const asked = ['all', 'gateway', 'dynamic'].map((mode) => {
    const session = local();
    session.identity.mode = mode;
    return { mode, session };
  });
  const rows = [];
  for (const { mode, session } of asked) rows.push({ mode, list: await offered(session) });
  const here = local();
  const byServer = new Map<string, Buffer[]>();
  for (const { target, raw } of views.of(here).list(tools).items) {
    const known = byServer.get(target.slug);
    if (known) known.push(raw);
    else byServer.set(target.slug, [raw]);
  }
  const described = [];
  for (const session of sessions) {
    const { client, identity, results } = session;
    const { mode, reason } = modes.choiceOf(session);
    described.push({
      ...{ id: identity.id, projectRoot: identity.projectRoot, mode, reason },
      results: {
        ...{ count: results.count, bytes: results.bytes, sent: { ...results.sent } },
        ...(withSamples ? { sample: results.sample() } : {}),
      },
      ...(client ? { client: client.name } : {}),
      list: await offered(session),
    });
  }
  return {
    projectRoot: here.identity.projectRoot,
    lists,
    modes: rows,
    servers: [...byServer].map(([server, raws]) => ({
      server,
      tools: raws.length,
      text: JSON.stringify(raws.map((raw) => shown(JSON.parse(raw.toString('utf8'))))),
    })),
    sessions: described,
  };
}

function describe(result: Buffer): { tools: number; names: string[]; text: string } {
  const value: unknown = JSON.parse(result.toString('utf8'));
  const found: unknown[] = isRecord(value) && Array.isArray(value['tools']) ? value['tools'] : [];
  const names = found.map((tool) => (isRecord(tool) ? String(tool['name']) : ''));
  return { tools: found.length, names, text: JSON.stringify(found.map(shown)) };
}

/** What hosts hand to a model of a definition. */
function shown(tool: unknown): Record<string, unknown> {
  const { name, description, inputSchema } = isRecord(tool) ? tool : {};
  return { name, description, input_schema: inputSchema };
}
