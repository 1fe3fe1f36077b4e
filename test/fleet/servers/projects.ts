// Servers that work on files: of one project, or on one store for all.
import { type FleetServer, goProgram, npx, uvx, uvxOldSdk, uvxWith } from '../server-row.ts';

const folder = ['project', 'It works on the folder that it was started in.'] as const;
const workspace = ['project', 'A language server indexes one workspace.'] as const;
const onePath = ['shared', 'Each call names its file by a whole path.'] as const;
const oneStore = ['shared', 'Its store takes one process at a time.'] as const;
const unlisted =
  'without a network its tools cannot be listed; what is not listed is not called, and the answer says why';
const manifest = '{"name":"shop","version":"1.0.0","private":true}\n';

export const projectServers: readonly FleetServer[] = [
  {
    name: 'mongodb',
    ...npx('mongodb-mcp-server@3.0.4', '--telemetry', 'disabled'),
    call: ['list-databases', {}],
    right: ['project', 'What it is connected to is kept by the copy.'],
  },
  {
    name: 'eslint',
    ...npx('@eslint/mcp@0.3.13'),
    files: { 'package.json': manifest, 'eslint.config.mjs': 'export default [];\n', 'one.js': 'var one = 1;\n' },
    call: ['lint-files', { filePaths: ['{project}/one.js'] }],
    right: folder,
  },
  {
    name: 'next-devtools',
    ...npx('next-devtools-mcp@0.4.0'),
    env: { NEXT_TELEMETRY_DISABLED: '1' },
    files: { 'package.json': manifest },
    call: ['nextjs_index', {}],
    right: folder,
  },
  {
    name: 'shadcn',
    ...npx('shadcn@4.23.0', 'mcp'),
    files: { 'package.json': manifest },
    call: ['get_project_registries', {}],
    right: folder,
  },
  {
    name: 'figma',
    ...npx('figma-developer-mcp@0.13.2', '--stdio'),
    env: { FIGMA_API_KEY: 'none' },
    call: ['get_figma_data', { fileKey: 'abc' }],
    right: ['project', 'It saves pictures below the folder that it was started in.'],
  },
  {
    name: 'task-master',
    ...npx('task-master-ai@0.43.1'),
    files: { 'package.json': manifest },
    call: ['get_tasks', { projectRoot: '{project}' }],
    right: folder,
  },
  {
    name: 'octocode',
    ...npx('octocode-mcp@19.1.0'),
    env: { GITHUB_TOKEN: 'none' },
    call: ['npmSearch', { queries: [{ packageName: 'zebra' }] }],
    right: ['project', 'Its local tools and language servers work on the folder that it was started in.'],
    allowed: [['call', 'a second call to the same copy is answered from its own cache, and says so']],
  },
  {
    name: 'repomix',
    ...npx('repomix@1.18.1', '--mcp'),
    files: { 'hello.txt': 'hello\n' },
    call: ['attach_packed_output', { path: '{project}/hello.txt' }],
    right: folder,
  },
  {
    name: 'angular',
    ...npx('@angular/cli@22.2.7', 'mcp'),
    env: { NG_CLI_ANALYTICS: 'false' },
    call: ['list_projects', {}],
    right: folder,
  },
  {
    name: 'nx',
    ...npx('nx-mcp@0.25.0'),
    env: { NX_NO_CLOUD: 'true', NX_DAEMON: 'false' },
    call: ['nx_docs', { userQuery: 'x' }],
    right: folder,
  },
  {
    name: 'cclsp',
    ...npx('cclsp@0.7.0'),
    env: { CCLSP_CONFIG_PATH: '{home}/one/cclsp.json' },
    files: { 'cclsp.json': '{"servers":[{"extensions":["py"],"command":["cat"],"rootDir":"."}]}\n' },
    call: ['find_definition', { file_path: 'none.py', symbol_name: 'x' }],
    right: workspace,
  },
  {
    name: 'dbhub',
    ...npx('@bytebase/dbhub@1.4.0', '--transport', 'stdio', '--dsn', 'sqlite:///{home}/one.db'),
    call: ['execute_sql', { sql: 'select 1' }],
    right: ['shared', 'Its database does not depend on a folder.'],
  },
  {
    name: 'lsmcp',
    ...npx('@mizchi/lsmcp@0.10.0', '-p', 'typescript'),
    files: { 'package.json': manifest },
    call: ['get_project_overview', { root: '{project}' }],
    right: workspace,
  },
  {
    name: 'git-cyanheads',
    ...npx('@cyanheads/git-mcp-server@2.15.3'),
    env: { MCP_LOG_LEVEL: 'error', MCP_TRANSPORT_TYPE: 'stdio' },
    call: ['git_status', {}],
    right: ['session', 'The repository that one session chooses is the one that the next call works on.'],
    state: {
      leave: ['git_set_working_dir', { path: '{project}', validateGitRepo: false }],
      look: ['git_status', {}],
      mark: 'currentBranch',
    },
  },
  {
    name: 'firebase',
    ...npx('firebase-tools@15.34.2', 'mcp'),
    files: { 'firebase.json': '{}\n' },
    call: ['firebase_get_environment', {}],
    right: folder,
    allowed: [['call', unlisted]],
  },
  {
    name: 'excel-npm',
    ...npx('@negokaz/excel-mcp-server@0.12.0'),
    call: ['excel_describe_sheets', { fileAbsolutePath: '{home}/none.xlsx' }],
    right: onePath,
  },
  {
    name: 'serena',
    ...uvx('serena @ serena-agent==2.1.0', ...['start-mcp-server', '--project', '${PROJECT_ROOT}']),
    files: { 'one.py': 'def one():\n    return 1\n' },
    call: ['initial_instructions', {}],
    right: ['project', 'It has one active project.'],
    allowed: [['after kill -9', 'it says at its first start that it made a project, and at the next that it is there']],
  },
  {
    name: 'code-index',
    ...uvxOldSdk('code-index-mcp==2.17.1'),
    files: { 'one.py': 'def one():\n    return 1\n' },
    call: ['get_settings_info', {}],
    right: ['project', 'The index covers one project at a time.'],
  },
  {
    name: 'qdrant',
    ...uvxOldSdk('mcp-server-qdrant==0.8.1'),
    env: { QDRANT_LOCAL_PATH: '{home}/qdrant', COLLECTION_NAME: 'one' },
    call: ['qdrant-find', { query: 'zebra' }],
    right: oneStore,
  },
  {
    name: 'excel',
    ...uvx('excel-mcp-server==2.2.2', 'stdio'),
    call: ['describe_workbook', { path: '{home}/none.xlsx' }],
    right: onePath,
  },
  {
    name: 'chroma',
    ...uvxWith(
      ['mcp<2', 'pydantic<2.11'],
      'chroma-mcp==0.2.6',
      '--client-type',
      'persistent',
      '--data-dir',
      '{home}/chroma',
    ),
    call: ['chroma_list_collections', {}],
    right: oneStore,
  },
  {
    name: 'duckdb',
    ...uvxOldSdk('mcp-server-duckdb==1.1.0', '--db-path', '{home}/one.duckdb', '--keep-connection'),
    call: ['query', { query: 'select 42 as answer' }],
    right: oneStore,
  },
  {
    name: 'word',
    ...uvxOldSdk('word_mcp_server @ office-word-mcp-server==1.1.11'),
    call: ['list_available_documents', {}],
    right: ['project', 'It lists and saves documents in the folder that it was started in.'],
  },
  {
    name: 'gopls',
    ...goProgram('golang.org/x/tools/gopls@v0.23.0', 'mcp'),
    files: { 'go.mod': 'module shop\n\ngo 1.21\n', 'main.go': 'package main\n\nfunc main() {}\n' },
    call: ['go_workspace', {}],
    right: workspace,
  },
];
