import { disconnect as removeEntries } from '../../migrate/change/connect.ts';
import { unreadLines } from '../../migrate/plan/report.ts';
import { hosts } from '../../migrate/programs/hosts.ts';
import { tilde } from '../../migrate/world.ts';
import type { Command } from '../command.ts';
import { undoLines, worldOf } from '../migrate-world.ts';
import { hostArgument } from './connect.ts';

const usage = 'disconnect <program>';

export const disconnect: Command = {
  usage: [usage],
  about:
    'Takes our entries out of the settings of another program; its file is as before where nobody else changed it.',
  options: [],
  examples: [{ line: 'disconnect cursor', does: 'Cursor no longer uses the shared servers' }],
  run: async (context, args) => {
    const { terminal } = context;
    const host = hostArgument(args.positionals[0], usage);
    const world = worldOf(context);
    const { undone, removed, unread } = removeEntries(world, [host], { now: () => new Date(context.now()) });
    for (const result of undone) terminal.print(...undoLines(world, result));
    for (const { place } of removed) terminal.print(`Removed ${place.name} from ${tilde(place.file, world.home)}.`);
    terminal.print(...unreadLines(world, unread));
    if (undone.length + removed.length + unread.length === 0)
      terminal.print(`${hosts[host].title} has no entry of ours.`);
    else terminal.print(`Next: ${hosts[host].nextStep}`);
    return undone.every((result) => result.isComplete) ? 0 : 1;
  },
};
