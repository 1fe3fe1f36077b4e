import { describe, expect, it } from 'vitest';
import type { Reader } from '../../../../src/cli/render/reader.ts';
import { absentText, statusText } from '../../../../src/cli/render/status-text.ts';
import { plain } from '../../../../src/cli/render/style.ts';
import { textWidth } from '../../../../src/cli/render/text-width.ts';
import type { InstanceStatus, ServerStatus, SessionStatus, StatusReport } from '../../../../src/link/control.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const reader: Reader = {
  width: 80,
  paint: plain,
  home: '/home/me',
  now,
  hint: (text) => text.replace('mcp-proxy ', '/mcp-proxy '),
};
const mib = (count: number) => ({ pssBytes: count * 1_048_576, rssBytes: count * 2 * 1_048_576 });

const copy = (fields: Partial<InstanceStatus>): InstanceStatus => ({
  id: 'i1',
  key: 'abcd1234',
  state: 'ready',
  sharing: 'shared',
  pid: 501,
  environment: ['PATH'],
  processes: 2,
  memory: mib(60),
  sessions: ['s1', 's2'],
  inFlight: 0,
  queued: 0,
  calls: 3,
  restarts: 0,
  ...fields,
});
const server = (fields: Partial<ServerStatus>): ServerStatus => ({
  name: 'memory',
  kind: 'stdio',
  isEnabled: true,
  state: 'ready',
  sharing: 'shared',
  sharingReason: 'The configuration says "shared".',
  tools: 9,
  instances: [copy({})],
  hazards: [],
  ...fields,
});
const session = (fields: Partial<SessionStatus>): SessionStatus => ({
  id: 's1',
  hostPid: 4100,
  wrapperPid: 4101,
  projectDir: '/home/me/code/shop/src',
  projectRoot: '/home/me/code/shop',
  since: '2026-03-01T11:00:00Z',
  isActive: true,
  calls: 12,
  lastCallAt: '2026-03-01T11:57:00Z',
  client: 'claude-code 2.1',
  mode: 'all',
  ...fields,
});
const report: StatusReport = {
  daemon: {
    name: 'mcp-user',
    pid: 4242,
    build: { version: '0.1.0', fingerprint: 'abc' },
    protocol: 1,
    nonce: 'n',
    since: '2026-03-01T09:50:00Z',
    uptimeMs: 7_800_000,
    socket: '/home/me/.aitkit/run/x.sock',
    port: 12_476,
    configPath: '/home/me/.aitkit/c.json',
    dataDir: '/home/me/.aitkit/lib',
    logPath: '/home/me/.aitkit/lib/l.log',
    isDraining: false,
    idleExitMs: 30_000,
    memory: mib(48),
    settings: { topK: 10, toolsLimit: 50, mode: 'auto', transport: 'streamable-http' },
  },
  config: { path: '/home/me/.aitkit/c.json', exists: true, warnings: [] },
  sessions: [
    session({}),
    session({ id: 's2', hostPid: 77, projectRoot: '/srv/日本', isActive: false, calls: 0, lastCallAt: '' }),
  ],
  servers: [server({})],
  savings: {
    processes: 4,
    processesWithout: 12,
    memoryBytes: 200 * 1_048_576,
    memoryBytesWithout: 810 * 1_048_576,
    method: 'PSS of the copies that run, once for each session that uses them.',
  },
  problems: [],
};

