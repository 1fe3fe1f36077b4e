import type { ServerEntry } from '../../config/server-entry.ts';
import { decideSharing } from '../../config/sharing.ts';
import { takePositionals } from '../args.ts';
import type { Command } from '../command.ts';
import { getConfigured, readConfigured } from '../configured.ts';
import { entryTarget, entryUrl, environmentLines, headerLines } from '../render/entry-text.ts';
import { formatDuration, formatSharing, shortPath } from '../render/format.ts';

const usage = 'get <name> [--json]';

export const get: Command = {
  usage: [usage],
  about: 'Shows one server of the config file: what is started or called, who shares it and why. Secrets stay hidden.',
  options: [{ long: 'json', help: 'For programs; secrets stay hidden there too' }],
  examples: [{ line: 'get github', does: 'The entry "github"' }],
  run: async (context, args) => {
    const [name = ''] = takePositionals(args, ['name'], usage);
    const configured = readConfigured(context);
    const entry = getConfigured(configured, name);
    const { sharing, reason } = decideSharing(entry, configured.config.knownServers);
    if (args.has('json')) {
      context.terminal.json(toJson(entry, { sharing, sharingReason: reason }));
      return 0;
    }
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
    context.terminal.print(context.terminal.paint('bold', entry.name));
    for (const [label, values] of facts) {
      values.forEach((value, i) => {
        context.terminal.print(`  ${(i === 0 ? label : '').padEnd(10)}  ${value}`);
      });
    }
    return 0;
  },
};

function toJson(entry: ServerEntry, decided: { sharing: string; sharingReason: string }): Record<string, unknown> {
  const { name, enabled, kind, cwd, projects, inheritEnv, tools, timeoutMs, idleStopMs, keepAlive } = entry;
  return {
    ...{ name, isEnabled: enabled, kind, ...decided, projects, target: entryTarget(entry), url: entryUrl(entry), cwd },
    env: environmentLines(entry.env),
    headers: headerLines(entry.headers),
    ...{ inheritEnv, tools, timeoutMs, idleStopMs, keepAlive },
  };
}
