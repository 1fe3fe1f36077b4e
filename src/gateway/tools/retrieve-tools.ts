// Dynamic mode's one tool: what it finds become real tools of the session that asked, and of no other.
import * as z from 'zod/mini';
import type { DynamicPool } from '../dynamic-pool.ts';
import { type GatewayCall, type GatewayDeps, readArguments, textResult } from './gateway-tool.ts';
import { unknownNote } from './tool-id.ts';

export type RetrieveDeps = Pick<
  GatewayDeps,
  'index' | 'describe' | 'idOf' | 'mayUse' | 'unknownServers' | 'waitForAll'
> & {
  poolOf(session: string): DynamicPool;
  readonly topK: number;
  /** Sends tools/list_changed to that session. */
  notifyListChanged(session: string): void;
};

const shape = z.object({ query: z.string().check(z.minLength(1)) });

export const retrieveTools = {
  name: 'retrieve_tools',
  description: 'Find tools by what you want to do, in words. The tools it finds become callable at once.',
  inputSchema: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
  async handle({ session, args }: GatewayCall, deps: RetrieveDeps): Promise<unknown> {
    const { query } = readArguments(shape, args);
    await deps.waitForAll(session);
    const accepts = (server: string, tool: string): boolean => deps.mayUse(session, server, tool);
    const hits = deps.index.search(query, { limit: deps.topK, accepts });
    // Without their arguments: the tools themselves come with the list.
    const found = hits.map(({ server, name, args: _, ...hit }) => ({ name: deps.idOf(server, name), server, ...hit }));
    const usable = found.filter(({ name }) => deps.describe(session, name) !== undefined);
    const { added, evicted } = deps.poolOf(session).retrieve(usable.map(({ name }) => name));
    if (added.length + evicted.length > 0) deps.notifyListChanged(session);
    const note = unknownNote(deps.unknownServers(session));
    const pool = deps.poolOf(session).ids().length;
    return textResult({ tools: usable, added, evicted, pool, ...(note === undefined ? {} : { note }) });
  },
} as const;
