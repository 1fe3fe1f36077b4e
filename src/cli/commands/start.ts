import { takePositionals } from '../args.ts';
import type { Command } from '../command.ts';
import { formatDuration, plural } from '../render/format.ts';
import { serverVerb } from '../server-verb.ts';

const usage = 'start [server] [--project DIR] [--json]';

export const start: Command = {
  usage: [usage],
  about:
    'Without a name: starts the daemon if none runs (the first session does that by itself). With a name: also starts that server, which otherwise happens at its first call.',
  options: [
    { long: 'project', value: 'DIR', help: 'Whose copy of a server that is shared by project (default: here)' },
    { long: 'json', help: 'For programs' },
  ],
  examples: [
    { line: 'start', does: 'Start the daemon' },
    { line: 'start memory', does: 'Start the server "memory" before somebody calls it' },
  ],
  run: async (context, args) => {
    const [name] = takePositionals(args, ['server?'], usage);
    const { daemon, terminal } = context;
    if (name !== undefined)
      return serverVerb(context, { verb: 'start', name, project: args.value('project'), isJson: args.has('json') });
    const client = await terminal.progress('Starting the daemon', () => daemon.ensure());
    const report = await client.health();
    if (args.has('json')) {
      terminal.json(report);
      return 0;
    }
    terminal.print(
      `${terminal.paint('green', 'Running')} for ${formatDuration(report.uptimeMs)}: pid ${report.pid}, version ${report.build.version}, ${plural(report.servers, 'server')}`,
    );
    return 0;
  },
};
