// A gateway tool is one object: what the model is shown and what it does for one call. What a handler needs of the rest it
// asks the call for, which is bound to the session that makes it: no handler can reach another one's.

import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { wholeJson } from '../../base/cut-text.ts';
import { AppError } from '../../base/errors.ts';
import { isRecord } from '../../base/guards.ts';
import type { Edit } from '../../base/json-scan.ts';
import type { ResponseEnvelope } from '../../mcp/envelope.ts';
import { jsonBytes } from '../../results/exact-json.ts';
import type { SessionResults } from '../../results/result-store.ts';
import { shieldResult } from '../../results/shield.ts';
import type { ShieldPolicy } from '../../results/shrink.ts';
import type { ToolDefinition } from '../../search/tool-definition.ts';
import type { SearchHit, SearchOptions } from '../../search/tool-index.ts';
import type { JobStatus } from '../job.ts';

/** `names`: all that it may be called by, its slug first. */
export type ServerName = { readonly slug: string; readonly names: readonly string[] };
/** Its tools are not known: it starts at the moment, or cannot, for what `error` says. */
export type UnknownServer = { readonly slug: string; readonly error?: AppError };

/** What a server answered goes on as the bytes it wrote, its id and `edits` apart; what we wrote is written once more. */
export type ToolAnswer =
  | { readonly kind: 'bytes'; readonly envelope: ResponseEnvelope; readonly edits: readonly Edit[] }
  | { readonly kind: 'value'; readonly value: unknown };

/** What is wrong, one line each; empty when right, or when the schema itself cannot be used (the upstream then decides). */
export type ArgumentCheck = (tool: ToolDefinition, args: Record<string, unknown>) => Promise<string[]>;

export type FoundHit = Omit<SearchHit, 'name'> & { readonly id: string };

/** What one session may do with its jobs, and with detached ones that it can name. All throw as `Jobs` does. */
export type SessionJobs = {
  /** A call of the tool with what the model gave; its id at once. */
  start(tool: string, options: { readonly detach: boolean }): string;
  list(): JobStatus[];
  status(id: string): Promise<JobStatus>;
  cancel(id: string): Promise<JobStatus>;
  /** How long a job is known after its end. */
  readonly finishedMs: number;
};

/** Dynamic mode: the tools that the session has found so far. */
export type SessionPool = {
  readonly topK: number;
  /** Puts the best hits in. By its end the host has the new list, or had its time to ask for it. */
  add(ids: readonly string[]): Promise<{ readonly added: string[]; readonly evicted: string[]; readonly size: number }>;
};

export type GatewayCall = {
  /** To our own tool. */
  readonly args: unknown;
  /** Only what this session may see, best first. */
  search(words: string, options?: Partial<Omit<SearchOptions, 'accepts'>>): FoundHit[];
  /** By qualified name, as this session may see it; never by splitting the name. */
  describe(id: string): ToolDefinition | undefined;
  /** The id that `describe` knows a tool by. */
  idOf(server: string, tool: string): string;
  /** All that this session may see, those without known tools too. */
  servers(): readonly ServerName[];
  unknownServers(): readonly UnknownServer[];
  /** Until the unknown servers are known: all, or those with these slugs. Each start is waited for once. */
  waitForAll(slugs?: readonly string[]): Promise<void>;
  /** Until that server is known, or some seconds. */
  waitFor(slug: string): Promise<void>;
  readonly checkArguments: ArgumentCheck;
  /** Calls the tool with what the model gave, and shortens what comes back. */
  invoke(id: string): Promise<ToolAnswer>;
  readonly jobs: SessionJobs;
  readonly pool: SessionPool;
  readonly results: SessionResults;
  /** For what we answer ourselves. */
  readonly answerPolicy: ShieldPolicy;
};

export type GatewayTool = {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** Throws AppError; the router turns it into an MCP error result. */
  handle(call: GatewayCall): Promise<ToolAnswer>;
};

export function textAnswer(value: unknown, isError = false): ToolAnswer {
  return { kind: 'value', value: textResult(value, isError) };
}

/** What servers wrote is in it, schemas and errors: whole where it fits, nearly always, else with a reference for the rest. */
export function boundedAnswer(call: GatewayCall, value: unknown, isError = false): ToolAnswer {
  const result = textResult(value, isError);
  const fits = jsonBytes(result) <= call.answerPolicy.maxTotalBytes;
  return { kind: 'value', value: fits ? result : shieldResult(result, call.answerPolicy, call.results).result };
}

function textResult(value: unknown, isError: boolean) {
  const text = typeof value === 'string' ? value : wholeJson(value);
  return { content: [{ type: 'text', text }], ...(isError ? { isError } : {}) };
}

/** The small build of zod says only "Invalid input" without it. */
const english = { error: en().localeError };

export function readArguments<S extends z.ZodMiniObject>(shape: S, args: unknown): z.infer<S> {
  const read = shape.safeParse(args ?? {}, english);
  if (read.success) return read.data;
  const takes = Object.keys(shape.shape);
  const unknown = isRecord(args) ? Object.keys(args).filter((key) => !takes.includes(key)) : [];
  throw new AppError({
    code: 'BAD_ARGUMENT',
    message: z.prettifyError(read.error),
    hint: `Correct the arguments and call again. It takes ${takes.join(', ')}${unknown.length > 0 ? `, not ${unknown.join(', ')}` : ''}.`,
  });
}

/**
 * What a model is shown of a shape. Without bounds that nobody meets by chance and defaults that are as good as nothing: they
 * would cost tokens in every request.
 */
export function shownSchema(shape: z.ZodMiniObject): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, {
    io: 'input',
    override({ jsonSchema }) {
      for (const bound of ['minimum', 'minLength', 'maxLength', 'minItems'] as const) delete jsonSchema[bound];
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.maxItems && jsonSchema.maxItems >= 100) delete jsonSchema.maxItems;
      if (!jsonSchema.default) delete jsonSchema.default;
    },
  });
  return schema;
}

/** Models write a single one without brackets. */
export const oneOrMore = (list: z.ZodMiniArray<z.ZodMiniString>) =>
  z.pipe(
    z.transform((value) => (typeof value === 'string' ? [value] : value)),
    list,
  );
