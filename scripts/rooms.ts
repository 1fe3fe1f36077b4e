// The rooms of src/: what each is for and whom it may know. test/contract/import-walls.test.ts compares this table with the
// imports, in both directions; docs/architecture.md shows it. A wall is changed here first, with a reason in the commit.

export type Room = {
  /** One line for whoever looks for the place of a change. */
  role: string;
  /** Rooms it imports from, types included. A room that is not named stays unknown to it. */
  knows: string;
  /** Packages it imports. The thin side has none: it starts in every session. */
  packages?: string;
};

export const rooms: Readonly<Record<string, Room>> = {
  base: { role: 'bytes, files, processes, time; no word of this product', knows: '' },
  mcp: { role: 'the protocol as data: messages as bytes, lists, versions; no I/O', knows: 'base' },
  'mcp/eras': { role: 'one object for each era: how a server or a program of it is spoken to', knows: 'base mcp' },
  link: {
    role: 'what wrapper and daemon agree on: paths, hello, records, ready-made answers, control',
    knows: 'base mcp',
  },
  'daemon-client': { role: 'reach the daemon: dial, start one, ask it', knows: 'base link' },
  wrapper: {
    role: 'PROCESS 1, one for each session: its lines to the daemon and back, whatever happens to that',
    knows: 'base daemon-client link mcp',
  },
  hooks: { role: 'PROCESS 2, milliseconds: notes that a session began or ended', knows: 'base daemon-client link' },
  config: {
    role: 'the configuration: schema, layers, substitution, edits, known servers, reload',
    knows: 'base link',
    packages: 'env-paths jsonc-parser zod',
  },
  sessions: {
    role: 'the sessions: connection, settings, records on disk, what each was told',
    knows: 'base link mcp mcp/eras',
  },
  search: { role: 'from words to tools: index, ranking, tuning', knows: 'base' },
  results: { role: 'a result made to fit, and the whole of it kept', knows: 'base', packages: 'ajv' },
  upstream: {
    role: 'copies of servers: which one, its life, its connections, its health',
    knows: 'base config link mcp mcp/eras upstream/login upstream/process upstream/transports upstream/transports/http',
  },
  'upstream/process': {
    role: 'one started program: its tree, its output, what it leaves behind',
    knows: 'base link',
    packages: 'execa',
  },
  'upstream/login': {
    role: 'a login at a remote server (OAuth), and what is kept of it',
    knows: 'base upstream/transports/http',
    packages: '@modelcontextprotocol/sdk',
  },
  'upstream/transports': {
    role: 'messages over a pipe or a WebSocket',
    knows: 'base mcp upstream/process',
    packages: 'ws',
  },
  'upstream/transports/http': {
    role: 'messages over HTTP: requests, event streams, encodings, proxies',
    knows: 'base config mcp mcp/eras upstream/process upstream/transports',
  },
  catalog: {
    role: 'what servers offer: their lists as they wrote them, joined, kept on disk',
    knows: 'base config link mcp mcp/eras upstream',
  },
  calls: {
    role: 'one call there and back: its route, its copy, the queue, the way between the eras',
    knows: 'base catalog config mcp sessions upstream',
  },
  gateway: {
    role: 'our own tools: what a mode shows in place of the lists, jobs, shortened results',
    knows: 'base calls catalog config gateway/tools mcp results search sessions upstream',
  },
  'gateway/tools': { role: 'one file for each tool', knows: 'base gateway mcp results search', packages: 'zod' },
  router: {
    role: 'who answers: requests of hosts, messages of servers, lists that become known',
    knows: 'base calls catalog config gateway link mcp mcp/eras sessions upstream upstream/transports',
  },
  daemon: {
    role: 'PROCESS 3, one for each user: joins the parts, starts and stops',
    knows: 'base catalog config daemon/control daemon/mcp-http link mcp router sessions upstream upstream/process',
  },
  'daemon/control': {
    role: 'what people and scripts ask it: status, restart, explain',
    knows: 'base calls catalog config daemon link mcp router sessions upstream upstream/process',
  },
  'daemon/mcp-http': {
    role: 'sessions of programs that speak MCP over HTTP to it',
    knows: 'base link mcp mcp/eras router sessions',
  },
  migrate: { role: 'the world that a migration sees', knows: 'base link migrate/documents' },
  'migrate/documents': {
    role: 'files of others edited so that nothing else in them changes',
    knows: 'base',
    packages: 'jsonc-parser smol-toml',
  },
  'migrate/programs': {
    role: 'each program: where it keeps servers and rules, and how it writes them',
    knows: 'base config link migrate migrate/documents',
    packages: 'jsonc-parser',
  },
  'migrate/plan': {
    role: 'what would change, and why',
    knows: 'base config link mcp migrate migrate/documents migrate/programs',
  },
  'migrate/change': {
    role: 'what is changed, as one step that can be undone',
    knows: 'base config link migrate migrate/documents migrate/plan migrate/programs',
    packages: 'zod',
  },
  cli: {
    role: 'PROCESS 4, one command: arguments, errors, the table of verbs',
    knows:
      'base cli/commands cli/render config daemon-client link migrate migrate/change migrate/plan migrate/programs',
  },
  'cli/commands': {
    role: 'one file for each verb',
    knows:
      'base cli cli/demo cli/doctor cli/render config daemon-client link migrate migrate/change migrate/plan migrate/programs',
  },
  'cli/doctor': {
    role: 'one file for each thing that may be wrong',
    knows: 'base cli cli/render config daemon-client link migrate migrate/documents migrate/plan migrate/programs',
  },
  'cli/demo': { role: 'the demonstration', knows: 'base cli cli/render config link' },
  'cli/render': { role: 'text for a terminal', knows: 'base config link' },
};
