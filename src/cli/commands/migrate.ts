import { joinNames } from '../../base/cut-text.ts';
import { jsonText } from '../../base/plain-text.ts';
import { shellWord } from '../../base/shell-word.ts';
import { applyPlan } from '../../migrate/change/apply.ts';
import { recordConsents } from '../../migrate/change/consent.ts';
import { findUnfinished, listManifests } from '../../migrate/change/journal.ts';
import { repair } from '../../migrate/change/repair.ts';
import { undo } from '../../migrate/change/undo.ts';
import { whyUnreadable } from '../../migrate/plan/approval-text.ts';
import { makePlan } from '../../migrate/plan/make-plan.ts';
import type { Plan, PlanOptions } from '../../migrate/plan/plan-model.ts';
import { readProcessTable } from '../../migrate/plan/process-table.ts';
import { planJson, planLines, unreadLines } from '../../migrate/plan/report.ts';
import { createCopyFinder } from '../../migrate/plan/running-copies.ts';
import { collectSources, type Sources } from '../../migrate/programs/collect-sources.ts';
import { tilde, type World } from '../../migrate/world.ts';
import { badArgument, type ParsedArgs } from '../args.ts';
import type { Command, CommandContext, ExitCode } from '../command.ts';
import { canAsk, confirm } from '../confirm.ts';
import { ensureLauncher } from '../launcher.ts';
import {
  applyDeps,
  ensureKnown,
  planOptions,
  readPlanOptions,
  readProjects,
  undoLines,
  worldOf,
} from '../migrate-world.ts';

/** More are in the files; a repository may claim any number. */
const maxNamesTold = 50;

export const migrate: Command = {
  usage: [
    'migrate plan [options]',
    'migrate apply [options] [--yes]',
    'migrate undo [id]',
    'migrate history',
    'migrate repair [--project DIR]',
  ],
  about:
    'Moves servers that your programs start for themselves to the shared daemon, and back. The plan starts nothing and writes nothing. apply writes our config, starts every moved server once, and only then changes the programs’ files; any failure puts everything back. undo is byte-exact.',
  options: [
    ...planOptions,
    { long: 'yes', short: 'y', help: 'Do not ask; what a repository brings still needs --accept' },
    { long: 'json', help: 'For programs' },
  ],
  examples: [
    { line: 'migrate plan --scan ~/work', does: 'See what would change, for all projects below ~/work' },
    { line: 'migrate apply --only github,memory', does: 'Move two servers' },
    { line: 'migrate apply --keep-names github', does: 'Its tools keep their names, at one more process a session' },
    { line: 'migrate undo', does: 'Take the newest change back' },
  ],
  run: async (context, args) => {
    const [verb = 'plan', id, ...more] = args.positionals;
    if (more.length > 0 || (id !== undefined && verb !== 'undo'))
      throw badArgument('Too many words.', 'Usage: mcp-proxy migrate plan');
    switch (verb) {
      case 'plan':
        return showPlan(context, args);
      case 'apply':
        return apply(context, args);
      case 'undo':
        return takeBack(context, args, id);
      case 'history':
        return showHistory(context, args);
      case 'repair':
        return showRepair(context, args);
      default:
        throw badArgument(`migrate has no ${JSON.stringify(verb)}.`, 'Use plan, apply, undo, history or repair.');
    }
  },
};

type Planned = { plan: Plan; sources: Sources };
type Planner = (options: PlanOptions) => Planned;

function plannerOf(context: CommandContext, world: World, args: ParsedArgs): Planner {
  const projects = readProjects(world, args);
  const table = readProcessTable();
  const now = new Date(context.now());
  return (options) => {
    const sources = collectSources(world, projects);
    const findCopies = createCopyFinder(
      table,
      sources.servers.map(({ entry }) => entry),
    );
    const plan = makePlan({ world, sources, findCopies, options, now });
    ensureKnown(args, plan, sources.servers);
    return { sources, plan };
  };
}

function showPlan(context: CommandContext, args: ParsedArgs): ExitCode {
  const world = worldOf(context);
  const { plan } = plannerOf(context, world, args)(readPlanOptions(world, args));
  if (args.has('json')) context.terminal.json(planJson({ world, plan }));
  else {
    for (const { id } of findUnfinished(world)) {
      context.terminal.print(`An earlier change (${id}) was cut off. The next apply or undo takes it back first.`, '');
    }
    context.terminal.print(...planLines({ world, plan, hint: context.hint }));
  }
  return 0;
}

