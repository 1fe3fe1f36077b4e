// A tool as gateway and search see it, and the guarded reading of its schema: what upstreams send is not to be trusted.
import { cutChars } from '../base/cut-text.ts';
import { isRecord } from '../base/guards.ts';

export type ToolDefinition = {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | null | undefined;
  readonly inputSchema?: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?: unknown;
};

export type Argument = { readonly name: string; readonly text: string; readonly isRequired: boolean };

export function argumentsOf(tool: ToolDefinition): Argument[] {
  if (!isRecord(tool.inputSchema)) return [];
  const { properties, required } = tool.inputSchema;
  if (!isRecord(properties)) return [];
  const needed = new Set<unknown>(Array.isArray(required) ? required : []);
  return Object.keys(properties).map((name) => {
    const schema = properties[name];
    const text = isRecord(schema) ? schema['description'] : undefined;
    return { name, text: typeof text === 'string' ? text : '', isRequired: needed.has(name) };
  });
}

/** True only where the upstream says so itself. */
export function isReadOnly(tool: ToolDefinition): boolean {
  return isRecord(tool.annotations) && tool.annotations['readOnlyHint'] === true;
}

/** The same: what says nothing of itself may be either. */
export function isDestructive(tool: ToolDefinition): boolean {
  return isRecord(tool.annotations) && tool.annotations['destructiveHint'] === true;
}

/** First sentence or line, cut to `maxLength` characters. */
export function shortLine(text: string, maxLength: number): string {
  const line =
    text
      .trim()
      .split(/\n|(?<=[.!?])\s|(?<=[。！？])/)[0]
      ?.trim() ?? '';
  return cutChars(line, maxLength);
}

/** What a server says of a tool, with only the parts whose kind is right. */
export function readDefinition(value: unknown): Omit<ToolDefinition, 'name'> {
  if (!isRecord(value)) return {};
  const { title, description, inputSchema, outputSchema, annotations } = value;
  return {
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    ...{ inputSchema, outputSchema, annotations },
  };
}
