// `enable` and `disable`: two words for one key of an entry.
import { setServerEnabled } from '../../config/edit.ts';
import { takePositionals } from '../args.ts';
import type { Command } from '../command.ts';
import { printEditOutcome } from '../edit-outcome.ts';

export const enable = switchCommand(true);
export const disable = switchCommand(false);

function switchCommand(isOn: boolean): Command {
  const verb = isOn ? 'enable' : 'disable';
  return {
    usage: [`${verb} <name>`],
    about: isOn
      ? 'Lets a disabled server be seen and used again.'
      : 'Keeps the entry in the config file, but no session sees the server and no copy of it runs.',
    options: [],
    examples: [{ line: `${verb} github`, does: isOn ? 'Sessions have it again' : 'Sessions no longer have it' }],
    run: async (context, args) => {
      const [name = ''] = takePositionals(args, ['name'], `${verb} <name>`);
      const result = setServerEnabled({ configPath: context.locations.configPath, env: context.env }, name, isOn);
      const { terminal } = context;
      if (!result.isChanged) {
        terminal.print(`${name} is ${verb}d already.`);
        return 0;
      }
      terminal.print(`${terminal.paint('green', isOn ? 'Enabled' : 'Disabled')} ${name}`);
      await printEditOutcome(context, result, {
        live: isOn
          ? 'their next request sees its tools.'
          : 'they no longer have its tools; its copies end when their calls are done.',
        later: 'No daemon runs now; it counts from the next session on.',
      });
      return 0;
    },
  };
}