describe('statusText', () => {
  it('names the definitions that have to be corrected, what is missing first, and says how many there are', () => {
    const fault = (name: string, isLeftOut: boolean) => ({ list: 'tools' as const, name, what: 'it is so', isLeftOut });
    const definitionFaults = [fault('a', false), fault('b\u001b[2J', true), fault('c', false), fault('d', true)];
    const lines = statusText({ ...report, servers: [server({ definitionFaults })] }, reader).map((line) => line.trim());
    const from = lines.indexOf('tool "b\\u001b[2J" is left out: it is so');
    expect(lines.slice(from, from + 4)).toEqual([
      'tool "b\\u001b[2J" is left out: it is so',
      'tool "d" is left out: it is so',
      'tool "a" is mended: it is so',
      'and 1 more: `/mcp-proxy status --json`',
    ]);
  });

  it('says how to add the first server while none is configured, but not while nobody can read the file', () => {
    const lines = statusText({ ...report, servers: [] }, reader).join('\n');
    expect(lines).toContain('Add the first server:\n  /mcp-proxy add memory --');
    const error = { code: 'CONFIG_INVALID', message: 'c.json:1:2: a value is missing.' };
    const broken = { ...report, servers: [], config: { ...report.config, error } };
    expect(statusText(broken, reader).join('\n')).not.toContain('first server');
    expect(statusText(report, reader).join('\n')).not.toContain('first server');
  });

  it('shows the address of a session over HTTP, of which no process is known', () => {
    const remote: SessionStatus = { ...session({ id: 's3', client: 'script' }), address: '127.0.0.1:40112' };
    delete remote.hostPid;
    delete remote.wrapperPid;
    const servers = [server({ instances: [copy({ sessions: ['s1', 's3'] })] })];
    const lines = statusText({ ...report, sessions: [session({}), remote], servers }, reader);
    const from = lines.indexOf('Sessions (2)');
    expect(lines.slice(from, from + 4)).toEqual([
      'Sessions (2)',
      '  PROJECT      CLIENT           CALLS  LAST CALL  OPEN FOR   PID OR ADDRESS',
      '  ~/code/shop  claude-code 2.1     12  3 min ago  1 h                  4100',
      '  ~/code/shop  script              12  3 min ago  1 h       127.0.0.1:40112',
    ]);
    expect(lines.join('\n')).toContain('used by 4100, 127.0.0.1:40112');
  });

  it('shows daemon, config, sessions, servers and what was saved', () => {
    expect(statusText(report, reader)).toEqual([
      'Daemon  running for 2 h 10 min, version 0.1.0, pid 4242, 48 MiB',
      'HTTP    http://127.0.0.1:12476/mcp',
      'Config  ~/.aitkit/c.json',
      '',
      'Sessions (2)',
      '  PROJECT      CLIENT           CALLS  LAST CALL  OPEN FOR   PID',
      '  ~/code/shop  claude-code 2.1     12  3 min ago  1 h       4100',
      '  /srv/日本    claude-code 2.1      -             1 h         77',
      '',
      'Servers (1)',
      '  NAME    STATE  SHARED       COPIES  PROCESSES  MEMORY  USED BY',
      '  memory  ready  by everyone       1          2  60 MiB  2 sessions',
      '    The configuration says "shared".',
      '    used by 4100, 77',
      '',
      'Saved   8 processes and 610 MiB',
      '        now 4, 200 MiB; with one copy for each session 12, 810 MiB',
      '        PSS of the copies that run, once for each session that uses them.',
    ]);
  });

  it('says which list a server did not give, why, what is shown meanwhile, and when it is asked again', () => {
    const memory = server({
      instances: [copy({ sessions: [] })],
      listFailures: [
        {
          list: 'tools',
          reason: 'it answered tools/list with error -32603: \u001b[31mno network',
          since: '2026-03-01T11:50:00Z',
          nextAt: '2026-03-01T12:01:30Z',
          shown: 9,
        },
        { list: 'resourceTemplates', reason: 'cut …', since: '2026-03-01T12:00:00Z' },
      ],
    });
    const lines = statusText({ ...report, sessions: [], servers: [memory] }, reader);
    const from = lines.indexOf('    The configuration says "shared".') + 1;
    expect(lines.slice(from, from + 5)).toEqual([
      '    Its tools could not be listed for 10 min: it answered tools/list with error',
      '    -32603: \\u001b[31mno network. The 9 known before stay. Asked again in 1 min.',
      '    Its resource templates could not be listed for 1 s: cut … None are known.',
      '    Asked again with its next start or change.',
      '    At once: `/mcp-proxy restart memory`; its output: `mcp-proxy logs memory`',
    ]);
  });

  it('shows each copy of a server that is shared by project, its folders and its last error', () => {
    const serena = server({
      name: 'serena',
      state: 'failed',
      sharing: 'project',
      sharingReason: 'It mentions ${PROJECT_ROOT}.',
      projects: ['/home/me/work'],
      instances: [
        copy({ projectRoot: '/home/me/code/shop', sessions: ['s1'], inFlight: 1 }),
        copy({
          projectRoot: '/home/me/code/blog',
          state: 'failed',
          pid: undefined,
          memory: undefined,
          processes: 0,
          sessions: [],
        }),
      ],
      lastError: { code: 'SERVER_CRASHED', message: 'It ended: \u001b[31mno uv', hint: 'See `mcp-proxy logs serena`.' },
      hazards: [{ at: '2026-03-01T11:59:00Z', what: 'asked while two sessions had calls' }],
    });
    expect(statusText({ ...report, sessions: [], servers: [serena] }, reader).slice(4, 16)).toEqual([
      'Sessions (0)',
      '  none',
      '',
      'Servers (1)',
      '  NAME    STATE   SHARED      COPIES  PROCESSES  MEMORY  USED BY',
      '  serena  failed  by project       2          2  60 MiB  1 session',
      '    It mentions ${PROJECT_ROOT}.',
      '    seen only in ~/work',
      '    ~/code/shop: ready, pid 501, 60 MiB, 1 session, 1 call running',
      '    ~/code/blog: failed, 0 sessions',
      '    1 min ago: asked while two sessions had calls',
      '    It ended: \\u001b[31mno uv',
    ]);
  });

  it('names the sessions of each copy, and the name that sessions see', () => {
    const tickets = server({
      name: 'tickets-shop',
      shownName: 'tickets',
      sharing: 'session',
      instances: [copy({ sessions: ['s1'] }), copy({ sessions: ['s2', 'gone'] })],
    });
    const lines = statusText({ ...report, servers: [tickets] }, reader);
    expect(lines).toContain('    sessions see it as tickets');
    expect(lines.filter((line) => line.includes('pid 501')).map((line) => /\d sessions? .*$/.exec(line)?.[0])).toEqual([
      '1 session (4100)',
      '2 sessions (77)',
    ]);
  });

  it('says why there is no port, names config problems, and marks memory that is not PSS', () => {
    const { port: _port, ...daemon } = report.daemon;
    const lines = statusText(
      {
        ...report,
        daemon: {
          ...daemon,
          isDraining: true,
          portProblem: 'port 12476 belongs to another program',
          memory: { pssBytes: 0, rssBytes: 9 * 1_048_576 },
        },
        config: { ...report.config, error: { code: 'CONFIG_INVALID', message: 'c.json:3:1: a comma is missing.' } },
        savings: { processes: 1, processesWithout: 0, method: '' },
        problems: [{ code: 'X', message: 'A newer version waits.', hint: 'Run `mcp-proxy restart`.' }],
      },
      reader,
    );
    expect(lines.slice(0, 4)).toEqual([
      'Daemon  ending for 2 h 10 min, version 0.1.0, pid 4242, 9 MiB rss',
      'HTTP    not listening: port 12476 belongs to another program',
      'Config  ~/.aitkit/c.json',
      '        c.json:3:1: a comma is missing.',
    ]);
    expect(lines.slice(-3)).toEqual(['', '  A newer version waits.', '  Run `/mcp-proxy restart`.']);
    expect(lines.join('\n')).not.toContain('Saved');
  });

  it('does not claim a saving where there is none', () => {
    const savings = {
      processes: 6,
      processesWithout: 4,
      memoryBytes: 52 * 1_048_576,
      memoryBytesWithout: 32 * 1_048_576,
    };
    expect(statusText({ ...report, savings: { ...savings, method: 'Measured now.' } }, reader).slice(-3)).toEqual([
      'Saved   nothing yet',
      '        now 6, 52 MiB; with one copy for each session 4, 32 MiB',
      '        Measured now.',
    ]);
  });

  it('fits a terminal of 80 columns whatever the names', () => {
    const long = 'a-server-with-a-very-long-name-indeed'.repeat(2);
    const wide = server({
      name: long,
      sharingReason: 'because '.repeat(30),
      instances: [copy({}), copy({ projectRoot: `/home/me/${'deep/'.repeat(20)}` })],
    });
    const lines = statusText(
      { ...report, servers: [wide], sessions: [session({ projectRoot: `/x/${'folder/'.repeat(20)}`, client: long })] },
      reader,
    );
    expect(lines.filter((line) => textWidth(line) > 80)).toEqual([]);
  });
});

describe('absentText', () => {
  it('says that nothing runs, how it starts, and how many servers are configured', () => {
    const absent = { configPath: '/home/me/.aitkit/c.json', configured: 3, disabled: 1, hasConfig: true };
    expect(absentText(absent, reader)).toEqual([
      'Daemon  not running',
      '        The first session starts it by itself; `/mcp-proxy start` does it now.',
      'Config  ~/.aitkit/c.json',
      '        3 servers configured, 1 of them disabled',
    ]);
  });

  it('says how to add the first server when there is no config', () => {
    const absent = { configPath: '/home/me/.aitkit/c.json', configured: 0, disabled: 0, hasConfig: false };
    expect(absentText(absent, reader).slice(2)).toEqual([
      'Config  ~/.aitkit/c.json',
      '        not there yet',
      '',
      'Add the first server:',
      '  /mcp-proxy add memory -- npx -y @modelcontextprotocol/server-memory',
      'Or share the ones that your sessions start today:',
      '  /mcp-proxy migrate plan',
    ]);
  });
});
