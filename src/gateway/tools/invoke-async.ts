import * as z from 'zod/mini';
import { readCallArguments } from './call-arguments.ts';
import { type GatewayTool, readArguments, textResult } from './gateway-tool.ts';
import { getTool } from './tool-id.ts';

const shape = z.object({
  id: z.string(),
  args: z.optional(z.unknown()),
  detach: z._default(z.boolean(), false),
});

export const gatewayInvokeAsync: GatewayTool = {
  name: 'gateway_invoke_async',
  description:
    'Start a long tool call as a job; returns a jobId at once. detach: goes on when this session ends; whoever names the jobId then may read the result, as long as the answer says.',
  inputSchema: {
    type: 'object',
    properties: { id: { type: 'string' }, args: { type: 'object' }, detach: { type: 'boolean' } },
    required: ['id'],
  },
  async handle({ session, args }, deps) {
    const call = readArguments(shape, args);
    const found = await getTool(deps, session, call.id);
    const read = await readCallArguments(deps, { session, found, given: args, options: ['detach'] });
    if ('refusal' in read) return read.refusal;
    const jobId = deps.jobs.start({
      session,
      label: found.id,
      ...(call.detach ? { detached: { access: deps.accessTo(session, found.id) } } : {}),
      run: (context) => deps.invoke(session, found.id, read.args, context),
    });
    return textResult({
      jobId,
      state: 'running',
      ...(call.detach ? { note: detachedNote(deps.jobs.finishedMs) } : {}),
    });
  },
};

function detachedNote(keptMs: number): string {
  const kept = keptMs < 120_000 ? `${Math.ceil(keptMs / 1_000)} s` : `${Math.floor(keptMs / 60_000)} min`;
  return `Once this session is gone, any session that may use this server and names this jobId in gateway_invoke_status may read or cancel the job: until ${kept} after its end, while mcp-proxy runs. Nobody else is told of it.`;
}
