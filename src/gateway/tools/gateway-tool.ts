// A gateway tool is one object: what the model is shown and what it does. What a handler needs arrives as interfaces.

import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { AppError } from '../../base/errors.ts';
import { isRecord } from '../../base/guards.ts';
import { jsonBytes } from '../../results/exact-json.ts';
import type { ResultStore } from '../../results/result-store.ts';
import { shieldResult } from '../../results/shield.ts';
import type { ShieldPolicy } from '../../results/shield-policy.ts';
import type { ToolDefinition } from '../../search/tool-definition.ts';
import type { ToolIndex } from '../../search/tool-index.ts';
import type { JobAccess, JobContext, Jobs } from '../jobs.ts';
import type { ArgumentCheck } from './check-arguments.ts';

/** `onKept`: of a job. */
export type InvokeContext = Pick<JobContext, 'signal' | 'onProgress'> & Partial<Pick<JobContext, 'onKept'>>;

/** `names`: all that it may be called by, its slug first. */
export type ServerName = { readonly slug: string; readonly names: readonly string[] };
/** Its tools are not known: it starts at the moment, or cannot, for what `error` says. */
export type UnknownServer = { readonly slug: string; readonly error?: AppError };

export type GatewayDeps = {
  readonly index: ToolIndex;
  /** By qualified name, as this session may see it; never by splitting the name. */
  describe(session: string, id: string): ToolDefinition | undefined;
  /** The id that `describe` knows a search hit by. */
  idOf(server: string, tool: string): string;
  /** Whether this session may see the tool. */
  mayUse(session: string, server: string, tool: string): boolean;
  /** All that this session may see, those without known tools too. */
  servers(session: string): readonly ServerName[];
  unknownServers(session: string): readonly UnknownServer[];
  /** Until the unknown servers are known: all, or those with these slugs. Each start is waited for once. */
  waitForAll(session: string, slugs?: readonly string[]): Promise<void>;
  /** Until that server is known, or some seconds. */
  waitFor(session: string, slug: string): Promise<void>;
  readonly checkArguments: ArgumentCheck;
  invoke(session: string, id: string, args: Record<string, unknown>, context: InvokeContext): Promise<unknown>;
  policyFor(session: string, id: string): ShieldPolicy;
  /** For what we answer ourselves. */
  readonly answerPolicy: ShieldPolicy;
  readonly store: ResultStore;
  readonly jobs: Jobs;
  /** Of that tool's server: equal for all sessions that it cannot tell apart, so one may take over another's job. */
  accessTo(session: string, id: string): string;
  /** The same for all servers that this session may use. */
  accessOf(session: string): Promise<JobAccess>;
};

export type GatewayCall = { readonly session: string; readonly args: unknown } & InvokeContext;

export type GatewayTool = {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** Throws AppError; the router turns it into an MCP error result. */
  handle(call: GatewayCall, deps: GatewayDeps): Promise<unknown>;
};

export function textResult(value: unknown, isError = false): unknown {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
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

/** Models write a single one without brackets. */
export const oneOrMore = (list: z.ZodMiniArray<z.ZodMiniString>) =>
  z.pipe(
    z.transform((value) => (typeof value === 'string' ? [value] : value)),
    list,
  );

// Our own answers inside the budget of every result: what servers wrote is in them too, schemas and errors.
export type BoundDeps = Pick<GatewayDeps, 'answerPolicy' | 'store'>;

/** Whole where it fits, which is nearly always; else shortened, with a reference for the rest. */
export function boundedResult({ answerPolicy, store }: BoundDeps, session: string, value: unknown, isError = false) {
  const result = textResult(value, isError);
  if (jsonBytes(result) <= answerPolicy.maxTotalBytes) return result;
  return shieldResult(result, answerPolicy, store.keeper(session)).result;
}
