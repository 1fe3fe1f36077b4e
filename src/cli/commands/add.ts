import { addServer } from '../../config/edit.ts';
import { presets } from '../../config/presets.ts';
import { sharings } from '../../config/schema.ts';
import { decideSharing } from '../../config/sharing.ts';
import { badArgument, nearest, type OptionSpec, type ParsedArgs } from '../args.ts';
import { projectOption, readScope, scopeOption } from '../claude-scope.ts';
import type { Command, CommandContext, ExitCode } from '../command.ts';
import { getConfigured, readConfigured } from '../configured.ts';
import { printEditOutcome } from '../edit-outcome.ts';
import { pinProgram } from '../pinned-program.ts';
import { entryTarget } from '../render/entry-text.ts';
import { formatSharing } from '../render/format.ts';
import { wrapText } from '../render/text-width.ts';
import { buildDefinition, isUrl } from '../server-definition.ts';

export const sharingOption: OptionSpec = {
  long: 'sharing',
  value: 'WHO',
  help: 'auto (the default), shared = by everyone, project = by the sessions of a project, session = by nobody',
};

const options: readonly OptionSpec[] = [
  scopeOption,
  {
    long: 'transport',
    short: 't',
    value: 'KIND',
    isKnownInCommand: true,
    help: 'stdio, http, sse or ws (default: stdio for a command, http for a URL)',
  },
  {
    long: 'env',
    short: 'e',
    value: 'KEY=VALUE',
    isRepeatable: true,
    isKnownInCommand: true,
    more: /^[A-Za-z_]\w*=/,
    help: 'Environment variable of the server; ${NAME} is filled in from the session that asks',
  },
  {
    long: 'header',
    short: 'H',
    value: 'HEADER',
    isRepeatable: true,
    isKnownInCommand: true,
    more: /^[\w-]+:(?!\/\/)\s*\S/,
    help: 'HTTP header, as "Authorization: Bearer ${TOKEN}"',
  },
  { long: 'client-id', value: 'ID', isKnownInCommand: true, help: 'OAuth client id of a remote server' },
  { long: 'callback-port', value: 'PORT', isKnownInCommand: true, help: 'Fixed port for the OAuth login' },
  sharingOption,
  projectOption,
  { long: 'preset', value: 'NAME', help: `An entry that works: ${Object.keys(presets).join(', ')}` },
  { long: 'replace', help: 'Replace an entry of that name' },
];

const usage = 'add <name> [options] [--] <command or url> [arguments…]';

export const add: Command = {
  usage: [usage, 'add [name] --preset NAME'],
  about:
    'Puts a server into the config file, so that all sessions share it. Takes the arguments of `claude mcp add`. What stands behind -- or behind the command goes to the server. Nothing is started; a running daemon takes it at once.',
  options,
  isPassThrough: (positionals) => positionals.length >= 2 && !isUrl(positionals[1] ?? ''),
  examples: [
    { line: 'add memory -- npx -y @modelcontextprotocol/server-memory', does: 'A server that is started' },
    { line: 'add --transport http context7 https://mcp.context7.com/mcp', does: 'A remote server' },
    {
      line: "add github https://api.githubcopilot.com/mcp/ -H 'Authorization: Bearer ${GITHUB_TOKEN}'",
      does: 'Each session uses its own token',
    },
    { line: 'add --preset serena', does: 'A known server with the right arguments' },
    { line: 'add db --project . -- uvx my-db-server', does: 'Only for sessions in this project' },
  ],
  run: async (context, args) => {
    const words = [...args.positionals, ...(args.rest ?? [])];
    const presetName =
      args.value('preset') ?? (words.length === 1 && Object.hasOwn(presets, words[0] ?? '') ? words[0] : undefined);
    const [name = presetName, ...target] = words;
    if (name === undefined) throw badArgument('The name and the command are missing.', `Usage: mcp-proxy ${usage}`);
    const base = presetName === undefined ? undefined : getPreset(presetName);
    if (base && target.length > 0) throw badArgument('A preset brings its own command.', 'Leave one of both out.');
    const seen = readScope(args, context);
    const pinned = pinProgram(target, context.cwd);
    const what = { ...(base ? { base: base.definition } : {}), target: pinned.target };
    const definition = buildDefinition({ ...what, ...given(args), ...seen });
    return saveServer(context, { name, definition, replace: args.has('replace') }, [
      seen.note,
      base?.note,
      pinned.note,
    ]);
  },
};

function given(args: ParsedArgs) {
  const sharing = args.value('sharing');
  if (sharing !== undefined && !sharings.some((known) => known === sharing)) {
    throw badArgument(`--sharing is ${sharings.join(', ')}, not ${JSON.stringify(sharing)}.`);
  }
  return {
    transport: args.value('transport'),
    env: args.values('env'),
    headers: args.values('header'),
    clientId: args.value('client-id'),
    callbackPort: args.value('callback-port'),
    sharing,
  };
}

function getPreset(name: string) {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset) return preset;
  const known = Object.keys(presets);
  const close = nearest(name, known);
  throw badArgument(
    `There is no preset ${JSON.stringify(name)}.`,
    `${close ? `Did you mean ${close}? ` : ''}Presets: ${known.join(', ')}`,
  );
}

export type NewServer = { name: string; definition: Record<string, unknown>; replace: boolean };

/** Writes the entry and says what it means, also for `add-json`. */
export async function saveServer(
  context: CommandContext,
  server: NewServer,
  notes: readonly (string | undefined)[],
): Promise<ExitCode> {
  const { terminal, locations, env } = context;
  const result = addServer({ configPath: locations.configPath, env }, server);
  const configured = readConfigured(context);
  const entry = getConfigured(configured, server.name);
  const { sharing, reason } = decideSharing(entry, configured.config.knownServers);
  terminal.print(
    `${terminal.paint('green', server.replace ? 'Saved' : 'Added')} ${entry.name}: ${entryTarget(entry)}`,
    ...wrapText(`Shared ${formatSharing(sharing)}. ${reason}`, terminal.width),
  );
  for (const note of notes) if (note !== undefined) terminal.print(...wrapText(note, terminal.width));
  await printEditOutcome(context, result, {
    live: 'their next request sees its tools.',
    later: 'No daemon runs now; the next session that opens has it.',
  });
  return 0;
}
