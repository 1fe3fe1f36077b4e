// The machine as the migration commands see it, from the command's context.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findProjectRoot } from '../link/project-root.ts';
import type { ApplyDeps } from '../migrate/change/apply.ts';
import { readConsents } from '../migrate/change/consent.ts';
import { probeServer } from '../migrate/change/probe-server.ts';
import type { UndoResult } from '../migrate/change/undo.ts';
import { approvalHash } from '../migrate/plan/launch-spec.ts';
import { defaultPlanOptions, type Plan, type PlanOptions } from '../migrate/plan/plan-model.ts';
import { scanForProjects } from '../migrate/programs/collect-sources.ts';
import type { Declared } from '../migrate/programs/declared.ts';
import { createWorld, isFolder, tilde, type World } from '../migrate/world.ts';
import { badArgument, type OptionSpec, type ParsedArgs } from './args.ts';
import type { CommandContext } from './command.ts';

export function worldOf(context: CommandContext): World {
  const { env, home, cwd, locations } = context;
  return createWorld({ env, home, cwd, locations, platform: process.platform });
}

export const projectOptions: readonly OptionSpec[] = [
  {
    long: 'project',
    value: 'DIR',
    isRepeatable: true,
    more: /^[/~.][^=]*$/,
    help: 'Also this project (default: the one you are in)',
  },
  { long: 'scan', value: 'DIR', isRepeatable: true, help: 'Also every project below this folder' },
];

export const planOptions: readonly OptionSpec[] = [
  ...projectOptions,
  { long: 'only', value: 'NAMES', isRepeatable: true, help: 'Move these servers only (comma-separated)' },
  {
    long: 'keep-names',
    value: 'NAMES',
    isRepeatable: true,
    help: 'Keep tool names by an entry of its own; "all" for all',
  },
  { long: 'everywhere', value: 'NAMES', isRepeatable: true, help: 'Let all projects see them; "all" for all' },
  {
    long: 'accept',
    value: 'NAME@HASH',
    isRepeatable: true,
    help: 'Approve what a repository brings, exactly as the plan shows it',
  },
  {
    long: 'inherit',
    value: 'SERVER:VARIABLE',
    isRepeatable: true,
    help: 'Give it this variable of the session that asks',
  },
  { long: 'name', value: 'OLD=NEW', isRepeatable: true, help: 'Another name for a server' },
  { long: 'remove-from-repo', help: "Take entries out of a repository's own files" },
  { long: 'silence-everywhere', help: 'Silence names for all repositories, in your own settings' },
];

export function readPlanOptions(world: World, args: ParsedArgs): PlanOptions {
  const names = (long: string) =>
    args
      .values(long)
      .flatMap((text) => text.split(','))
      .filter((name) => name !== '');
  const allOr = (long: string): true | string[] => (names(long).includes('all') ? true : names(long));
  const rename = args.values('name').map((text): [string, string] => {
    const at = text.lastIndexOf('=');
    if (at < 1 || at === text.length - 1) throw badArgument(`--name ${text} is not OLD=NEW.`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  return {
    ...defaultPlanOptions,
    ...(args.has('only') ? { only: names('only') } : {}),
    keepNames: allOr('keep-names'),
    everywhere: allOr('everywhere'),
    // What was approved stays approved until it changes: the hash decides.
    accepted: [...args.values('accept'), ...readConsents(world).map((consent) => consent.hash)],
    inherit: args.values('inherit'),
    rename: new Map(rename),
    removeFromRepo: args.has('remove-from-repo'),
    silenceEverywhere: args.has('silence-everywhere'),
  };
}

/** Folders whose files are read: the given ones, or the project the command stands in. */
export function readProjects(world: World, args: ParsedArgs): string[] {
  const given = args.values('project').map((folder) => resolve(world.cwd, folder));
  const roots = args.values('scan').map((folder) => resolve(world.cwd, folder));
  const missing = [...given, ...roots].find((folder) => !isFolder(folder));
  if (missing !== undefined) throw badArgument(`${missing} is not a folder.`);
  const found = [...given, ...roots.flatMap(scanForProjects)];
  if (found.length > 0) return [...new Set(found)];
  const here = findProjectRoot(world.cwd, world.home);
  return here === '' || here === world.home ? [] : [here];
}

export function applyDeps(context: CommandContext): ApplyDeps {
  return {
    now: () => new Date(context.now()),
    startAndList: ({ name, projectDir }) =>
      context.terminal.progress(`Starting ${name} once`, () =>
        probeServer({
          wrapperPath: wrapperPath(context),
          daemonName: context.locations.name,
          server: name,
          projectDir,
          env: context.env,
          signal: context.signal,
          findFailure: () => findFailure(context, name),
        }),
      ),
  };
}

/** Beside this program, or at its stable place after the plugin was removed. */
function wrapperPath({ installRoot, locations }: CommandContext): string {
  const own = join(installRoot, 'bin', 'run-mcp-proxy');
  return existsSync(own) ? own : join(locations.binDir, 'run-mcp-proxy');
}

async function findFailure(context: CommandContext, name: string): Promise<string | undefined> {
  const client = await context.daemon.find();
  const status = await client?.status();
  if (status?.config.error) return status.config.error.message;
  const error = status?.servers.find((server) => server.name === name)?.lastError;
  return error && [error.message, error.hint].filter((text) => text !== undefined).join(' ');
}

// What an undo did, file by file.

const words = {
  restored: 'as before, byte for byte',
  removed: 'removed, it was not there before',
  already: 'was as before already',
  merged: 'our change is out, later changes of others stayed',
  conflict: 'not completely undone',
};

export function undoLines(world: World, result: UndoResult): string[] {
  return [
    `${result.id} ${result.isComplete ? 'is undone.' : 'is undone in part.'}`,
    ...result.files.flatMap((file) => [
      `  ${tilde(file.file, world.home)}: ${words[file.result]}`,
      ...file.conflicts.map((conflict) => `    ${conflict}`),
      ...(file.backup === undefined ? [] : [`    as it was: ${join(world.locations.backupsDir, file.backup)}`]),
    ]),
  ];
}

// Names and approvals given to `migrate` that fit nothing: a typo must not look like a plan without that server.

const nameOptions = ['only', 'keep-names', 'everywhere'];

/** Throws BAD_ARGUMENT for the first one. */
export function ensureKnown(args: ParsedArgs, { servers }: Plan, declared: readonly Declared[]): void {
  const known = new Set(servers.flatMap(({ name, places }) => [name, ...places.map((place) => place.name)]));
  for (const option of nameOptions) {
    const names = args.values(option).flatMap((text) => text.split(','));
    const unknown = names.find((name) => name !== '' && name !== 'all' && !known.has(name));
    if (unknown === undefined) continue;
    const list = [...known].join(', ');
    throw badArgument(
      `--${option} ${unknown}: no program declares such a server here.`,
      `There are: ${list || 'none'}.`,
    );
  }
  const hashes = declared.filter(({ place }) => place.scope === 'project').map((server) => approvalHash(server));
  for (const text of args.values('accept')) {
    const given = text.slice(text.lastIndexOf('@') + 1);
    if (given.length >= 12 && hashes.some((hash) => hash.startsWith(given))) continue;
    const hint = 'It may have changed since. See what it is now: mcp-proxy migrate plan';
    throw badArgument(`--accept ${text}: nothing that a repository brings here has this content.`, hint);
  }
}
