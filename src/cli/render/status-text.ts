// `status` for people. Pure: a report in, lines out.
import type { DaemonStatus, Problem, Savings, SessionStatus, StatusReport } from '../../link/control.ts';
import { formatAgo, formatBytes, formatDuration, formatMemory, plural, shortPath } from './format.ts';
import { serverLines } from './server-rows.ts';
import { renderTable } from './table.ts';
import { wrapText } from './text-width.ts';
import { labelled, problemLines, type View } from './view.ts';

export function statusText(report: StatusReport, view: View): string[] {
  return [
    ...daemonLines(report.daemon, view),
    ...configLines(report, view),
    '',
    ...sessionLines(report.sessions, view),
    '',
    ...serverLines(report.servers, view, new Map(report.sessions.map((session) => [session.id, processOf(session)]))),
    // While the file cannot be read, nobody knows what is in it.
    ...(report.servers.length === 0 && !report.config.error ? firstServerLines(view) : []),
    ...section(savingsLines(report.savings, view)),
    ...section(report.problems.flatMap((problem) => problemLines(problem, view))),
  ];
}

function daemonLines(daemon: DaemonStatus, view: View): string[] {
  const { paint } = view;
  const state = daemon.isDraining ? paint('yellow', 'ending') : paint('green', 'running');
  const facts = [`for ${formatDuration(daemon.uptimeMs)}`, `version ${daemon.build.version}`, `pid ${daemon.pid}`];
  const memory = formatMemory(daemon.memory);
  if (memory) facts.push(memory);
  const http =
    daemon.port === undefined
      ? `not listening${daemon.portProblem ? `: ${daemon.portProblem}` : ' (switched off)'}`
      : `http://127.0.0.1:${daemon.port}/mcp`;
  const { upgrade } = daemon;
  const text = upgrade ? `to ${upgrade.to.version} waits. ${upgrade.waitsFor} At once: mcp-proxy restart` : '';
  return [
    `Daemon  ${state} ${facts.join(', ')}`,
    ...(upgrade ? labelled('Update', view.hint(text), view) : []),
    ...labelled('HTTP', view.hint(http), view),
  ];
}

function configLines({ config }: StatusReport, view: View): string[] {
  const path = shortPath(config.path, view.home);
  const lines = labelled('Config', config.exists ? path : `${path} (not there yet)`, view);
  if (config.error) lines.push(...problemLines(config.error, view, '        '));
  for (const warning of config.warnings) lines.push(...problemLines(warning, view, '        '));
  return lines;
}

function sessionLines(sessions: readonly SessionStatus[], view: View): string[] {
  const title = view.paint('bold', `Sessions (${sessions.length})`);
  if (sessions.length === 0) return [title, '  none'];
  const rows = sessions.map((session) => [
    shortPath(session.projectRoot || session.projectDir, view.home),
    session.client ?? '',
    session.server ? `only ${session.server}` : '',
    session.isActive ? String(session.calls) : '-',
    formatAgo(session.lastCallAt, view.now),
    formatAgo(session.since, view.now).replace(/ ago$/, ''),
    processOf(session),
  ]);
  const isRemote = sessions.some(({ address }) => address !== undefined);
  const columns = [
    { header: 'PROJECT', shrinkTo: 12, cutFrom: 'start' },
    { header: 'CLIENT', shrinkTo: 8 },
    { header: 'SERVER', shrinkTo: 8 },
    { header: 'CALLS', align: 'right' },
    { header: 'LAST CALL' },
    { header: 'OPEN FOR' },
    { header: isRemote ? 'PID OR ADDRESS' : 'PID', align: 'right' },
  ] as const;
  return [title, ...renderTable(columns, rows, { width: view.width, paint: view.paint, indent: '  ' })];
}

/** What leads to the program: its process, or over HTTP the address that it has there. */
function processOf({ hostPid, address }: SessionStatus): string {
  return hostPid === undefined ? (address ?? '') : String(hostPid);
}

function section(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}

/** What `status` says when nothing runs. */
export type Absent = {
  configPath: string;
  configured: number;
  disabled: number;
  problem?: Problem;
  hasConfig: boolean;
};

export function absentText(absent: Absent, view: View): string[] {
  const lines = [
    `Daemon  ${view.paint('dim', 'not running')}`,
    ...wrapText(view.hint('The first session starts it by itself; `mcp-proxy start` does it now.'), view.width - 8).map(
      (line) => `        ${line}`,
    ),
    ...labelled('Config', shortPath(absent.configPath, view.home), view),
  ];
  if (absent.problem) return [...lines, ...problemLines(absent.problem, view, '        ')];
  if (absent.configured > 0) {
    const disabled = absent.disabled > 0 ? `, ${absent.disabled} of them disabled` : '';
    return [...lines, `        ${plural(absent.configured, 'server')} configured${disabled}`];
  }
  return [
    ...lines,
    `        ${absent.hasConfig ? 'no servers in it yet' : 'not there yet'}`,
    ...firstServerLines(view),
  ];
}

export function firstServerLines(view: View): string[] {
  return [
    '',
    'Add the first server:',
    view.hint('  mcp-proxy add memory -- npx -y @modelcontextprotocol/server-memory'),
    'Or share the ones that your sessions start today:',
    view.hint('  mcp-proxy migrate plan'),
  ];
}

// What sharing saved, from the daemon's measurement.
export function savingsLines(savings: Savings, view: View): string[] {
  const { processes, processesWithout, memoryBytes, memoryBytesWithout } = savings;
  if (processesWithout === 0) return []; // nothing runs yet
  const hasMemory = memoryBytes !== undefined && memoryBytesWithout !== undefined;
  const saved = [
    ...(processesWithout > processes ? [plural(processesWithout - processes, 'process', 'processes')] : []),
    ...(hasMemory && memoryBytesWithout > memoryBytes ? [formatBytes(memoryBytesWithout - memoryBytes)] : []),
  ];
  const now = [String(processes), ...(hasMemory ? [formatBytes(memoryBytes)] : [])].join(', ');
  const without = [String(processesWithout), ...(hasMemory ? [formatBytes(memoryBytesWithout)] : [])].join(', ');
  return [
    `${view.paint('bold', 'Saved')}   ${saved.length > 0 ? view.paint('green', saved.join(' and ')) : 'nothing yet'}`,
    `        now ${now}; with one copy for each session ${without}`,
    ...wrapText(savings.method, view.width - 8).map((line) => `        ${view.paint('dim', line)}`),
  ];
}
