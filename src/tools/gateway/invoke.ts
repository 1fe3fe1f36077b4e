import * as z from 'zod/mini';
import { isObject } from '../exact-json.ts';
import { shieldResult } from '../shield.ts';
import { type GatewayDeps, type GatewayTool, readArguments, textResult, toolArguments } from './gateway-tool.ts';
import { type FoundTool, getTool } from './tool-id.ts';

const shape = z.object({ id: z.string(), args: toolArguments });

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
    const refusal = await refuseWrong(deps, found, { args: call.args, given: args });
    if (refusal) return refusal;
    const result = await deps.invoke(session, found.id, call.args, { signal, onProgress });
    return shieldFor(deps, session, found.id, result);
  },
};

/** An error result with what is wrong and the schema, or undefined when the arguments are right. `given`: to our own tool. */
export async function refuseWrong(
  deps: GatewayDeps,
  { id, tool }: FoundTool,
  { args, given }: { args: Record<string, unknown>; given: unknown },
): Promise<unknown> {
  const wrong = await deps.checkArguments(tool, args);
  if (wrong.length === 0) return undefined;
  const beside = isObject(given) && given['args'] === undefined ? Object.keys(given).filter((key) => key !== 'id') : [];
  if (beside.length > 0) wrong.unshift(`put the tool's arguments into "args", not beside it (${beside.join(', ')})`);
  return textResult(
    { error: `Arguments of ${id} are wrong; it was not called.`, wrong, inputSchema: tool.inputSchema },
    true,
  );
}

export function shieldFor(deps: GatewayDeps, session: string, id: string, result: unknown): unknown {
  if (!isObject(result)) return textResult(result ?? '');
  return shieldResult(result, deps.policyFor(session, id), deps.store.keeper(session)).result;
}
