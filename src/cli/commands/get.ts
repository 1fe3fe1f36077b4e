import { decideSharing } from '../../config/sharing.ts';
import type { Command } from '../command.ts';
import { getConfigured, readConfigured } from '../configured.ts';
import { takePositionals } from '../positionals.ts';
import { entryTarget, entryUrl, environmentLines, headerLines } from '../render/entry-text.ts';
import { formatDuration, formatSharing, shortPath } from '../render/format.ts';
import { plainLine } from '../render/text-width.ts';

export const get: Command = {
  usage: ['get <name>'],
  about: 'Shows one server of the config file: what is started or called, who shares it and why. Secrets stay hidden.',
  options: [],
  examples: [{ line: 'get github', does: 'The entry "github"' }],
  run: async (context, args) => {
    const [name = ''] = takePositionals(args, ['name'], 'get <name>');
    const configured = readConfigured(context);
    const entry = getConfigured(configured, name);
    const { sharing, reason } = decideSharing(entry, configured.config.knownServers);
    const facts: [string, string[]][] = [
      ['state', [entry.enabled ? 'enabled' : 'disabled']],
      ['shared', [`${formatSharing(sharing)}. ${reason}`]],
      ['seen in', entry.projects?.map((folder) => shortPath(folder, context.home)) ?? ['all projects']],
      [entry.command === undefined ? 'url' : 'command', [entryTarget(entry)]],
      [
        'speaks',
        entry.command !== undefined && entry.url !== undefined ? [`HTTP at ${entryUrl(entry)}`] : [entry.kind],
      ],
      ['folder', entry.cwd === undefined ? [] : [entry.cwd]],
      ['env', environmentLines(entry.env)],
      ['inherits', [...entry.inheritEnv]],
      ['headers', headerLines(entry.headers)],
      ['tools', entry.tools.allow ? [`only ${entry.tools.allow.join(', ')}`] : []],
      ['without', [...entry.tools.deny]],
      ['call limit', entry.timeoutMs === undefined ? [] : [formatDuration(entry.timeoutMs)]],
      [
        'idle stop',
        [entry.idleStopMs === 0 || entry.keepAlive ? 'never' : `after ${formatDuration(entry.idleStopMs)}`],
      ],
    ];
    context.terminal.print(context.terminal.paint('bold', plainLine(entry.name)));
    for (const [label, values] of facts) {
      values.forEach((value, i) => {
        context.terminal.print(`  ${(i === 0 ? label : '').padEnd(10)}  ${plainLine(value)}`);
      });
    }
    return 0;
  },
};
