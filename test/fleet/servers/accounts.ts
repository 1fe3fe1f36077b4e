// Servers in front of a service: what they know is kept by an account or a public place, and each call stands alone.
import { type FleetServer, npx, uvx, uvxOldSdk } from '../server-row.ts';

const account = ['shared', 'What it knows is kept by the account.'] as const;
const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{ name: demo, cluster: { server: 'http://127.0.0.1:9' } }]
users: [{ name: demo, user: {} }]
contexts: [{ name: demo, context: { cluster: demo, user: demo } }]
current-context: demo
`;
const noState = ['shared', 'It keeps nothing between calls.'] as const;

export const accountServers: readonly FleetServer[] = [
  {
    name: 'context7',
    ...npx('@upstash/context7-mcp@4.1.1'),
    call: ['resolve-library-id', { libraryName: 'react', query: 'hooks' }],
    right: noState,
  },
  {
    name: 'notion',
    ...npx('@notionhq/notion-mcp-server@2.5.2'),
    env: { NOTION_TOKEN: 'ntn_none' },
    call: ['API-get-self', {}],
    right: account,
  },
  {
    name: 'sentry',
    ...npx('@sentry/mcp-server@0.39.0'),
    env: { SENTRY_ACCESS_TOKEN: 'none', SENTRY_HOST: 'sentry.invalid' },
    call: ['find_organizations', {}],
    right: account,
  },
  {
    name: 'firecrawl',
    ...npx('firecrawl-mcp@3.26.0'),
    env: { FIRECRAWL_API_KEY: 'fc-none', FIRECRAWL_API_URL: 'http://127.0.0.1:9' },
    call: ['firecrawl_map', { url: 'http://127.0.0.1:9/' }],
    right: account,
  },
  {
    name: 'tavily',
    ...npx('tavily-mcp@0.2.22'),
    env: { TAVILY_API_KEY: 'none' },
    call: ['tavily_search', { query: 'zebra' }],
    right: noState,
  },
  {
    name: 'exa',
    ...npx('exa-mcp-server@3.4.1'),
    env: { EXA_API_KEY: 'none' },
    call: ['web_search_exa', { query: 'zebra' }],
    right: noState,
  },
  {
    name: 'supabase',
    ...npx('@supabase/mcp-server-supabase@0.13.0', '--access-token', 'sbp_0000000000000000000000000000000000000000'),
    call: ['list_projects', {}],
    right: account,
    allowed: [
      [
        'call',
        'without a network its tools cannot be listed; what is not listed is not called, and the answer says why',
      ],
    ],
  },
  {
    name: 'stripe',
    ...npx('@stripe/mcp@0.3.3', '--api-key=sk_test_none'),
    call: ['list_customers', {}],
    right: account,
  },
  {
    name: 'cloudflare',
    ...npx('@cloudflare/mcp-server-cloudflare@0.2.0', 'run', '0123456789abcdef0123456789abcdef'),
    env: { CLOUDFLARE_API_TOKEN: 'none' },
    call: ['get_kvs', {}],
    right: account,
  },
  {
    name: 'azure',
    ...npx('@azure/mcp@2.0.5', 'server', 'start'),
    env: { AZURE_MCP_COLLECT_TELEMETRY: 'false' },
    call: ['subscription_list', {}],
    right: account,
  },
  {
    name: 'heroku',
    ...npx('@heroku/mcp-server@1.2.8'),
    env: { HEROKU_API_KEY: 'none' },
    call: ['list_apps', {}],
    right: account,
  },
  {
    name: 'kubernetes',
    ...npx('mcp-server-kubernetes@4.1.7'),
    env: { KUBECONFIG: '{home}/one/kubeconfig.yaml' },
    files: { 'kubeconfig.yaml': kubeconfig },
    call: ['kubectl_context', { operation: 'list' }],
    right: ['shared', 'The cluster is what its configuration names, whatever the folder.'],
  },
  {
    name: 'kubernetes-go',
    ...npx('kubernetes-mcp-server@0.0.67', '--kubeconfig', '{home}/one/kubeconfig.yaml'),
    files: { 'kubeconfig.yaml': kubeconfig },
    call: ['configuration_view', {}],
    right: ['shared', 'The cluster is what its configuration names, whatever the folder.'],
  },
  {
    name: 'kazuph-fetch',
    ...npx('@kazuph/mcp-fetch@1.6.3'),
    call: ['imageFetch', { url: 'http://127.0.0.1:9/' }],
    right: noState,
  },
  {
    name: 'magic',
    ...npx('@21st-dev/magic@0.2.3'),
    env: { API_KEY: 'none' },
    call: ['logo_search', { queries: ['x'], format: 'SVG' }],
    right: ['session', 'It is one session with a remote server, which may keep anything for it.'],
  },
  {
    name: 'brave',
    ...npx('@brave/brave-search-mcp-server@2.1.4'),
    env: { BRAVE_API_KEY: 'none' },
    call: ['brave_web_search', { query: 'zebra' }],
    right: noState,
  },
  {
    name: 'n8n',
    ...npx('n8n-mcp@2.87.0'),
    env: { MCP_MODE: 'stdio', LOG_LEVEL: 'error', DISABLE_CONSOLE_OUTPUT: 'true', N8N_MCP_TELEMETRY_DISABLED: 'true' },
    call: ['search_nodes', { query: 'slack' }],
    right: ['shared', 'It reads a catalogue that is the same for all.'],
  },
  {
    name: 'gitlab',
    ...npx('@zereight/mcp-gitlab@2.1.64'),
    env: { GITLAB_PERSONAL_ACCESS_TOKEN: 'none', GITLAB_API_URL: 'http://127.0.0.1:9/api/v4' },
    call: ['list_projects', {}],
    right: account,
  },
  {
    name: 'svelte',
    ...npx('@sveltejs/mcp@0.1.26'),
    call: ['list-sections', {}],
    right: noState,
  },
  {
    name: 'perplexity',
    ...npx('@perplexity-ai/mcp-server@1.2.1'),
    env: { PERPLEXITY_API_KEY: 'none' },
    call: ['perplexity_search', { query: 'zebra' }],
    right: noState,
  },
  {
    name: 'hubspot',
    ...npx('@hubspot/mcp-server@0.4.0'),
    env: { PRIVATE_APP_ACCESS_TOKEN: 'none' },
    call: ['hubspot-get-user-details', {}],
    right: account,
  },
  {
    name: 'drawio',
    ...npx('@drawio/mcp@1.6.1'),
    call: ['open_drawio_mermaid', { content: 'graph TD; A-->B' }],
    right: noState,
  },
  {
    name: 'antv-chart',
    ...npx('@antv/mcp-server-chart@0.9.10'),
    env: { VIS_REQUEST_SERVER: 'http://127.0.0.1:9/' },
    call: ['generate_pie_chart', { data: [{ category: 'a', value: 1 }] }],
    right: noState,
  },
  {
    name: 'circleci',
    ...npx('@circleci/mcp-server-circleci@0.20.0'),
    env: { CIRCLECI_TOKEN: 'none', CIRCLECI_BASE_URL: 'http://127.0.0.1:9', DISABLE_TELEMETRY: 'true' },
    call: ['list_followed_projects', { params: {} }],
    right: account,
  },
  {
    name: 'mastra-docs',
    ...npx('@mastra/mcp-docs-server@1.2.27'),
    call: ['mastraDocs', { paths: ['index'] }],
    right: ['shared', 'It reads documents that are the same for all.'],
  },
  {
    name: 'shopify-dev',
    ...npx('@shopify/dev-mcp@1.16.0'),
    env: { OPT_OUT_INSTRUMENTATION: 'true' },
    call: ['learn_shopify_api', { api: 'admin' }],
    right: noState,
  },
  {
    name: 'apify',
    ...npx('@apify/actors-mcp-server@0.16.0'),
    env: { APIFY_TOKEN: 'none' },
    call: ['search-actors', {}],
    right: account,
  },
  {
    name: 'slack',
    ...npx('slack-mcp-server@1.3.0', '--transport', 'stdio'),
    env: { SLACK_MCP_XOXP_TOKEN: 'xoxp-none' },
    call: ['channels_list', { channel_types: 'public_channel' }],
    right: account,
  },
  {
    name: 'duckduckgo',
    ...uvx('duckduckgo-mcp-server==0.7.0'),
    call: ['search', { query: 'zebra' }],
    right: noState,
  },
  {
    name: 'markitdown',
    ...uvx('markitdown-mcp==0.0.1a8'),
    call: ['convert_to_markdown', { uri: 'data:text/html,<h1>one</h1>' }],
    right: noState,
  },
  {
    name: 'arxiv',
    ...uvxOldSdk('arxiv-mcp-server==0.8.2', '--storage-path', '{home}/papers'),
    call: ['list_papers', {}],
    right: ['shared', 'Its store is one folder that the entry names.'],
  },
  {
    name: 'aws-documentation',
    ...uvx('awslabs.aws-documentation-mcp-server==1.2.3'),
    env: { FASTMCP_LOG_LEVEL: 'ERROR' },
    call: ['search_documentation', { search_phrase: 'zebra' }],
    right: noState,
  },
  {
    name: 'aws-api',
    ...uvxOldSdk('awslabs.aws-api-mcp-server==1.5.6'),
    env: { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'none', AWS_SECRET_ACCESS_KEY: 'none' },
    call: ['suggest_aws_commands', { query: 'list buckets' }],
    right: account,
  },
  {
    name: 'atlassian',
    ...uvxOldSdk('mcp-atlassian==0.23.1'),
    env: {
      JIRA_URL: 'http://127.0.0.1:9',
      JIRA_USERNAME: 'none',
      JIRA_API_TOKEN: 'none',
      CONFLUENCE_URL: 'http://127.0.0.1:9',
      CONFLUENCE_USERNAME: 'none',
      CONFLUENCE_API_TOKEN: 'none',
    },
    call: ['jira_search', { jql: 'project = X' }],
    right: account,
  },
  {
    name: 'blender',
    ...uvxOldSdk('blender-mcp==2.0.0'),
    env: { BLENDER_PORT: '9', DISABLE_TELEMETRY: 'true' },
    call: ['get_scene_info', { user_prompt: 'x' }],
    right: ['shared', 'It speaks to one program on this machine, which every copy would speak to.'],
  },
  {
    name: 'grafana',
    ...uvxOldSdk('mcp-grafana==2.1.1'),
    env: { GRAFANA_URL: 'http://127.0.0.1:9', GRAFANA_API_KEY: 'none' },
    call: ['list_datasources', {}],
    right: account,
  },
];
