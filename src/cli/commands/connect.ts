import { readFileIfPresent } from '../../base/atomic-file.ts';
import { visibleJson } from '../../base/plain-text.ts';
import { hostFile, printedEntry, connect as writeEntry } from '../../migrate/change/connect.ts';
import { type ConnectableHost, filePlaces, findHost, hostIds, hosts } from '../../migrate/programs/hosts.ts';
import { httpPort } from '../../migrate/programs/http-access.ts';
import type { HttpAccess } from '../../migrate/programs/wrapper-entry.ts';
import { tilde } from '../../migrate/world.ts';
import { badArgument } from '../args.ts';
import type { Command, CommandContext } from '../command.ts';
import { ensureLauncher } from '../launcher.ts';
import { worldOf } from '../migrate-world.ts';

const usage = 'connect <program> [--print] [--each] [--http]';

export function hostArgument(word: string | undefined, how: string): ConnectableHost {
  const found = word === undefined ? undefined : findHost(word);
  if (found) return found;
  const known = `Programs: ${hostIds.join(', ')}.`;
  throw badArgument(
    word === undefined ? 'Which program?' : `${JSON.stringify(word)} is not known.`,
    `Usage: mcp-proxy ${how}. ${known}`,
  );
}

const needsDaemon =
  'Over HTTP a program cannot start the daemon: it runs while a session is open, after mcp-proxy start, or always with "http": { "keepDaemon": true } in our config. If the token changes, run this command again.';

/** Written into a file of the person's own, never shown: the screen may be a conversation with a model. */
async function httpAccess({ daemon, locations, env }: CommandContext, isPrint: boolean): Promise<HttpAccess> {
  const port = httpPort({ locations, env });
  if (port === undefined) {
    const hint = 'Write a port into our config, "http": { "port": 12476 }, or leave --http away.';
    throw badArgument('The daemon has no fixed address: http.port is "off" or 0.', hint);
  }
  if (isPrint) return { port, token: '<token>' };
  await daemon.ensure();
  const token = readFileIfPresent(locations.tokenPath)?.trim();
  if (token) return { port, token };
  throw badArgument(`${locations.tokenPath} holds no token.`, 'Run: mcp-proxy restart');
}

export const connect: Command = {
  usage: [usage],
  about:
    'Writes the entry by which another program reaches the shared servers into its settings: the wrapper at its stable place, which starts the daemon when needed and holds no token; with --http the address and the token instead. Claude Code with the plugin has it already.',
  options: [
    { long: 'print', help: 'Show the entry and where it goes; write nothing' },
    { long: 'each', help: 'One entry for each server, under its own name' },
    {
      long: 'http',
      help: 'For a program that cannot start a command: the address and the token. It cannot start the daemon either',
    },
  ],
  examples: [
    { line: 'connect cursor', does: 'Cursor uses the shared servers' },
    { line: 'connect codex --print', does: 'See the entry for Codex' },
    { line: 'connect opencode --http', does: 'opencode uses them over HTTP, for one in a container or a sandbox' },
  ],
  run: async (context, args) => {
    const { terminal } = context;
    const host = hostArgument(args.positionals[0], usage);
    const world = worldOf(context);
    const isPrint = args.has('print');
    const http = args.has('http') ? await httpAccess(context, isPrint) : undefined;
    const request = { host, isEach: args.has('each'), ...(http ? { http } : {}) };
    if (isPrint) {
      terminal.print(...visibleJson(printedEntry(world, request)).trimEnd().split('\n'), '');
      terminal.print(`${hosts[host].title} reads it from`);
      terminal.print(...filePlaces(host, world).map(({ system, file }) => `  ${system.padEnd(8)} ${file}`));
      if (http) terminal.print(`The token is the line in ${tilde(context.locations.tokenPath, world.home)}.`);
    } else {
      if (!http) await ensureLauncher(context);
      const id = writeEntry(world, request, { now: () => new Date(context.now()) });
      const file = tilde(hostFile(world, host).file, world.home);
      terminal.print(
        id === undefined
          ? `${file} has it already.`
          : `Written to ${file}. Back: ${context.hint(`mcp-proxy disconnect ${host}`)}`,
      );
    }
    terminal.print(`Next: ${hosts[host].nextStep}`);
    if (http) terminal.print(context.hint(needsDaemon));
    return 0;
  },
};
