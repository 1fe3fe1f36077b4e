import * as z from 'zod/mini';
import { cutChars } from '../../base/cut-text.ts';
import { referenceOf, withoutReference } from '../../results/shield.ts';
import type { JobStatus } from '../jobs.ts';
import { boundedResult, type GatewayDeps, type GatewayTool, readArguments } from './gateway-tool.ts';
import { shieldFor } from './invoke.ts';

const shape = z.object({ jobId: z.optional(z.string()), cancel: z._default(z.boolean(), false) });

export const gatewayInvokeStatus: GatewayTool = {
  name: 'gateway_invoke_status',
  description: 'State, progress and log of a job; its result when completed. No jobId lists jobs.',
  inputSchema: {
    type: 'object',
    properties: { jobId: { type: 'string' }, cancel: { type: 'boolean' } },
  },
  async handle({ session, args }, deps) {
    const { jobId, cancel } = readArguments(shape, args);
    if (jobId === undefined) return boundedResult(deps, session, { jobs: deps.jobs.list(session).map(summarize) });
    const access = await deps.accessOf(session);
    const job = cancel ? deps.jobs.cancel(session, jobId, access) : deps.jobs.status(session, jobId, access);
    // The result itself, as gateway_invoke would have given it: images stay images, errors errors.
    return job.state === 'completed'
      ? shieldFor(deps, session, job.label, stillTrue(deps, session, job.result))
      : boundedResult(deps, session, describe(job), job.state === 'failed');
  },
};

/** A job is kept as long as results are, but many large ones push each other out before. */
function stillTrue({ store }: GatewayDeps, session: string, result: unknown): unknown {
  const ref = referenceOf(result);
  return ref === undefined || store.has(session, ref) ? result : withoutReference(result);
}

/** A list of jobs is to tell them apart; what one of them said is asked for by its id. */
const maxSummary = 200;

function summarize(job: JobStatus): Record<string, unknown> {
  const { message: _, ...progress } = job.progress ?? {};
  const cut = (text: string): string => cutChars(text, maxSummary);
  return {
    ...describe(job),
    progress: job.progress && progress,
    log: job.log.slice(-1).map(cut),
    ...(job.state === 'failed' ? { error: cut(job.error) } : {}),
  };
}

function describe({ id, label, startedAt, endedAt, progress, log, ...state }: JobStatus): Record<string, unknown> {
  const times = {
    startedAt: new Date(startedAt).toISOString(),
    ...(endedAt === undefined ? {} : { endedAt: new Date(endedAt).toISOString() }),
  };
  const error = state.state === 'failed' ? { error: state.error } : {};
  return { jobId: id, tool: label, state: state.state, ...times, progress, log, ...error };
}
