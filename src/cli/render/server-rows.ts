// The servers part of `status`.
import { plainLine, visible } from '../../base/plain-text.ts';
import type { InstanceState, InstanceStatus, Memory, ServerStatus } from '../../link/control.ts';
import { faultText, worstFirst } from './definition-faults.ts';
import { failedListLines } from './failed-list.ts';
import { formatAgo, formatMemory, formatSharing, plural, shortPath } from './format.ts';
import { problemLines, type Reader } from './reader.ts';
import type { StyleName } from './style.ts';
import { type Cell, renderTable } from './table.ts';
import { cutText, wrapText } from './text-width.ts';

const columns = [
  { header: 'NAME', shrinkTo: 8 },
  { header: 'STATE' },
  { header: 'SHARED' },
  { header: 'COPIES', align: 'right' },
  { header: 'PROCESSES', align: 'right' },
  { header: 'MEMORY', align: 'right' },
  { header: 'USED BY' },
] as const;

/** `hosts`: their processes or addresses, as the sessions' part of `status` names them; by session id. */
export function serverLines(
  servers: readonly ServerStatus[],
  reader: Reader,
  hosts: ReadonlyMap<string, string> = new Map(),
): string[] {
  const title = reader.paint('bold', `Servers (${servers.length})`);
  if (servers.length === 0) return [title, '  none'];
  const table = renderTable(columns, servers.map(serverRow), {
    width: reader.width,
    paint: reader.paint,
    indent: '  ',
  });
  const [header = '', ...rows] = table;
  return [title, header, ...servers.flatMap((server, i) => [rows[i] ?? '', ...serverDetails(server, reader, hosts)])];
}

function serverRow(server: ServerStatus): Cell[] {
  const running = server.instances.filter((instance) => instance.state !== 'stopped');
  const users = new Set(server.instances.flatMap((instance) => instance.sessions));
  return [
    server.name,
    stateCell(server.state),
    formatSharing(server.sharing),
    running.length === 0 ? '' : String(running.length),
    running.length === 0 ? '' : String(running.reduce((sum, instance) => sum + instance.processes, 0)),
    formatMemory(sumMemory(running)),
    users.size === 0 ? '' : plural(users.size, 'session'),
  ];
}

function serverDetails(server: ServerStatus, reader: Reader, hosts: ReadonlyMap<string, string>): string[] {
  const indent = '    ';
  const lines = wrapText(server.sharingReason, reader.width - indent.length).map(
    (line) => indent + reader.paint('dim', line),
  );
  if (server.shownName) lines.push(`${indent}sessions see it as ${server.shownName}`);
  if (server.projects) {
    const folders = server.projects.map((folder) => shortPath(folder, reader.home)).join(', ');
    lines.push(`${indent}seen only in ${folders}`);
  }
  const copies = server.instances.filter((instance) => instance.state !== 'stopped');
  if (copies.length > 1) lines.push(...copies.map((copy) => indent + copyLine(copy, reader, hosts)));
  const [only] = copies;
  const users = only && copies.length === 1 ? usersOf(only, hosts) : '';
  if (users) lines.push(...wrapText(`used by ${users}`, reader.width - indent.length).map((line) => indent + line));
  for (const hazard of server.hazards.slice(-1)) {
    lines.push(
      ...wrapText(`${formatAgo(hazard.at, reader.now)}: ${hazard.what}`, reader.width - 4).map(
        (line) => indent + reader.paint('yellow', line),
      ),
    );
  }
  lines.push(...failedListLines(server.name, server.listFailures ?? [], reader));
  lines.push(...faultLines(server, reader).map((line) => indent + line));
  const error = server.lastError ?? server.instances.find((instance) => instance.lastError)?.lastError;
  if (error) lines.push(...problemLines(error, reader, indent));
  return lines;
}

/** More would hide the servers below. */
const maxFaults = 3;

function faultLines({ definitionFaults = [] }: ServerStatus, reader: Reader): string[] {
  const shown = worstFirst(definitionFaults).slice(0, maxFaults);
  const left = definitionFaults.length - shown.length;
  const texts = [
    ...shown.map(faultText),
    ...(left > 0 ? [reader.hint(`and ${left} more: \`mcp-proxy status --json\``)] : []),
  ];
  return texts.flatMap((text) =>
    wrapText(plainLine(text), reader.width - 4).map((line) => reader.paint('yellow', line)),
  );
}

function usersOf(copy: InstanceStatus, hosts: ReadonlyMap<string, string>): string {
  return copy.sessions.flatMap((id) => hosts.get(id) ?? []).join(', ');
}

function copyLine(copy: InstanceStatus, reader: Reader, hosts: ReadonlyMap<string, string>): string {
  const users = usersOf(copy, hosts);
  const whose = copy.projectRoot ? shortPath(copy.projectRoot, reader.home) : copy.sessionId ? 'one session' : copy.key;
  const owner = visible(whose);
  const facts = [
    copy.state,
    copy.pid === undefined ? '' : `pid ${copy.pid}`,
    formatMemory(copy.memory),
    `${plural(copy.sessions.length, 'session')}${users ? ` (${users})` : ''}`,
    copy.inFlight > 0 ? `${plural(copy.inFlight, 'call')} running` : '',
    copy.queued > 0 ? `${copy.queued} waiting` : '',
  ];
  const text = visible(`: ${facts.filter(Boolean).join(', ')}`);
  return cutText(owner, Math.max(12, reader.width - 4 - text.length), 'start') + text;
}

export function stateCell(state: ServerStatus['state']): Cell {
  return { text: state, style: stateStyle(state) };
}

function stateStyle(state: InstanceState | 'disabled' | 'invalid'): StyleName {
  switch (state) {
    case 'ready':
      return 'green';
    case 'starting':
    case 'stopping':
      return 'yellow';
    case 'failed':
    case 'invalid':
      return 'red';
    case 'stopped':
    case 'disabled':
      return 'dim';
  }
}

/** One figure of one kind: as soon as a copy has no PSS, all are given as RSS. */
export function sumMemory(copies: readonly { memory?: Memory }[]): Memory | undefined {
  const known = copies.map((copy) => copy.memory).filter((memory) => memory !== undefined);
  if (known.length === 0) return undefined;
  const hasPss = known.every((memory) => memory.pssBytes > 0);
  return {
    pssBytes: hasPss ? known.reduce((sum, memory) => sum + memory.pssBytes, 0) : 0,
    rssBytes: known.reduce((sum, memory) => sum + memory.rssBytes, 0),
  };
}
