import { takePositionals } from '../args.ts';
import type { Command } from '../command.ts';
import { formatDuration, plural } from '../render/format.ts';

export const health: Command = {
  usage: ['health [--json]'],
  about: 'Says whether a daemon runs and answers. Exit code 0 if so, else 1. Starts nothing.',
  options: [{ long: 'json', help: 'For programs' }],
  examples: [{ line: 'health', does: 'Use it in a script: mcp-proxy health && …' }],
  run: async ({ daemon, terminal, hint }, args) => {
    takePositionals(args, [], 'health [--json]');
    const client = await terminal.progress('Asking the daemon', () => daemon.find());
    if (!client) {
      if (args.has('json')) terminal.json({ status: 'absent' }, 0);
      else terminal.print(hint('No daemon runs. Start one: mcp-proxy start'));
      return 1;
    }
    const report = await client.health();
    const facts = [
      `version ${report.build.version}`,
      `pid ${report.pid}`,
      `for ${formatDuration(report.uptimeMs)}`,
      plural(report.sessions, 'session'),
      plural(report.servers, 'server'),
      plural(report.tools, 'tool'),
    ];
    if (args.has('json')) terminal.json(report, 0);
    else terminal.print(`${report.status}: ${facts.join(', ')}`);
    return report.status === 'ok' ? 0 : 1;
  },
};
