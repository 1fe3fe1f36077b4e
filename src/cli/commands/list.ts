import { decideSharing } from '../../config/sharing.ts';
import type { ServerStatus } from '../../link/control.ts';
import { takePositionals } from '../args.ts';
import type { Command, CommandContext, ExitCode } from '../command.ts';
import { type Configured, readConfigured } from '../configured.ts';
import { entryTarget } from '../render/entry-text.ts';
import { formatSharing, plural, shortPath } from '../render/format.ts';
import { problemLines, readerOf } from '../render/reader.ts';
import { stateCell } from '../render/server-rows.ts';
import { firstServerLines } from '../render/status-text.ts';
import { renderTable } from '../render/table.ts';
import { findStatus } from '../running.ts';

export const list: Command = {
  usage: ['list [--json]'],
  about: 'Shows the servers of the config file, and their state if a daemon runs. Starts nothing.',
  options: [{ long: 'json', help: 'For programs' }],
  examples: [{ line: 'list', does: 'All configured servers' }],
  run: async (context, args) => {
    takePositionals(args, [], 'list [--json]');
    const configured = readConfigured(context);
    const { status } = await findStatus(context);
    const rows = configuredRows(configured, status?.servers ?? []);
    if (args.has('json')) context.terminal.json(rows);
    else printRows(context, configured, rows);
    return 0 satisfies ExitCode;
  },
};

type Row = {
  name: string;
  state: ServerStatus['state'] | 'enabled';
  sharing?: ServerStatus['sharing'];
  sharingReason?: string;
  projects?: readonly string[];
  tools?: number;
  target?: string;
  problem?: string;
};

export function configuredRows({ config, invalid }: Configured, running: readonly ServerStatus[]): Row[] {
  const rows = config.servers.map((entry): Row => {
    const live = running.find((server) => server.name === entry.name);
    const { sharing, reason } = decideSharing(entry, config.knownServers);
    return {
      name: entry.name,
      // The file is newer than what the daemon last saw of it.
      state: entry.enabled ? (live && live.state !== 'disabled' ? live.state : 'enabled') : 'disabled',
      sharing: live?.sharing ?? sharing,
      sharingReason: live?.sharingReason ?? reason,
      ...(entry.projects ? { projects: entry.projects } : {}),
      ...(live?.tools === undefined ? {} : { tools: live.tools }),
      target: entryTarget(entry),
    };
  });
  return [...rows, ...invalid.map(({ name, problem }): Row => ({ name, state: 'invalid', problem: problem.message }))];
}

function printRows(context: CommandContext, configured: Configured, rows: readonly Row[]): void {
  const { terminal, home, locations } = context;
  const reader = readerOf(context);
  if (rows.length === 0) {
    const path = shortPath(locations.configPath, home);
    terminal.print(
      configured.exists ? `No servers in ${path}.` : `No config yet (${path}).`,
      ...firstServerLines(reader),
    );
    return;
  }
  const table = renderTable(
    [
      { header: 'NAME', shrinkTo: 8 },
      { header: 'STATE' },
      { header: 'SHARED' },
      { header: 'TOOLS', align: 'right' },
      { header: 'SEEN IN', shrinkTo: 10, cutFrom: 'start' },
      { header: 'WHAT', shrinkTo: 16 },
    ],
    rows.map((row) => [
      row.name,
      row.state === 'enabled' ? 'enabled' : stateCell(row.state),
      row.sharing ? formatSharing(row.sharing) : '',
      row.tools === undefined ? '' : String(row.tools),
      (row.projects ?? []).map((folder) => shortPath(folder, home)).join(', '),
      row.target ?? '',
    ]),
    { width: terminal.width, paint: terminal.paint },
  );
  terminal.print(...table);
  for (const { problem } of configured.invalid) terminal.print('', ...problemLines(problem, reader, ''));
  terminal.print('', `${plural(rows.length, 'server')} in ${shortPath(locations.configPath, home)}`);
}
