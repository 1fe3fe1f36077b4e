import { join } from 'node:path';
import { leave as goAway } from '../../migrate/change/connect.ts';
import { unreadLines } from '../../migrate/plan/report.ts';
import { tilde } from '../../migrate/world.ts';
import { badArgument, parseArgs } from '../args.ts';
import type { Command } from '../command.ts';
import { canAsk, confirm } from '../confirm.ts';
import { undoLines, worldOf } from '../migrate-world.ts';
import { stop } from './stop.ts';

export const leave: Command = {
  usage: ['leave [--yes]'],
  about:
    'Puts everything back: all migrations undone, our entries removed from every program, the daemon stopped. Works without the plugin. Your servers and their settings are then where they were.',
  options: [{ long: 'yes', short: 'y', help: 'Do not ask' }],
  examples: [{ line: 'leave', does: 'Go back to servers that every program starts for itself' }],
  run: async (context, args) => {
    const { terminal, locations } = context;
    const world = worldOf(context);
    if (!args.has('yes')) {
      if (!canAsk(context)) throw badArgument('Nobody is here to ask.', 'Run: mcp-proxy leave --yes');
      if (!(await confirm(context, 'Put everything back and stop the daemon?'))) return 1;
    }
    const result = await goAway(world, {
      now: () => new Date(context.now()),
      stopDaemon: async () => {
        await stop.run(context, parseArgs(['--force'], stop));
      },
    });
    for (const undone of result.undone) terminal.print(...undoLines(world, undone));
    for (const { place } of result.removed)
      terminal.print(`Removed ${place.name} from ${tilde(place.file, world.home)}.`);
    terminal.print(...unreadLines(world, result.unread));
    terminal.print(
      result.isComplete
        ? 'Everything is back.'
        : `Not everything could be put back: ${join(locations.backupsDir, 'RESTORE.md')}`,
      `What is left of us: ${tilde(locations.root, world.home)} (logs, backups, launchers). Remove it when you need the backups no more.`,
      'The plugin itself: claude plugin uninstall mcp-proxy@aitkit',
    );
    return result.isComplete ? 0 : 1;
  },
};
