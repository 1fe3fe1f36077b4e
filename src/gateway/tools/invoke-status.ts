import * as z from 'zod/mini';
import { cutChars } from '../../base/cut-text.ts';
import { referenceOf, withoutReference } from '../../results/shield.ts';
import type { JobStatus } from '../job.ts';
import { boundedAnswer, type GatewayCall, type GatewayTool, readArguments, shownSchema } from './gateway-tool.ts';

const shape = z.object({ jobId: z.optional(z.string()), cancel: z._default(z.boolean(), false) });

export const gatewayInvokeStatus: GatewayTool = {
  name: 'gateway_invoke_status',
  description: 'State, progress and log of a job; its result when completed. No jobId lists jobs.',
  inputSchema: shownSchema(shape),
  async handle(call) {
    const { jobId, cancel } = readArguments(shape, call.args);
    const { jobs } = call;
    if (jobId === undefined) return boundedAnswer(call, { jobs: jobs.list().map(summarize) });
    const job = await (cancel ? jobs.cancel(jobId) : jobs.status(jobId));
    if (job.state !== 'completed') return boundedAnswer(call, describe(job), job.state === 'failed');
    // The result itself, as gateway_invoke would have given it: images stay images, errors errors.
    return { kind: 'value', value: stillTrue(call, job.result) };
  },
};

/** A job is kept as long as results are, but many large ones push each other out before. */
function stillTrue({ results }: GatewayCall, result: unknown): unknown {
  const ref = referenceOf(result);
  return ref === undefined || results.has(ref) ? result : withoutReference(result);
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
