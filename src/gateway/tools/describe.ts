import * as z from 'zod/mini';
import { boundedAnswer, type GatewayTool, oneOrMore, readArguments, shownSchema } from './gateway-tool.ts';
import { findTool, nearIds } from './tool-id.ts';

/** More schemas at once than this is a list, and lists are what the gateway spares the model. */
const maxIds = 10;
const shape = z.object({ ids: oneOrMore(z.array(z.string()).check(z.minLength(1), z.maxLength(maxIds))) });

export const gatewayDescribe: GatewayTool = {
  name: 'gateway_describe',
  description: 'Full description and argument schema of tools, by id from gateway_search.',
  inputSchema: shownSchema(shape),
  async handle(call) {
    const { ids } = readArguments(shape, call.args);
    const describe = async (written: string) => {
      const found = await findTool(call, written);
      if (!found) return { id: written, error: `unknown. ${nearIds(call, written)}` };
      const { title, description, inputSchema, outputSchema, annotations } = found.tool;
      return { id: found.id, title, description, inputSchema, outputSchema, annotations };
    };
    const tools = await Promise.all(ids.map(describe));
    const isError = tools.every((tool) => 'error' in tool);
    return boundedAnswer(call, { tools }, isError);
  },
};
