// Entries that work, for `mcp-proxy add <name>` and the documentation.

export type Preset = { definition: Readonly<Record<string, unknown>>; note: string };

export const presets: Readonly<Record<string, Preset>> = {
  serena: {
    definition: {
      command: 'uvx',
      args: [
        ...['--from', 'serena-agent', 'serena', 'start-mcp-server', '--context', 'claude-code'],
        ...['--project', '${PROJECT_ROOT}', '--transport', 'streamable-http', '--port', '${PORT}'],
        ...['--open-web-dashboard', 'False'],
      ],
      url: 'http://127.0.0.1:${PORT}/mcp',
    },
    note: 'One copy for each project, with its own HTTP session for each of your sessions. Needs uv.',
  },
  playwright: {
    definition: { command: 'npx', args: ['-y', '@playwright/mcp@latest', '--isolated'] },
    note: 'One browser for each session. --isolated: two browsers cannot use one profile at the same time.',
  },
  filesystem: {
    definition: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '${SESSION_FOLDER}'] },
    note: 'One copy for each folder that sessions are opened in; it may touch that folder only.',
  },
  git: {
    definition: { command: 'uvx', args: ['mcp-server-git', '--repository', '${PROJECT_ROOT}'] },
    note: 'One copy for each project. Needs uv.',
  },
  memory: {
    definition: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-memory'], sharing: 'shared' },
    note: 'One writer for everyone. Set MEMORY_FILE_PATH in env: without it the file lies in the package folder.',
  },
  fetch: {
    definition: { command: 'uvx', args: ['mcp-server-fetch'] },
    note: 'One copy for everyone. Needs uv.',
  },
  context7: {
    definition: { type: 'http', url: 'https://mcp.context7.com/mcp' },
    note: 'Remote; works without a key at a lower rate.',
  },
  github: {
    definition: {
      type: 'http',
      url: 'https://api.githubcopilot.com/mcp/',
      headers: { Authorization: 'Bearer ${GITHUB_TOKEN}' },
    },
    note: 'Remote; each session uses the GITHUB_TOKEN of its own environment.',
  },
};
