// What the host does in each scenario, and what its server's entry says besides the address.
import { isRecord } from '../../../src/base/guards.ts';
import type { Message } from '../../support/mcp-client.ts';
import type { McpHost } from './mcp-host.ts';

export type Conduct = {
  entry?: Message;
  /** What the host declares. */
  capabilities?: Message;
  /** How often the person logs in for one thing. */
  patience?: number;
  act: (host: McpHost) => Promise<void>;
};

/** The one that the suite expects of a client that has a document of its own. */
const clientDocument = 'https://conformance-test.local/client-metadata.json';

const callFirstTool = async (host: McpHost, args: Message = {}) => {
  const [tool] = await host.tools();
  if (tool) await host.call(String(tool['name']), args);
};

/** Of a server that has one for sure: without it the daemon's log is shown. */
const callTheTool = async (host: McpHost, args: Message = {}) => {
  const [tool] = await host.tools();
  if (!tool) throw new Error('the server offers a tool, and none was listed');
  await host.call(String(tool['name']), args);
};

const named: Readonly<Record<string, (context: Message) => Conduct>> = {
  initialize: () => ({ act: (host) => callFirstTool(host) }),
  tools_call: () => ({ act: (host) => callTheTool(host, { a: 2, b: 3 }) }),
  'sse-retry': () => ({ act: (host) => callTheTool(host) }),
  'elicitation-sep1034-client-defaults': () => ({ capabilities: { elicitation: { form: {} } }, act: callTheTool }),
  'request-metadata': () => ({
    capabilities: { roots: {}, elicitation: { form: {} } },
    act: async (host) => {
      await host.tools();
    },
  }),
  'json-schema-ref-no-deref': () => ({
    act: async (host) => {
      await host.tools();
    },
  }),
  'json-schema-2020-12-preservation': () => ({
    act: async (host) => {
      const focal = (await host.tools()).find(({ name }) => name === 'json_schema_2020_12_tool');
      await host.call('json_schema_echo', { schema: focal?.['inputSchema'] });
    },
  }),
  'sep-2322-client-request-state': () => ({
    capabilities: { elicitation: { form: {} } },
    act: async (host) => {
      for (const { name } of await host.tools()) await host.call(String(name));
    },
  }),
  'http-standard-headers': () => ({
    act: async (host) => {
      await callFirstTool(host);
      for (const list of ['resources/list', 'prompts/list']) await host.request(list);
      await host.request('resources/read', { uri: 'file:///path/to/file%20name.txt' });
      await host.request('prompts/get', { name: 'test_prompt' });
    },
  }),
  'http-custom-headers': (context) => ({
    act: async (host) => {
      await host.tools();
      const calls = Array.isArray(context['toolCalls']) ? context['toolCalls'].filter(isRecord) : [];
      for (const { name, arguments: args } of calls) await host.call(String(name), isRecord(args) ? args : {});
    },
  }),
  'http-invalid-tool-headers': () => ({
    act: async (host) => {
      for (const { name } of await host.tools()) await host.call(String(name), { region: 'us-west1', data: 'x' });
    },
  }),
  'auth/basic-cimd': () => ({ entry: { oauth: { clientId: clientDocument } }, act: callFirstTool }),
  // One who would go on and on, so that it is the daemon that stops.
  'auth/scope-retry-limit': () => ({ patience: 5, act: callFirstTool }),
  'auth/pre-registration': (context) => ({
    entry: { oauth: { clientId: context['client_id'], clientSecret: context['client_secret'] } },
    act: callFirstTool,
  }),
};

export function conduct(scenario: string, context: Message): Conduct {
  return named[scenario]?.(context) ?? { act: callFirstTool };
}
