import * as z from 'zod/mini';
import { stringifyExact } from '../../results/exact-json.ts';
import { type GatewayTool, readArguments, shownSchema, textAnswer } from './gateway-tool.ts';

/** In characters. Each part of a result is compared with them: a longer one finds nothing more and holds all others. */
const maxSearch = 200;
const maxPath = 2_000;
const maxFields = 100;

const shape = z.object({
  ref: z.string(),
  path: z.optional(z.string().check(z.maxLength(maxPath), z.meta({ description: 'like $.items[3].body' }))),
  block: z.optional(z.int().check(z.minimum(0), z.meta({ description: 'content block' }))),
  offset: z.optional(z.int().check(z.minimum(0))),
  limit: z.optional(z.int().check(z.minimum(1))),
  fields: z.optional(z.array(z.string().check(z.maxLength(maxPath))).check(z.maxLength(maxFields))),
  search: z.optional(z.string().check(z.minLength(1), z.maxLength(maxSearch))),
  raw: z.optional(z.boolean().check(z.meta({ description: 'text as it came' }))),
});

export const gatewayGetResult: GatewayTool = {
  name: 'gateway_get_result',
  description: 'Read the rest of a shortened result: page rows or characters, pick fields, or search text.',
  inputSchema: shownSchema(shape),
  async handle({ args, results }) {
    const { ref, ...request } = readArguments(shape, args);
    const view = await results.read(ref, request);
    // A picture that was left out for its size was asked for by its block: now it is wanted.
    if (view.kind === 'media') return { kind: 'value', value: { content: [view.block] } };
    return textAnswer(stringifyExact(view));
  },
};
