// The conformance fixture as entries of the config: each protocol family, over a pipe and over HTTP.
import { fixture } from '../support/http-daemon.ts';

const entry = (era: string) => ({
  command: process.execPath,
  env: { CONFORMANCE_ERA: era },
  sharing: 'shared',
  sampling: true,
});
const overPipe = { args: [fixture('conformance-server.mjs')] };
/** Started by the daemon, one MCP session for each of its own: questions of the server have a stream that names whose. */
const overHttp = {
  args: [fixture('conformance-server.mjs'), '--http', '${PORT}'],
  url: 'http://127.0.0.1:${PORT}/mcp',
};

export const conformanceServers = {
  legacy: { ...entry('legacy'), ...overPipe },
  modern: { ...entry('modern'), ...overPipe },
  'legacy-http': { ...entry('legacy'), ...overHttp },
  'modern-http': { ...entry('modern'), ...overHttp },
};
