import * as z from 'zod/mini';
import { type GatewayDeps, type GatewayTool, oneOrMore, readArguments, textResult } from './gateway-tool.ts';

const maxLimit = 50;
const shape = z.object({
  query: z.string(),
  limit: z._default(z.int().check(z.minimum(1), z.maximum(maxLimit)), 10),
  servers: z.optional(oneOrMore(z.array(z.string()))),
  readOnly: z.optional(z.boolean()),
});

export const gatewaySearch: GatewayTool = {
  name: 'gateway_search',
  description: 'Find tools by what you want to do, in words. Start here. Empty query lists all.',
  inputSchema: {
    type: 'object',
    properties: {
      query: { type: 'string' },
      limit: { type: 'integer', default: 10, maximum: maxLimit },
      servers: { type: 'array', items: { type: 'string' } },
      readOnly: { type: 'boolean' },
    },
    required: ['query'],
  },
  async handle({ session, args }, deps) {
    const { query, ...options } = readArguments(shape, args);
    const accepts = (server: string, tool: string): boolean => deps.mayUse(session, server, tool);
    const hits = deps.index.search(query, { ...options, accepts });
    const tools = hits.map(({ server, name, ...hit }) => ({ id: deps.idOf(server, name), server, ...hit }));
    const note = whatIsMissing({ ...options, query, found: tools.length }, session, deps);
    return textResult(note === undefined ? { tools } : { tools, note });
  },
};

type Asked = z.infer<typeof shape> & { readonly found: number };

/** Why a list is empty or not the whole, so that the next search is another one. */
function whatIsMissing(asked: Asked, session: string, deps: GatewayDeps): string | undefined {
  const accepts = (server: string, tool: string): boolean => deps.mayUse(session, server, tool);
  const isList = asked.query.trim() === '';
  if (asked.found > 0 && !(isList && asked.found === asked.limit)) return undefined;
  const all = deps.index.search('', { limit: deps.index.size, accepts });
  const servers = [...new Set(all.map(({ server }) => server))];
  const wrong = asked.servers?.filter((server) => !servers.includes(server)) ?? [];
  if (wrong.length > 0) return `No server is called ${wrong.join(', ')}. There are ${servers.join(', ')}.`;
  if (asked.found > 0)
    return `The first ${asked.found} of ${all.length} tools of ${servers.join(', ')}; name servers to see the rest.`;
  if (asked.readOnly) return 'No tool that says of itself that it only reads matches; search without readOnly.';
  return `No tool matches. Use other words, or an empty query to list all ${all.length}.`;
}
