import { removeServer } from '../../config/edit.ts';
import { takePositionals } from '../args.ts';
import { scopeOption } from '../claude-scope.ts';
import type { Command } from '../command.ts';
import { printEditOutcome } from '../edit-outcome.ts';

export const remove: Command = {
  usage: ['remove <name>'],
  about: 'Takes a server out of the config file. Its copies end when their calls are done.',
  options: [{ ...scopeOption, help: 'Accepted as in `claude mcp remove`; there is one config file here' }],
  examples: [{ line: 'remove memory', does: 'No session has "memory" any more' }],
  run: async (context, args) => {
    const [name = ''] = takePositionals(args, ['name'], 'remove <name>');
    const result = removeServer({ configPath: context.locations.configPath, env: context.env }, name);
    context.terminal.print(`${context.terminal.paint('green', 'Removed')} ${name}`);
    await printEditOutcome(context, result, {
      live: 'they no longer have its tools; its copies end when their calls are done.',
      later: 'No daemon runs now, so nothing has to end.',
    });
    return 0;
  },
};
