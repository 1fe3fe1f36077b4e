// Names of all groups in our config at once. Of several that want one name each has a key of its own, and sessions see
// the wanted name wherever a folder tells them apart.
import { basename } from 'node:path';
import { serverSlug, whyBadName } from '../../config/server-name.ts';
import { serverPart } from '../../mcp/tool-name.ts';
import { type ClaudeSettings, listOf } from '../programs/claude-settings.ts';
import { freeName, plainName } from './choose-name.ts';
import { givenName, type LaunchGroup, projectOf, specKey } from './launch-spec.ts';
import type { OwnConfig } from './own-config.ts';
import type { NameConflict, PlannedServer, PlanOptions } from './plan-model.ts';
import { pluginPrefix } from './translate-rule.ts';

/** `shownAs`: what sessions see, if that is not the name. */
export type Name = { name: string; shownAs?: string; conflict?: NameConflict };
export type Names = ReadonlyMap<string, Name>;

export type NamingInput = {
  groups: readonly LaunchGroup[];
  config: OwnConfig;
  settings: ClaudeSettings;
  options: PlanOptions;
  home: string;
  /** What the last round of the plan found for a group, by its id; empty in the first. */
  found: ReadonlyMap<string, Pick<PlannedServer, 'projects' | 'keepsNames'>>;
};

type Holder = {
  shown: string;
  slug: string;
  projects: readonly string[] | undefined;
  /** A rule hides this name from Claude Code's joint list, so nobody else can be seen under it. */
  isHidden: boolean;
  /** Claude Code's own entry of the name: its sessions saw one of them, the one with the folder before the person's. */
  isClaudes: boolean;
  at: { file: string; line: number };
};

export function nameServers(input: NamingInput): Names {
  const { groups, config, options } = input;
  const names = new Map<string, Name>();
  const keys = new Set(config.names);
  const holders = ofConfig(input);
  for (const group of groups) {
    const shared = config.nameOf(specKey(group.entry));
    if (shared !== undefined) {
      names.set(group.id, sharedName(config, shared));
      continue;
    }
    const given = givenName(group);
    const wanted = plainName(options.rename.get(given) ?? given);
    const self = holderOf(input, group, wanted);
    const rival = holders.find((other) => other.slug === wanted && !areToldApart(self, other));
    const taken = new Set([...keys, ...holders.map((other) => other.shown)]);
    if (rival === undefined && !keys.has(wanted)) taken.delete(wanted);
    const project = group.declared[0]?.place.project;
    const name = freeName(wanted, project && basename(project), taken);
    const isShown = rival === undefined && name !== wanted && whyBadName(wanted) === undefined;
    names.set(group.id, {
      name,
      ...(isShown ? { shownAs: wanted } : {}),
      ...(rival === undefined ? {} : { conflict: conflictOf({ given, name, at: rival.at }) }),
    });
    keys.add(name);
    holders.push({ ...self, shown: isShown ? wanted : name, slug: isShown ? wanted : serverSlug(name) });
  }
  return names;
}

export function areSameNames(a: Names, b: Names): boolean {
  return JSON.stringify([...a]) === JSON.stringify([...b]);
}

function sharedName(config: OwnConfig, name: string): Name {
  const shown = config.entries.find((entry) => entry.name === name)?.shownName ?? name;
  return shown === name ? { name } : { name, shownAs: shown };
}

function ofConfig({ config, settings }: NamingInput): Holder[] {
  const at = { file: config.path, line: 1 };
  const known = config.entries
    .filter((entry) => entry.enabled)
    .map(({ shownName, shownSlug, projects }) => ({
      shown: shownName,
      slug: shownSlug,
      projects,
      isHidden: hides(settings, shownName, projects),
      isClaudes: false,
      at,
    }));
  // Entries that do not work have their names all the same.
  const working = new Set(config.entries.map((entry) => entry.name));
  const broken = [...config.names].filter((name) => !working.has(name));
  return [
    ...known,
    ...broken.map((shown) => ({
      shown,
      slug: serverSlug(shown),
      projects: undefined,
      isHidden: false,
      isClaudes: false,
      at,
    })),
  ];
}

function holderOf({ settings, options, home, found }: NamingInput, group: LaunchGroup, wanted: string): Holder {
  const places = group.declared.map((server) => server.place);
  const before = found.get(group.id);
  const isEverywhere = places.some((place) => place.project === undefined);
  const folders = places.map((place) => projectOf(place.project ?? '', home));
  const keeps = options.keepNames === true || places.some((place) => isIn(options.keepNames, place.name));
  const projects = before ? before.projects : isEverywhere ? undefined : folders;
  return {
    shown: wanted,
    slug: wanted,
    projects,
    isHidden: (before ? before.keepsNames : keeps) || hides(settings, wanted, projects),
    isClaudes: places.every((place) => place.host === 'claude-code'),
    at: places[0] ?? { file: '', line: 1 },
  };
}

function isIn(list: true | readonly string[], name: string): boolean {
  return list === true || list.includes(name);
}

/** A rule of ours keeps every tool of that name from Claude Code: its names are kept, or it was hidden in a folder. */
function hides(settings: ClaudeSettings, shown: string, projects: readonly string[] | undefined): boolean {
  const rule = `${pluginPrefix}${serverPart(serverSlug(shown))}__*`;
  return settings.files
    .filter(({ kind, project }) => kind === 'user' || (kind === 'local' && projects?.includes(project ?? '')))
    .some((file) => listOf(file.value['permissions'], 'deny').includes(rule));
}

/** As the daemon decides: the nearest folder counts. Only entries that were behind each other before may be so now. */
function areToldApart(a: Holder, b: Holder): boolean {
  if (a.isHidden || b.isHidden) return false;
  if (a.projects === undefined || b.projects === undefined) {
    return a.projects !== b.projects && a.isClaudes && b.isClaudes;
  }
  return !a.projects.some((folder) => b.projects?.includes(folder));
}

function conflictOf({ given, name, at }: { given: string; name: string; at: Holder['at'] }): NameConflict {
  return {
    name: given,
    file: at.file,
    line: at.line,
    choices: [
      `It moves as "${name}".`,
      `--name ${given}=<another name> chooses the name.`,
      '--only <names> leaves one of the two where it is.',
    ],
  };
}
