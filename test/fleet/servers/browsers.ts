// Servers that hold a browser, a shell, an interpreter or a connection for whoever speaks to them.
import { type FleetServer, npx, uvx, uvxOldSdk } from '../server-row.ts';

const onePage = 'Its browser has one current page.';
const title = (text: string) => ({ url: `data:text/html,<title>${text}</title>` });

export const browserServers: readonly FleetServer[] = [
  {
    name: 'playwright',
    ...npx(
      '@playwright/mcp@0.0.83',
      ...['--executable-path', '{chromium}', '--headless', '--no-sandbox', '--isolated'],
    ),
    env: { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' },
    call: ['browser_navigate', title('one')],
    right: ['session', onePage],
    state: { leave: ['browser_navigate', title('zebra')], look: ['browser_snapshot', {}], mark: 'zebra' },
  },
  {
    name: 'playwright-shell',
    package: '@playwright/mcp',
    version: '0.0.83',
    command: 'bash',
    args: ['-c', 'exec npx -y @playwright/mcp@0.0.83 --executable-path {chromium} --headless --no-sandbox --isolated'],
    env: { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' },
    call: ['browser_navigate', title('one')],
    right: ['session', onePage],
    state: { leave: ['browser_navigate', title('zebra')], look: ['browser_snapshot', {}], mark: 'zebra' },
  },
  {
    name: 'playwright-automation',
    ...npx('@executeautomation/playwright-mcp-server@1.0.12'),
    env: { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: '1' },
    call: ['clear_codegen_session', { sessionId: 'none' }],
    right: ['session', onePage],
  },
  {
    name: 'puppeteer',
    ...npx('puppeteer-mcp-server@0.7.2'),
    env: { PUPPETEER_SKIP_DOWNLOAD: '1' },
    call: ['puppeteer_screenshot', { name: 'one' }],
    right: ['session', onePage],
  },
  {
    name: 'chrome-devtools',
    ...npx(
      'chrome-devtools-mcp@1.11.0',
      ...['--executablePath', '{chromium}', '--headless', '--isolated', '--chromeArg=--no-sandbox'],
    ),
    call: ['list_pages', {}],
    right: ['session', 'It has one selected page.'],
    state: { leave: ['new_page', title('zebra')], look: ['list_pages', {}], mark: 'zebra' },
  },
  {
    name: 'browsermcp',
    ...npx('@browsermcp/mcp@0.1.3'),
    call: ['browser_snapshot', {}],
    right: ['shared', 'It ends whoever else listens on its one port, so several copies end each other.'],
  },
  {
    name: 'browser-tools',
    ...npx('@agentdeskai/browser-tools-mcp@2.0.2'),
    call: ['getConsoleLogs', {}],
    right: ['shared', 'It asks one program on this machine, which every copy would ask.'],
  },
  {
    name: 'browserbase',
    ...npx('@browserbasehq/mcp-server-browserbase@2.4.3'),
    env: { BROWSERBASE_API_KEY: 'none', BROWSERBASE_PROJECT_ID: 'none', GEMINI_API_KEY: 'none' },
    call: ['browserbase_session_close', {}],
    right: ['session', 'It has one active browser session.'],
  },
  {
    name: 'mobile',
    ...npx('@mobilenext/mobile-mcp@1.0.4'),
    call: ['mobile_list_available_devices', {}],
    right: ['shared', 'Each call names its device.'],
  },
  {
    name: 'desktop-commander',
    ...npx('@wonderwhy-er/desktop-commander@0.2.52'),
    env: { PUPPETEER_SKIP_DOWNLOAD: '1' },
    files: { 'hello.txt': 'hello\n' },
    call: ['get_file_info', { path: '{project}/hello.txt' }],
    right: ['session', 'It shows the shells and the past calls of whoever shares it.'],
    state: {
      leave: ['start_process', { command: 'echo zebra', timeout_ms: 3_000 }],
      look: ['get_recent_tool_calls', {}],
      mark: 'zebra',
    },
  },
  {
    name: 'python-interpreter',
    ...uvxOldSdk('mcp-python-interpreter==1.2.3', '--dir', '{home}', '--python-path', '/usr/bin/python3'),
    call: ['list_python_environments', {}],
    right: ['session', 'Its interpreter keeps the variables of whoever shares it.'],
  },
  {
    name: 'code-runner',
    ...npx('mcp-server-code-runner@0.1.8'),
    call: ['run-code', { code: 'print(6 * 7)', languageId: 'python' }],
    right: ['shared', 'Each call is a program of its own.'],
  },
  {
    name: 'cli-mcp',
    ...uvxOldSdk('cli-mcp-server==0.2.5'),
    env: { ALLOWED_DIR: '{home}' },
    call: ['show_security_rules', {}],
    right: ['shared', 'It runs one command for each call, in one folder that the entry names.'],
  },
  {
    name: 'smart-proxy',
    ...uvxOldSdk('smart-mcp-proxy==0.3.1'),
    files: { 'mcp_config.json': '{"mcpServers":{}}\n' },
    call: ['retrieve_tools', { query: 'zebra' }],
    right: ['session', 'The tools that one session finds become tools of whoever shares it.'],
  },
  {
    name: 'mcp-remote',
    ...npx('mcp-remote@0.15.1', 'http://127.0.0.1:{port}/mcp', '--allow-http'),
    companion: {
      command: 'npx',
      args: ['-y', '@modelcontextprotocol/server-everything@2026.8.31', 'streamableHttp'],
      env: { PORT: '{port}' },
    },
    call: ['echo', { message: 'ä' }],
    right: ['session', 'It is one session with the remote server, which may keep anything for it.'],
    allowed: [
      ['tools get-roots-list', 'a copy for everyone is told of no folder'],
      ['tools trigger-url-elicitation', 'we declare that a host may be asked to open an address'],
    ],
  },
  {
    name: 'jupyter',
    ...uvx('jupyter-mcp-server==2.2.4', 'start', '--transport', 'stdio', '--jupyter-url', 'http://127.0.0.1:9'),
    call: ['list_files', {}],
    right: ['session', 'A kernel keeps variables.'],
  },
];
