import * as z from 'zod/mini';
import { type GatewayTool, readArguments, textResult } from './gateway-tool.ts';

const maxLimit = 50;
const shape = z.object({
  query: z.string(),
  limit: z._default(z.int().check(z.minimum(1), z.maximum(maxLimit)), 10),
  servers: z.optional(z.array(z.string())),
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
    return textResult({ tools });
  },
};
