// `status` for people. Pure: a report in, lines out.
import type { DaemonStatus, Problem, Savings, SessionStatus, StatusReport } from '../../link/control.ts';
import { formatAgo, formatBytes, formatDuration, formatMemory, plural, shortPath } from './format.ts';
import { labelled, problemLines, type Reader } from './reader.ts';
import { serverLines } from './server-rows.ts';
import { renderTable } from './table.ts';
import { wrapText } from './text-width.ts';

export function statusText(report: StatusReport, reader: Reader): string[] {
  return [
    ...daemonLines(report.daemon, reader),
    ...configLines(report, reader),
    '',
    ...sessionLines(report.sessions, reader),
    '',
    ...serverLines(report.servers, reader, new Map(report.sessions.map((session) => [session.id, processOf(session)]))),
    // While the file cannot be read, nobody knows what is in it.
    ...(report.servers.length === 0 && !report.config.error ? firstServerLines(reader) : []),
    ...section(savingsLines(report.savings, reader)),
    ...section(report.problems.flatMap((problem) => problemLines(problem, reader))),
  ];
}

function daemonLines(daemon: DaemonStatus, reader: Reader): string[] {
  const { paint } = reader;
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
    ...(upgrade ? labelled('Update', reader.hint(text), reader) : []),
    ...labelled('HTTP', reader.hint(http), reader),
  ];
}

function configLines({ config }: StatusReport, reader: Reader): string[] {
  const path = shortPath(config.path, reader.home);
  const lines = labelled('Config', config.exists ? path : `${path} (not there yet)`, reader);
  if (config.error) lines.push(...problemLines(config.error, reader, '        '));
  for (const warning of config.warnings) lines.push(...problemLines(warning, reader, '        '));
  return lines;
}

function sessionLines(sessions: readonly SessionStatus[], reader: Reader): string[] {
  const title = reader.paint('bold', `Sessions (${sessions.length})`);
  if (sessions.length === 0) return [title, '  none'];
  const rows = sessions.map((session) => [
    shortPath(session.projectRoot || session.projectDir, reader.home),
    session.client ?? '',
    session.server ? `only ${session.server}` : '',
    session.isActive ? String(session.calls) : '-',
    formatAgo(session.lastCallAt, reader.now),
    formatAgo(session.since, reader.now).replace(/ ago$/, ''),
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
  return [title, ...renderTable(columns, rows, { width: reader.width, paint: reader.paint, indent: '  ' })];
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

export function absentText(absent: Absent, reader: Reader): string[] {
  const lines = [
    `Daemon  ${reader.paint('dim', 'not running')}`,
    ...wrapText(
      reader.hint('The first session starts it by itself; `mcp-proxy start` does it now.'),
      reader.width - 8,
    ).map((line) => `        ${line}`),
    ...labelled('Config', shortPath(absent.configPath, reader.home), reader),
  ];
  if (absent.problem) return [...lines, ...problemLines(absent.problem, reader, '        ')];
  if (absent.configured > 0) {
    const disabled = absent.disabled > 0 ? `, ${absent.disabled} of them disabled` : '';
    return [...lines, `        ${plural(absent.configured, 'server')} configured${disabled}`];
  }
  return [
    ...lines,
    `        ${absent.hasConfig ? 'no servers in it yet' : 'not there yet'}`,
    ...firstServerLines(reader),
  ];
}

export function firstServerLines(reader: Reader): string[] {
  return [
    '',
    'Add the first server:',
    reader.hint('  mcp-proxy add memory -- npx -y @modelcontextprotocol/server-memory'),
    'Or share the ones that your sessions start today:',
    reader.hint('  mcp-proxy migrate plan'),
  ];
}

// What sharing saved, from the daemon's measurement.
function savingsLines(savings: Savings, reader: Reader): string[] {
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
    `${reader.paint('bold', 'Saved')}   ${saved.length > 0 ? reader.paint('green', saved.join(' and ')) : 'nothing yet'}`,
    `        now ${now}; with one copy for each session ${without}`,
    ...wrapText(savings.method, reader.width - 8).map((line) => `        ${reader.paint('dim', line)}`),
  ];
}
