import * as z from 'zod/mini';
import { isRecord } from '../../base/guards.ts';
import { shieldResult } from '../../results/shield.ts';
import { readCallArguments } from './call-arguments.ts';
import { type GatewayDeps, type GatewayTool, readArguments, textResult } from './gateway-tool.ts';
import { getTool } from './tool-id.ts';

const shape = z.object({ id: z.string(), args: z.optional(z.unknown()) });

export const gatewayInvoke: GatewayTool = {
  name: 'gateway_invoke',
  description: 'Call a tool. Large results come shortened, with a ref for gateway_get_result.',
  inputSchema: {
    type: 'object',
    properties: { id: { type: 'string' }, args: { type: 'object' } },
    required: ['id'],
  },
  async handle({ session, args, signal, onProgress }, deps) {
    const call = readArguments(shape, args);
    const found = await getTool(deps, session, call.id);
    const read = await readCallArguments(deps, { session, found, given: args });
    if ('refusal' in read) return read.refusal;
    const result = await deps.invoke(session, found.id, read.args, { signal, onProgress });
    return shieldFor(deps, session, found.id, result);
  },
};

export function shieldFor(deps: GatewayDeps, session: string, id: string, result: unknown): unknown {
  if (!isRecord(result)) return textResult(result ?? '');
  return shieldResult(result, deps.policyFor(session, id), deps.store.keeper(session)).result;
}
