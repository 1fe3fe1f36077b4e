import * as z from 'zod/mini';
import { givenArguments, refuseArguments } from './call-arguments.ts';
import { type GatewayTool, readArguments, shownSchema } from './gateway-tool.ts';
import { getTool } from './tool-id.ts';

const shape = z.object({ id: z.string(), args: givenArguments });

export const gatewayInvoke: GatewayTool = {
  name: 'gateway_invoke',
  description: 'Call a tool. Large results come shortened, with a ref for gateway_get_result.',
  inputSchema: shownSchema(shape),
  async handle(call) {
    const { id } = readArguments(shape, call.args);
    const found = await getTool(call, id);
    return (await refuseArguments(call, found)) ?? call.invoke(found.id);
  },
};
