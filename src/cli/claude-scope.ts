// `-s local|user|project` of `claude mcp`: there it chooses a file, here all servers stand in one file of yours and what
// remains of a scope is who may see the server.
import { resolve } from 'node:path';
import { findProjectRoot } from '../link/project-root.ts';
import { badArgument, type OptionSpec, type ParsedArgs } from './args.ts';
import type { CommandContext } from './command.ts';
import { shortPath } from './render/format.ts';

export const scopeOption: OptionSpec = {
  long: 'scope',
  short: 's',
  value: 'SCOPE',
  isKnownInCommand: true,
  help: 'As in `claude mcp`: user = all projects (the default here); local or project = only the project you are in',
};

export const projectOption: OptionSpec = {
  long: 'project',
  value: 'DIR',
  isRepeatable: true,
  help: 'Only sessions in this project see it (may be repeated)',
};

export type Seen = { projects?: string[]; note?: string };

export function readScope(args: ParsedArgs, { cwd, home }: Pick<CommandContext, 'cwd' | 'home'>): Seen {
  const scope = args.value('scope');
  if (scope !== undefined && !['local', 'user', 'project'].includes(scope)) {
    throw badArgument(`--scope is local, user or project, not ${JSON.stringify(scope)}.`);
  }
  const folders = args.values('project').map((folder) => rootOf(resolve(cwd, folder), home));
  if (folders.length > 0) return { projects: folders };
  if (scope === undefined) return {};
  if (scope === 'user') return { note: 'Scope user: sessions of all projects see it.' };
  const root = rootOf(cwd, home);
  return {
    projects: [root],
    note: `Scope ${scope}: the entry stands in your own config, and only sessions in ${shortPath(root, home)} see it.`,
  };
}

function rootOf(folder: string, home: string): string {
  const root = findProjectRoot(folder, home);
  if (root === '') throw badArgument(`There is no folder ${folder}.`);
  return root;
}
