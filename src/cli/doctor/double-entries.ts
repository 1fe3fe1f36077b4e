// Entries of one client that lead to the same daemon: each session starts a wrapper for each, and the model is shown
// every tool that often.
import { shellWord } from '../../base/shell-word.ts';
import { defaultName } from '../../link/locations.ts';
import { enabledPlugins, ownPlugin } from '../../migrate/programs/claude-plugins.ts';
import type { Sources } from '../../migrate/programs/collect-sources.ts';
import type { Declared } from '../../migrate/programs/declared.ts';
import { hosts } from '../../migrate/programs/hosts.ts';
import { tilde, type World } from '../../migrate/world.ts';
import type { CheckFinding } from './check.ts';

type Way = { title: string; host: string; name: string; project: string | undefined; leadsTo: string; remove: string };

export function doubleEntries(sources: Sources, world: World): CheckFinding[] {
  const ways = [...pluginWays(sources), ...sources.own.flatMap((server) => entryWay(server, world))];
  const found = new Map<string, Way[]>();
  for (const way of ways) {
    // An entry for everywhere meets those of each project; those of two projects never meet.
    const met = ways.filter(
      (other) =>
        other.host === way.host &&
        other.leadsTo === way.leadsTo &&
        (other.project === undefined || other.project === way.project),
    );
    // Of entries with one name a client takes one.
    if (new Set(met.map(({ name }) => name)).size > 1) found.set(met.map(({ title }) => title).join('\0'), met);
  }
  return [...found.values()].map((met) => ({
    severity: 'warning',
    what: `${met.map(({ title }) => title).join(' and ')} lead to the same daemon: each session starts one wrapper for each and shows every tool that often.`,
    fix: { say: `Keep one. ${met.at(-1)?.remove ?? ''}`.trim() },
  }));
}

/** The plugin's own server has no place that a person wrote. */
function pluginWays({ settings }: Sources): Way[] {
  const id = enabledPlugins(settings).find((one) => one.split('@')[0] === ownPlugin);
  if (id === undefined) return [];
  const own = { host: 'claude-code', name: `plugin:${id}`, project: undefined, leadsTo: defaultName };
  return [{ ...own, title: `the plugin ${id}`, remove: `claude plugin disable ${shellWord(id)}` }];
}

function entryWay({ place, entry, off, invalid }: Declared, world: World): Way[] {
  if (off !== undefined || invalid !== undefined || place.host === 'claude-plugin') return [];
  const title = `${tilde(place.file, world.home)}:${place.line} (${place.name})`;
  const remove =
    place.host === 'claude-code'
      ? `claude mcp remove ${shellWord(place.name)} --scope ${place.scope}`
      : `Take ${place.name} out of the settings of ${hosts[place.host].title}.`;
  return [{ title, host: place.host, name: place.name, project: place.project, leadsTo: targetOf(entry), remove }];
}

/** The daemon's folder and name, and the one server that is asked for; options like the mode change none of them. */
function targetOf({ args = [], url, env = {} }: Declared['entry']): string {
  if (url !== undefined) return [defaultName, ...pathOf(url).split('/').slice(2)].join(' ');
  const own = args.slice(args.findIndex((word) => /run-mcp-proxy(?:\.cmd)?$/.test(word)) + 1);
  const name = own[0] === undefined || own[0].startsWith('-') ? defaultName : own[0];
  const server = /(?:^|\0)--server[=\0]([^\0]+)/.exec(own.join('\0'))?.[1];
  const root = env['AITKIT_ROOT'];
  return [name, server, root].filter((part) => part !== undefined).join(' ');
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname.replace(/\/$/, '') : '';
}
