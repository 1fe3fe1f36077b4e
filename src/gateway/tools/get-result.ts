import * as z from 'zod/mini';
import { stringifyExact } from '../../results/exact-json.ts';
import { type GatewayTool, readArguments, textResult } from './gateway-tool.ts';

/** In characters. Each part of a result is compared with them: a longer one finds nothing more and holds all others. */
const maxSearch = 200;
const maxPath = 2_000;
const maxFields = 100;

const shape = z.object({
  ref: z.string(),
  path: z.optional(z.string().check(z.maxLength(maxPath))),
  block: z.optional(z.int().check(z.minimum(0))),
  offset: z.optional(z.int().check(z.minimum(0))),
  limit: z.optional(z.int().check(z.minimum(1))),
  fields: z.optional(z.array(z.string().check(z.maxLength(maxPath))).check(z.maxLength(maxFields))),
  search: z.optional(z.string().check(z.minLength(1), z.maxLength(maxSearch))),
  raw: z.optional(z.boolean()),
});

export const gatewayGetResult: GatewayTool = {
  name: 'gateway_get_result',
  description: 'Read the rest of a shortened result: page rows or characters, pick fields, or search text.',
  inputSchema: {
    type: 'object',
    properties: {
      ref: { type: 'string' },
      path: { type: 'string', description: 'like $.items[3].body' },
      block: { type: 'integer', description: 'content block' },
      offset: { type: 'integer' },
      limit: { type: 'integer' },
      fields: { type: 'array', items: { type: 'string' } },
      search: { type: 'string' },
      raw: { type: 'boolean', description: 'text as it came' },
    },
    required: ['ref'],
  },
  async handle({ session, args }, deps) {
    const { ref, ...request } = readArguments(shape, args);
    const view = await deps.store.read(session, ref, request);
    // A picture that was left out for its size was asked for by its block: now it is wanted.
    if (view.kind === 'media') return { content: [view.block] };
    return textResult(stringifyExact(view));
  },
};
