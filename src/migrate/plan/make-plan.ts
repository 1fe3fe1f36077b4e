// From what was found to what would change. Pure but for reading files: starts nothing, writes nothing.

import { checkServer, definitionHash } from '../../config/server-entry.ts';
import { serverSlug } from '../../config/server-name.ts';
import { decideSharing } from '../../config/sharing.ts';
import { serverPart } from '../../mcp/tool-name.ts';
import { hashBytes } from '../documents/document-text.ts';
import type { Sources } from '../programs/collect-sources.ts';
import type { SourceProblem } from '../programs/declared.ts';
import { whyManagedAway } from '../programs/managed-lists.ts';
import type { World } from '../world.ts';
import { type Draft, draftEdits } from './draft-edits.ts';
import type { RenderResult } from './edit-collector.ts';
import { findMistake, groupServers, type LaunchGroup, notPortable, projectOf, specKey } from './launch-spec.ts';
import { areSameNames, type Name, type Names, nameServers } from './name-servers.ts';
import { type OwnConfig, readOwnConfig } from './own-config.ts';
import { decidePlace } from './place-decision.ts';
import type { Plan, PlannedServer, PlanOptions } from './plan-model.ts';
import { findRefusals } from './preconditions.ts';
import type { FindCopies } from './running-copies.ts';
import { configDefinition } from './server-edits.ts';

export type PlanInput = {
  world: World;
  sources: Sources;
  findCopies: FindCopies;
  options: PlanOptions;
  now: Date;
};

/** A file that turns out not to be editable keeps its servers where they are, which may free or block others. */
const maxRounds = 10;
/** Where a server is seen decides its name; that is known after the first round unless a name decides what moves. */
const namingRounds = 2;

export function makePlan(input: PlanInput): Plan {
  const config = readOwnConfig(input.world);
  const groups = groupServers(input.sources.servers, input.world.home);
  const { settings } = input.sources;
  const naming = { groups, config, settings, options: input.options, home: input.world.home };
  let names = nameServers({ ...naming, found: new Map() });
  const blocked = new Map<string, string>();
  const held = new Map<string, string[]>();
  let servers: PlannedServer[] = [];
  let rendered: RenderResult = { files: [], failures: [] };
  let unread: SourceProblem[] = [];
  for (let round = 0; round < maxRounds; round += 1) {
    servers = groups.map((group) =>
      planServer({ ...input, group, config, names, blocked, held: held.get(group.id) ?? [] }),
    );
    keepSharedPlugins(servers);
    const better = nameServers({ ...naming, found: new Map(servers.map((server) => [server.id, server])) });
    if (round < namingRounds && !areSameNames(names, better)) {
      names = better;
      continue;
    }
    const drafted = draftEdits({ ...input, config, servers });
    rendered = drafted.edits.render();
    unread = [...drafted.problems, ...unowned({ rendered, drafted })];
    const isSettled = noteFailures({ rendered, drafted, blocked, held });
    if (isSettled) break;
  }
  const refusals = findRefusals(input.world, input.sources.settings, config, servers);
  const summary = {
    servers: servers.map(({ id, name, moves, places }) => ({ id, name, moves, places })),
    files: rendered.files.map(({ path, before, after }) => ({ path, before, after: hashBytes(Buffer.from(after)) })),
  };
  return {
    version: 1,
    id: definitionHash(summary),
    createdAt: input.now.toISOString(),
    refusals,
    servers,
    files: rendered.files,
    problems: withoutTwins([...input.sources.problems, ...unread]),
  };
}

type ServerInput = PlanInput & {
  group: LaunchGroup;
  config: OwnConfig;
  names: Names;
  blocked: ReadonlyMap<string, string>;
  held: readonly string[];
};

function planServer(input: ServerInput): PlannedServer {
  const { group, world, options, config, sources } = input;
  const chosen: Name = input.names.get(group.id) ?? { name: group.id };
  const isNamed = (list: readonly string[]) =>
    list.includes(chosen.name) || group.declared.some((server) => list.includes(server.place.name));
  const mistake = group.declared.every((server) => server.invalid === undefined) ? findMistake(group.entry) : undefined;
  const canKeep = group.declared.some((server) => server.place.host === 'claude-code');
  const keepsNames = canKeep && (options.keepNames === true || isNamed(options.keepNames));
  const decided = group.declared.map((server) =>
    decidePlace(server, {
      ...sources,
      declared: sources.servers,
      options,
      mistake,
      keepsNames,
      blocked: input.blocked,
    }),
  );
  const running = input.findCopies(group.entry);
  const entry = withVariables(group.entry, running?.inheritEnv ?? [], options, chosen.name);
  const given = [...new Set(group.declared.map((server) => server.place.name))];
  const managed = whyManagedAway(sources.settings, given, group.entry);
  const wanted = options.only === undefined || isNamed(options.only);
  const projects = visibleIn(decided, world.home, options.everywhere === true || isNamed(options.everywhere));
  const checked = checkServer(chosen.name, configDefinition({ entry, projects, shownAs: chosen.shownAs }), world.home);
  const isShared = config.names.has(chosen.name) && config.nameOf(specKey(group.entry)) === chosen.name;
  const stays = [
    ...(wanted ? [] : ['it is not among --only']),
    ...(managed === undefined ? [] : [managed]),
    ...(checked.errors[0] && !group.declared[0]?.invalid
      ? [`our config cannot hold it: ${checked.errors[0].what}`]
      : []),
    ...input.held,
  ];
  stays.push(...whyNoneMoves(decided));
  const moves = stays.length === 0;
  const sharing = checked.entry ? decideSharing(checked.entry) : { sharing: 'project' as const, reason: 'not decided' };
  return {
    id: group.id,
    name: chosen.name,
    ...(chosen.shownAs === undefined ? {} : { shownAs: chosen.shownAs }),
    part: serverPart(serverSlug(chosen.shownAs ?? chosen.name)),
    places: moves ? decided : decided.map(({ change, ...place }) => place),
    moves,
    stays,
    isShared,
    keepsNames,
    entry,
    sharing: sharing.sharing,
    sharingReason: sharing.reason,
    ...(projects ? { projects } : {}),
    ...(running ? { running } : {}),
    needsLogin: needsLogin(group),
    notPortable: notPortable(group.entry),
    ...(mistake ? { mistake } : {}),
    leftBehind: [...new Set(group.declared.flatMap((server) => server.leftBehind))],
    rules: [],
    ...(chosen.conflict && moves ? { conflict: chosen.conflict } : {}),
    notes: notesFor(decided),
  };
}

