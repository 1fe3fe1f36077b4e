import { hostFile, printedEntry, connect as writeEntry } from '../../migrate/connect.ts';
import { type ConnectableHost, filePlaces, findHost, hostIds, hosts } from '../../migrate/hosts.ts';
import { tilde } from '../../migrate/world.ts';
import { badArgument } from '../args.ts';
import type { Command } from '../command.ts';
import { ensureLauncher } from '../launcher.ts';
import { worldOf } from '../migrate-world.ts';

const usage = 'connect <program> [--print] [--each]';

export function hostArgument(word: string | undefined, how: string): ConnectableHost {
  const found = word === undefined ? undefined : findHost(word);
  if (found) return found;
  const known = `Programs: ${hostIds.join(', ')}.`;
  throw badArgument(
    word === undefined ? 'Which program?' : `${JSON.stringify(word)} is not known.`,
    `Usage: mcp-proxy ${how}. ${known}`,
  );
}

export const connect: Command = {
  usage: [usage],
  about:
    'Writes the entry by which another program reaches the shared servers into its settings: the wrapper at its stable place, which starts the daemon when needed and holds no token. Claude Code with the plugin has it already.',
  options: [
    { long: 'print', help: 'Show the entry and where it goes; write nothing' },
    { long: 'each', help: 'One entry for each server, under its own name' },
  ],
  examples: [
    { line: 'connect cursor', does: 'Cursor uses the shared servers' },
    { line: 'connect codex --print', does: 'See the entry for Codex' },
  ],
  run: async (context, args) => {
    const { terminal } = context;
    const host = hostArgument(args.positionals[0], usage);
    const world = worldOf(context);
    const request = { host, isEach: args.has('each') };
    if (args.has('print')) {
      terminal.print(printedEntry(world, request), '', `${hosts[host].title} reads it from`);
      terminal.print(...filePlaces(host, world).map(({ system, file }) => `  ${system.padEnd(8)} ${file}`));
    } else {
      await ensureLauncher(context);
      const id = writeEntry(world, request, { now: () => new Date(context.now()) });
      const file = tilde(hostFile(world, host).file, world.home);
      terminal.print(
        id === undefined
          ? `${file} has it already.`
          : `Written to ${file}. Back: ${context.hint(`mcp-proxy disconnect ${host}`)}`,
      );
    }
    terminal.print(`Next: ${hosts[host].nextStep}`);
    return 0;
  },
};
