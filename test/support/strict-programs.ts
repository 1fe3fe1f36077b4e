// What the official SDKs refuse in a list, as their clients do: by the schemas, for tools by compiling output schemas, and
// by what parsers of other languages have no room for.

import {
  ListPromptsResultSchema,
  ListResourcesResultSchema,
  ListResourceTemplatesResultSchema,
  ListToolsResultSchema,
  ToolSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv';
import * as z from 'zod';
import { isRecord } from '../../src/base/guards.ts';
import type { ListName } from '../../src/mcp/lists.ts';
import type { Family } from './served-lists.ts';

const schemas = {
  tools: ListToolsResultSchema,
  prompts: ListPromptsResultSchema,
  resources: ListResourcesResultSchema,
  resourceTemplates: ListResourceTemplatesResultSchema,
} as const;

/** As the SDKs for 2026-07-28 have it: with an output schema of any kind. */
const newerTool = z.object({
  ...ToolSchema.shape,
  inputSchema: z.looseObject({ $schema: z.string().optional(), type: z.literal('object') }),
  outputSchema: z.looseObject({ $schema: z.string().optional() }).optional(),
});

/** What parsers of other languages refuse a whole message for: serde_json is the one with the least room. */
function plainRefusal(value: unknown, depth = 2): string | undefined {
  if (depth > 127) return 'it is nested too deep';
  if (typeof value === 'string') return Buffer.from(value).toString() === value ? undefined : 'half of a character';
  const parts = isRecord(value) ? Object.entries(value).flat() : Array.isArray(value) ? value : [];
  for (const part of parts) {
    const why = plainRefusal(part, depth + 1);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** The SDK for Python (1.x) reads each as a URL. */
function wrongUri(text: string): string | undefined {
  const { resources } = ListResourcesResultSchema.parse(JSON.parse(text));
  return resources.find(({ uri }) => !URL.canParse(uri))?.uri;
}

/** Why the whole list is refused; undefined: it is taken. */
export function refusal(list: ListName, family: Family, text: string): string | undefined {
  const plain = plainRefusal(JSON.parse(text));
  if (plain !== undefined) return plain;
  const isNewerTools = list === 'tools' && family === 'newer';
  const schema = isNewerTools ? z.object({ tools: z.array(newerTool) }) : schemas[list];
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) return parsed.error.message;
  if (list === 'resources') return wrongUri(text);
  if (list !== 'tools' || family === 'newer') return undefined;
  const validator = new AjvJsonSchemaValidator();
  try {
    for (const { outputSchema } of ListToolsResultSchema.parse(JSON.parse(text)).tools)
      if (outputSchema) validator.getValidator(outputSchema);
  } catch (error) {
    return `an output schema does not compile: ${error instanceof Error ? error.message : String(error)}`;
  }
  return undefined;
}
