import { isRecord } from '../../base/guards.ts';
import { badArgument, takePositionals } from '../args.ts';
import { projectOption, readScope, scopeOption } from '../claude-scope.ts';
import type { Command } from '../command.ts';
import { saveServer } from './add.ts';

const usage = 'add-json <name> <json> [options]';

export const addJson: Command = {
  usage: [usage],
  about:
    'Puts a server into the config file as the JSON says: any entry that stands in `mcpServers` of another program, with our own keys if you like.',
  options: [scopeOption, projectOption, { long: 'replace', help: 'Replace an entry of that name' }],
  examples: [
    {
      line: `add-json time '{"command":"uvx","args":["mcp-server-time"],"sharing":"shared"}'`,
      does: 'The same as in a config file',
    },
  ],
  run: async (context, args) => {
    const [name = '', json = ''] = takePositionals(args, ['name', 'json'], usage);
    const seen = readScope(args, context);
    const definition = { ...parse(json), ...(seen.projects ? { projects: seen.projects } : {}) };
    return saveServer(context, { name, definition, replace: args.has('replace') }, [seen.note]);
  },
};

function parse(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw badArgument('That is not JSON.', 'Put it between single quotes, with double quotes inside.');
  }
  if (!isRecord(value)) throw badArgument('The JSON must be an object: {"command": …} or {"url": …}.');
  return value;
}