function whyNoneMoves(places: PlannedServer['places']): string[] {
  if (places.some((place) => place.change !== undefined)) return [];
  return [...new Set(places.flatMap((place) => place.stays ?? []))];
}

function withVariables(entry: LaunchGroup['entry'], found: readonly string[], options: PlanOptions, name: string) {
  const asked = options.inherit
    .filter((text) => text.startsWith(`${name}:`))
    .map((text) => text.slice(name.length + 1));
  const inheritEnv = [...new Set([...(entry.inheritEnv ?? []), ...found, ...asked])].sort();
  return inheritEnv.length > 0 ? { ...entry, inheritEnv } : entry;
}

/** Folders that may see it: where it was declared, unless one of its places was for everywhere. */
function visibleIn(places: PlannedServer['places'], home: string, isEverywhere: boolean): string[] | undefined {
  const moving = places.filter((place) => place.change !== undefined);
  const counted = moving.length > 0 ? moving : places;
  if (isEverywhere || counted.some((place) => place.project === undefined)) return undefined;
  return [...new Set(counted.map((place) => projectOf(place.project ?? '', home)))].sort();
}

/** Remote servers without credentials in the entry log in through the program, which keeps that login to itself. */
function needsLogin({ entry }: LaunchGroup): boolean {
  if (entry.url === undefined || entry.command !== undefined) return false;
  const isLocal = /^\w+:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$)/.test(entry.url);
  const hasCredentials = Object.keys(entry.headers ?? {}).some((name) => /auth|key|token|cookie/i.test(name));
  return !isLocal && !hasCredentials && !hasKeyInQuery(entry.url);
}

function hasKeyInQuery(url: string): boolean {
  const names = url.split('=').slice(0, -1);
  return names.some((text) => /[?&]/.test(text) && /key|token/i.test(text.slice(text.search(/[?&]/))));
}

function notesFor(places: PlannedServer['places']): string[] {
  const isPartly =
    places.some((place) => place.change !== undefined) && places.some((place) => place.stays !== undefined);
  return isPartly ? ['Some of its places stay as they are: sessions that read them have a copy of their own.'] : [];
}

/** A plugin is switched off as a whole, so all its servers move or none. */
function keepSharedPlugins(servers: PlannedServer[]): void {
  const places = servers.flatMap((server) => server.places.map((place) => ({ server, place })));
  const kept = new Set(
    places
      .filter(({ server, place }) => place.plugin && (!server.moves || !place.change))
      .map(({ place }) => place.plugin),
  );
  for (const { server, place } of places) {
    if (place.plugin === undefined || !kept.has(place.plugin) || place.change === undefined) continue;
    delete place.change;
    place.stays = 'another server of its plugin stays, and a plugin is switched off as a whole';
    if (server.places.some((other) => other.change !== undefined)) continue;
    server.moves = false;
    server.stays.push(place.stays);
  }
}

/** What would only have been tidy, as the line in `info/exclude`: no server waits for it, but the person should know. */
function unowned({ rendered, drafted }: Pick<Round, 'rendered' | 'drafted'>): SourceProblem[] {
  const others = rendered.failures.filter(({ path }) => !drafted.owners.has(path));
  return others.map(({ path, reason }) => ({ file: path, reason }));
}

function withoutTwins(problems: readonly SourceProblem[]): SourceProblem[] {
  return problems.filter(
    ({ file, reason }, i) => problems.findIndex((other) => other.file === file && other.reason === reason) === i,
  );
}

type Round = { rendered: RenderResult; drafted: Draft; blocked: Map<string, string>; held: Map<string, string[]> };

/** Records what could not be edited or translated; true if that was nothing new. */
function noteFailures({ rendered, drafted, blocked, held }: Round): boolean {
  let isSettled = true;
  for (const { path, reason } of rendered.failures) {
    if (!blocked.has(path)) {
      blocked.set(path, reason);
      isSettled = false;
    }
    for (const id of drafted.owners.get(path) ?? []) isSettled = hold(held, id, [`${path} ${reason}`]) && isSettled;
  }
  for (const [id, reasons] of drafted.guards) isSettled = hold(held, id, reasons) && isSettled;
  return isSettled;
}

function hold(held: Map<string, string[]>, id: string, reasons: readonly string[]): boolean {
  const known = held.get(id) ?? [];
  const fresh = reasons.filter((reason) => !known.includes(reason));
  held.set(id, [...known, ...fresh]);
  return fresh.length === 0;
}
