// Servers whose right sharing is known. The first row that fits counts. Names are those of program, package or image,
// in lower case, without version; `*` stands for anything. To add one: a row and a line in its test.
import type { KnownServer } from './schema.ts';

export const knownServersTable: readonly KnownServer[] = [
  {
    names: ['serena', 'serena-agent', 'serena-mcp-server', 'oraios/serena'],
    sharing: 'project',
    reason: 'Serena has one active project at a time, so each project needs its own copy.',
    folder: 'project',
  },
  {
    names: ['@modelcontextprotocol/server-filesystem', 'mcp-server-filesystem', 'mcp/filesystem'],
    sharing: 'project',
    reason: 'The folders that the filesystem server may touch belong to one project.',
  },
  {
    names: ['mcp-server-git', 'mcp/git', '@cyanheads/git-mcp-server', 'git-mcp-server'],
    sharing: 'project',
    reason: 'A git server works on the repository it was started in.',
  },
  {
    names: [
      ...['mcp-language-server', 'cclsp', 'lsp-mcp', 'lsp-mcp-server', 'mcp-lsp', 'language-server-mcp', '*-lsp-mcp'],
      ...['lsp-tools-mcp', '@axivo/mcp-lsp', 'rust-analyzer-mcp', 'isaacphi/mcp-language-server', 'mcpls'],
    ],
    sharing: 'project',
    reason: 'A language server indexes one workspace.',
    folder: 'project',
  },
  { names: ['gopls'], arguments: ['mcp'], sharing: 'project', reason: 'A language server indexes one workspace.' },
  {
    names: ['code-index-mcp', '@zilliz/claude-context-mcp', 'claude-context-mcp'],
    sharing: 'project',
    reason: 'The code index covers one project at a time.',
    folder: 'project',
  },
  {
    names: ['ast-grep-mcp', 'ast-grep-server', '@notprolands/ast-grep-mcp', 'ast-grep/ast-grep-mcp'],
    sharing: 'project',
    reason: 'It searches the project it was started in.',
  },
  {
    names: [
      '@playwright/mcp',
      'playwright-mcp',
      '@executeautomation/playwright-mcp-server',
      'mcp/playwright',
      'playwright/mcp',
    ],
    sharing: 'session',
    reason: 'Its browser has one current page; two sessions would click in each other’s tabs.',
  },
  {
    names: ['@modelcontextprotocol/server-puppeteer', 'puppeteer-mcp-server', 'mcp/puppeteer'],
    sharing: 'session',
    reason: 'Its browser has one current page; two sessions would click in each other’s tabs.',
  },
  {
    names: ['chrome-devtools-mcp', 'mcp-chrome-bridge', 'mcp-chrome'],
    sharing: 'session',
    reason: 'It has one selected page; two sessions would act in each other’s.',
  },
  {
    names: ['browser-use', 'mcp-browser-use', 'mcp-server-browser-use', 'browser-use-mcp-server', '@browsermcp/mcp'],
    sharing: 'session',
    reason: 'Its browser has one current page; two sessions would act in each other’s.',
  },
  {
    names: ['jupyter-mcp-server', 'jupyter-mcp', 'datalayer/jupyter-mcp-server', 'mcp-jupyter'],
    sharing: 'session',
    reason: 'A kernel keeps variables; sessions would overwrite each other’s.',
  },
  {
    names: [
      'ipython-mcp',
      'mcp-ipython',
      'mcp-python-repl',
      'mcp-server-python-repl',
      'mcp-repl',
      '*-repl-mcp',
      '*-mcp-repl',
      'mcp-*-repl',
    ],
    sharing: 'session',
    reason: 'An interpreter keeps variables; sessions would overwrite each other’s.',
  },
  {
    names: [
      '@modelcontextprotocol/server-memory',
      'mcp-server-memory',
      'mcp/memory',
      'memory-mcp-sqlite',
      'mcp-memory-sqlite',
    ],
    sharing: 'shared',
    reason: 'Its store must have one writer; several copies would overwrite each other’s file.',
    // The reference server reads its file, changes it and writes it back: two calls at once would lose one's change.
    maxConcurrent: 1,
  },
  {
    names: ['mcp-server-sqlite', '@modelcontextprotocol/server-sqlite', 'mcp-sqlite', 'mcp/sqlite'],
    sharing: 'shared',
    reason: 'Its database must have one writer; other databases are other copies anyway.',
  },
  {
    names: ['mcp-server-fetch', 'mcp/fetch', 'fetch-mcp', 'mcp-fetch-server'],
    sharing: 'shared',
    reason: 'It keeps nothing between calls.',
  },
  {
    names: [
      ...['@modelcontextprotocol/server-brave-search', '@brave/brave-search-mcp-server', 'mcp/brave-search'],
      ...[
        'tavily-mcp',
        'mcp-tavily',
        'exa-mcp-server',
        'exa-mcp',
        'duckduckgo-mcp-server',
        'ddg-mcp',
        'mcp/duckduckgo',
      ],
    ],
    sharing: 'shared',
    reason: 'A web search keeps nothing between calls.',
  },
  {
    names: ['mcp-server-time', 'mcp/time', '@modelcontextprotocol/server-time'],
    sharing: 'shared',
    reason: 'It keeps nothing between calls.',
  },
  {
    names: [
      '@modelcontextprotocol/server-sequential-thinking',
      'mcp-server-sequential-thinking',
      'mcp/sequentialthinking',
    ],
    sharing: 'shared',
    reason: 'Each call carries the thought it belongs to; what the server keeps is only a count.',
  },
  {
    names: ['@modelcontextprotocol/server-everything', 'mcp-server-everything', 'mcp/everything'],
    sharing: 'shared',
    reason: 'The example server keeps nothing that sessions could disturb.',
  },
  {
    names: ['@upstash/context7-mcp', 'context7-mcp', 'mcp/context7'],
    sharing: 'shared',
    reason: 'It looks up public documentation and keeps nothing.',
  },
  {
    names: ['mcp-remote'],
    sharing: 'shared',
    reason: 'It only carries messages to a server elsewhere.',
  },
];
