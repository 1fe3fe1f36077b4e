import * as z from 'zod/mini';
import { givenArguments, refuseArguments } from './call-arguments.ts';
import { type GatewayTool, readArguments, shownSchema, textAnswer } from './gateway-tool.ts';
import { getTool } from './tool-id.ts';

const shape = z.object({
  id: z.string(),
  args: givenArguments,
  detach: z._default(z.boolean(), false),
});

export const gatewayInvokeAsync: GatewayTool = {
  name: 'gateway_invoke_async',
  description:
    'Start a long tool call as a job; returns a jobId at once. detach: goes on when this session ends; whoever names the jobId then may read the result, as long as the answer says.',
  inputSchema: shownSchema(shape),
  async handle(call) {
    const { id, detach } = readArguments(shape, call.args);
    const found = await getTool(call, id);
    const refusal = await refuseArguments(call, found, ['detach']);
    if (refusal) return refusal;
    const jobId = call.jobs.start(found.id, { detach });
    return textAnswer({ jobId, state: 'running', ...(detach ? { note: detachedNote(call.jobs.finishedMs) } : {}) });
  },
};

function detachedNote(keptMs: number): string {
  const kept = keptMs < 120_000 ? `${Math.ceil(keptMs / 1_000)} s` : `${Math.floor(keptMs / 60_000)} min`;
  return `Once this session is gone, any session that may use this server and names this jobId in gateway_invoke_status may read or cancel the job: until ${kept} after its end, while mcp-proxy runs. Nobody else is told of it.`;
}
