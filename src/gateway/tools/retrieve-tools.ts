// Dynamic mode's one tool: what it finds become real tools of the session that asked, and of no other.
import * as z from 'zod/mini';
import { type GatewayTool, readArguments, shownSchema, textAnswer } from './gateway-tool.ts';
import { unknownNote } from './tool-id.ts';

const shape = z.object({ query: z.string().check(z.minLength(1)) });

export const retrieveTools: GatewayTool = {
  name: 'retrieve_tools',
  description: 'Find tools by what you want to do, in words. The tools it finds become callable at once.',
  inputSchema: shownSchema(shape),
  async handle(call) {
    const { query } = readArguments(shape, call.args);
    await call.waitForAll();
    // Without their arguments: the tools themselves come with the list.
    const found = call
      .search(query, { limit: call.pool.topK })
      .map(({ id, args: _, ...hit }) => ({ name: id, ...hit }));
    const tools = found.filter(({ name }) => call.describe(name) !== undefined);
    const note = unknownNote(call.unknownServers());
    const { added, evicted, size } = await call.pool.add(tools.map(({ name }) => name));
    return textAnswer({ tools, added, evicted, pool: size, ...(note === undefined ? {} : { note }) });
  },
};
