// The servers of the protocol's own collection, those that were moved to its archive included.
import { type FleetServer, npx, uvx, uvxOldSdk } from '../server-row.ts';

const noState = 'It keeps nothing between calls.';

export const referenceServers: readonly FleetServer[] = [
  {
    name: 'everything',
    ...npx('@modelcontextprotocol/server-everything@2026.8.31'),
    call: ['echo', { message: 'ä "quoted" 😀' }],
    right: ['shared', 'It keeps nothing that belongs to a session.'],
    allowed: [
      ['tools get-roots-list', 'a copy for everyone is told of no folder'],
      ['tools trigger-url-elicitation', 'we declare that a host may be asked to open an address'],
    ],
  },
  {
    name: 'filesystem',
    ...npx('@modelcontextprotocol/server-filesystem@2026.8.31', '${PROJECT_ROOT}'),
    files: { 'hello.txt': 'hello\n' },
    call: ['read_text_file', { path: 'hello.txt' }],
    right: ['project', 'The folders that it may touch belong to one project.'],
  },
  {
    name: 'filesystem-dot',
    ...npx('@modelcontextprotocol/server-filesystem@2026.8.31', '.'),
    files: { 'hello.txt': 'hello\n' },
    call: ['read_text_file', { path: 'hello.txt' }],
    right: ['project', 'The folders that it may touch belong to one project.'],
  },
  {
    name: 'memory',
    ...npx('@modelcontextprotocol/server-memory@2026.8.31'),
    env: { MEMORY_FILE_PATH: '{home}/memory.jsonl' },
    call: ['read_graph', {}],
    right: ['shared', 'Its file must have one writer, and remembering for all is what it is for.'],
    state: {
      leave: ['create_entities', { entities: [{ name: 'Zebra', entityType: 'animal', observations: ['striped'] }] }],
      look: ['read_graph', {}],
      mark: 'Zebra',
      isMeant: true,
    },
  },
  {
    name: 'sequential-thinking',
    ...npx('@modelcontextprotocol/server-sequential-thinking@2026.8.31'),
    call: ['sequentialthinking', { thought: 'one', nextThoughtNeeded: true, thoughtNumber: 1, totalThoughts: 2 }],
    right: ['session', 'Its answers count the thoughts and name the branches of whoever shares it.'],
    state: {
      leave: [
        'sequentialthinking',
        {
          thought: 'two',
          nextThoughtNeeded: true,
          thoughtNumber: 2,
          totalThoughts: 3,
          branchFromThought: 1,
          branchId: 'zebra-plan',
        },
      ],
      look: ['sequentialthinking', { thought: 'one', nextThoughtNeeded: true, thoughtNumber: 1, totalThoughts: 2 }],
      mark: 'zebra-plan',
    },
  },
  {
    name: 'github',
    ...npx('@modelcontextprotocol/server-github@2025.4.8'),
    env: { GITHUB_PERSONAL_ACCESS_TOKEN: 'none' },
    call: ['search_repositories', { query: 'zebra' }],
    right: ['shared', 'What it knows is kept by the account.'],
  },
  {
    name: 'postgres',
    ...npx('@modelcontextprotocol/server-postgres@0.6.2', 'postgresql://127.0.0.1:9/none'),
    call: ['query', { sql: 'select 1' }],
    right: ['shared', 'Each call is a transaction of its own.'],
  },
  {
    name: 'puppeteer-ref',
    ...npx('@modelcontextprotocol/server-puppeteer@2025.5.12'),
    env: {
      PUPPETEER_SKIP_DOWNLOAD: '1',
      ALLOW_DANGEROUS: 'true',
      PUPPETEER_LAUNCH_OPTIONS: '{"headless":true,"executablePath":"{chromium}","args":["--no-sandbox"]}',
    },
    call: ['puppeteer_navigate', { url: 'data:text/html,<title>one</title>' }],
    right: ['session', 'Its browser has one current page.'],
    state: {
      leave: ['puppeteer_navigate', { url: 'data:text/html,<title>zebra</title>' }],
      look: ['puppeteer_evaluate', { script: 'document.title' }],
      mark: 'zebra',
    },
  },
  {
    name: 'slack-ref',
    ...npx('@modelcontextprotocol/server-slack@2025.4.25'),
    env: { SLACK_BOT_TOKEN: 'xoxb-none', SLACK_TEAM_ID: 'T0' },
    call: ['slack_list_channels', {}],
    right: ['shared', 'What it knows is kept by the account.'],
  },
  {
    name: 'brave-ref',
    ...npx('@modelcontextprotocol/server-brave-search@0.6.2'),
    env: { BRAVE_API_KEY: 'none' },
    call: ['brave_web_search', { query: 'zebra' }],
    right: ['shared', noState],
  },
  {
    name: 'google-maps',
    ...npx('@modelcontextprotocol/server-google-maps@0.6.2'),
    env: { GOOGLE_MAPS_API_KEY: 'none' },
    call: ['maps_geocode', { address: 'Graz' }],
    right: ['shared', noState],
  },
  {
    name: 'git',
    ...uvx('mcp-server-git==2026.10.19'),
    call: ['git_status', { repo_path: '.' }],
    right: ['project', 'It works on the repository that it was started in.'],
  },
  {
    name: 'time',
    ...uvx('mcp-server-time==2026.10.19'),
    call: ['convert_time', { source_timezone: 'UTC', time: '12:00', target_timezone: 'Asia/Tokyo' }],
    right: ['shared', noState],
  },
  {
    name: 'fetch',
    ...uvx('mcp-server-fetch==2026.10.24'),
    call: ['fetch', { url: 'http://127.0.0.1:9/' }],
    right: ['shared', noState],
  },
  {
    name: 'sqlite',
    ...uvxOldSdk('mcp-server-sqlite==2025.4.25'),
    call: ['list_tables', {}],
    right: ['project', 'Its database is a file in the folder that it starts in.'],
    state: {
      leave: ['create_table', { query: 'CREATE TABLE zebra (id INTEGER)' }],
      look: ['list_tables', {}],
      mark: 'zebra',
      isMeant: true,
    },
  },
  {
    name: 'sqlite-absolute',
    ...uvxOldSdk('mcp-server-sqlite==2025.4.25', '--db-path', '{home}/one.db'),
    call: ['list_tables', {}],
    right: ['shared', 'Its database must have one writer, and its place does not depend on a folder.'],
    state: {
      leave: ['create_table', { query: 'CREATE TABLE zebra (id INTEGER)' }],
      look: ['list_tables', {}],
      mark: 'zebra',
      isMeant: true,
    },
  },
];
