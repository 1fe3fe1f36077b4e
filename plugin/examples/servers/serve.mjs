// The few lines of MCP over stdio that the example servers share: one JSON-RPC message a line, Node alone.
import { createInterface } from 'node:readline';

const protocolVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

/**
 * @param {object} server
 * @param {string} server.name
 * @param {string} server.instructions
 * @param {Record<string, {description: string, inputSchema: object, run: (input: any, call: {progress: (done: number, total: number) => void}) => unknown}>} server.tools
 * @param {Record<string, {name: string, description: string, mimeType: string, read: () => string}>} [server.resources]
 */
export function serve({ name, instructions, tools, resources = {} }) {
  const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

  const methods = {
    initialize: ({ protocolVersion }) => ({
      protocolVersion: protocolVersions.includes(protocolVersion) ? protocolVersion : protocolVersions.at(-1),
      capabilities: { tools: {}, resources: {} },
      serverInfo: { name, version: '1.0.0' },
      instructions,
    }),
    ping: () => ({}),
    'tools/list': () => ({
      tools: Object.entries(tools).map(([tool, { description, inputSchema }]) => ({
        name: tool,
        description,
        inputSchema,
      })),
    }),
    'tools/call': async ({ name: tool, arguments: input = {}, _meta }) => {
      if (!Object.hasOwn(tools, tool)) throw failure(-32602, `Unknown tool: ${tool}`);
      const token = _meta?.progressToken;
      const progress = (done, total) => {
        if (token === undefined) return;
        send({ method: 'notifications/progress', params: { progressToken: token, progress: done, total } });
      };
      try {
        return result(await tools[tool].run(input, { progress }));
      } catch (error) {
        // The model reads this and can correct itself; a JSON-RPC error would only reach the program around it.
        return { ...result(error instanceof Error ? error.message : String(error)), isError: true };
      }
    },
    'resources/list': () => ({
      resources: Object.entries(resources).map(([uri, { read: _read, ...about }]) => ({ uri, ...about })),
    }),
    'resources/templates/list': () => ({ resourceTemplates: [] }),
    'resources/read': ({ uri }) => {
      if (!Object.hasOwn(resources, uri)) throw failure(-32002, `Unknown resource: ${uri}`);
      return { contents: [{ uri, mimeType: resources[uri].mimeType, text: resources[uri].read() }] };
    },
  };

  const answer = async (line) => {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      return send({ id: null, error: { code: -32700, message: 'This is not JSON.' } });
    }
    if (message.id === undefined) return; // a notification: nothing here depends on one
    try {
      if (!Object.hasOwn(methods, message.method)) throw failure(-32601, `Unknown method: ${message.method}`);
      send({ id: message.id, result: await methods[message.method](message.params ?? {}) });
    } catch (error) {
      send({ id: message.id, error: { code: error.code ?? -32603, message: error.message } });
    }
  };

  const lines = createInterface({ input: process.stdin });
  lines.on('line', answer);
  lines.on('close', () => process.exit(0)); // whoever started us is gone
}

function failure(code, message) {
  return Object.assign(new Error(message), { code });
}

function result(value) {
  if (typeof value === 'string') return { content: [{ type: 'text', text: value }] };
  return { content: [{ type: 'text', text: JSON.stringify(value, null, 2) }], structuredContent: value };
}