async function apply(context: CommandContext, args: ParsedArgs): Promise<ExitCode> {
  const world = worldOf(context);
  const { terminal } = context;
  const planner = plannerOf(context, world, args);
  let options = readPlanOptions(world, args);
  if (!args.has('yes')) {
    if (!canAsk(context)) throw badArgument('Nobody is here to ask.', 'See mcp-proxy migrate plan, then add --yes.');
    const approved = await askForApprovals(context, planner(options).plan);
    options = { ...options, accepted: [...options.accepted, ...approved] };
    const { plan } = planner(options);
    terminal.print(...planLines({ world, plan, hint: context.hint }));
    if (plan.files.length > 0 && !(await confirm(context, 'Carry this out?'))) return 1;
  }
  await ensureLauncher(context);
  let last: Planned | undefined;
  const planNow = () => {
    last = planner(options);
    return last.plan;
  };
  const result = await applyPlan(world, planNow, applyDeps(context));
  if (!result || !last) {
    terminal.print('There is nothing to move.', ...staying(last?.plan, world));
    return 0;
  }
  rememberConsents(context, world, last);
  if (args.has('json')) terminal.json(result);
  else {
    for (const { name, tools } of result.moved) terminal.print(`${name} is shared now (${tools} tools).`);
    terminal.print(...staying(last.plan, world));
    terminal.print(
      context.hint(
        `Sessions that are open keep their own copies until they end. Back: mcp-proxy migrate undo ${result.id}`,
      ),
    );
  }
  return 0;
}

/** One question for each definition that a repository brings, with the whole of it. */
async function askForApprovals(context: CommandContext, plan: Plan): Promise<string[]> {
  const approved: string[] = [];
  for (const { name, file, line, needsApproval, declares = [] } of plan.servers.flatMap(({ places }) => places)) {
    if (needsApproval === undefined) continue;
    context.terminal.print(`${file}:${line} brings ${jsonText(name)}:`, ...declares.map((text) => `  ${text}`));
    const unreadable = whyUnreadable(declares);
    if (unreadable !== undefined) {
      const words = shellWord(`${name}@${needsApproval.slice(0, 16)}`);
      context.terminal.print(`${unreadable} Read it there, then add: --accept ${words}`);
    } else if (await confirm(context, 'May it run?')) approved.push(needsApproval);
  }
  return approved;
}

/** What the plan was made from, not what the files hold by now: only that was approved. */
function rememberConsents(context: CommandContext, world: World, { plan, sources }: Planned): void {
  const moved = plan.servers.filter((server) => server.moves);
  const fresh = moved.flatMap((server) =>
    server.places
      .filter((place) => place.scope === 'project' && place.change !== undefined)
      .flatMap((place) => {
        const found = sources.servers.find(
          (entry) => entry.place.file === place.file && entry.place.path.join('\0') === place.path.join('\0'),
        );
        return found ? [{ server: found, name: server.name }] : [];
      }),
  );
  recordConsents(world, fresh, new Date(context.now()));
}

function staying(plan: Plan | undefined, world: World): string[] {
  return (plan?.servers ?? [])
    .filter((server) => !server.moves)
    .map((server) => `${server.places[0]?.name ?? server.name} stays: ${tilde(server.stays[0] ?? '', world.home)}`);
}

function takeBack(context: CommandContext, args: ParsedArgs, id: string | undefined): ExitCode {
  const world = worldOf(context);
  const result = undo(world, id);
  if (args.has('json')) context.terminal.json(result);
  else context.terminal.print(...undoLines(world, result));
  return result.isComplete ? 0 : 1;
}

function showHistory(context: CommandContext, args: ParsedArgs): ExitCode {
  const manifests = listManifests(worldOf(context));
  const { terminal } = context;
  if (args.has('json')) {
    const rows = manifests.map(({ id, kind, createdAt, state, summary, files }) => ({
      id,
      kind,
      createdAt,
      state,
      summary,
      files: files.map((file) => file.shown),
    }));
    terminal.json(rows);
    return 0;
  }
  if (manifests.length === 0) terminal.print('No file was ever changed.');
  for (const { id, kind, state, summary } of manifests) {
    terminal.print(`${id}  ${kind}  ${state}`, ...summary.map((text) => `  ${text}`));
  }
  return 0;
}

function showRepair(context: CommandContext, args: ParsedArgs): ExitCode {
  const world = worldOf(context);
  const { names, unread } = repair(world, readProjects(world, args), { now: () => new Date(context.now()) });
  const text = `Claude Code starts ${joinNames(names, { most: maxNamesTold })} again, from the next session on.`;
  context.terminal.print(...unreadLines(world, unread));
  const none = `Everything that is silenced here${unread.length === 0 ? '' : ' and was read'} is shared.`;
  context.terminal.print(names.length === 0 ? none : text);
  return 0;
}
