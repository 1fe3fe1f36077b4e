import { isInside } from '../../base/inside.ts';
import { jsonText } from '../../base/plain-text.ts';
import { shellWord } from '../../base/shell-word.ts';
import { accept as approve, findUnapproved } from '../../migrate/change/consent.ts';
import { whyUnreadable } from '../../migrate/plan/approval-text.ts';
import { approvalHash } from '../../migrate/plan/launch-spec.ts';
import { unreadLines } from '../../migrate/plan/report.ts';
import { collectSources } from '../../migrate/programs/collect-sources.ts';
import { tilde } from '../../migrate/world.ts';
import { badArgument } from '../args.ts';
import type { Command } from '../command.ts';
import { canAsk, confirm } from '../confirm.ts';
import { projectOptions, readProjects, worldOf } from '../migrate-world.ts';

const usage = 'accept [server] [--project DIR] [--hash HASH]';

export const accept: Command = {
  usage: [usage],
  about:
    'Shows what a repository declares against what you approved, and approves it as it is now. Without a name: lists what is not approved. Nothing that a repository brings runs before that, and any change in it voids the approval.',
  options: [
    ...projectOptions,
    { long: 'hash', value: 'HASH', help: 'Approve without a question, if the content still has this hash' },
  ],
  examples: [
    { line: 'accept', does: 'What is not approved in this project' },
    { line: 'accept serena', does: 'See the difference and approve it' },
  ],
  run: async (context, args) => {
    const { terminal } = context;
    const world = worldOf(context);
    const sources = collectSources(world, readProjects(world, args));
    const [name] = args.positionals;
    const changes = findUnapproved(world, sources).filter(
      ({ server, consent }) => name === undefined || server.place.name === name || consent?.name === name,
    );
    // What was not read may hold what was asked for.
    const { projects } = sources.settings;
    const unread = sources.problems.filter(({ file }) => projects.some((project) => isInside(file, project)));
    terminal.print(...unreadLines(world, unread));
    if (changes.length === 0) {
      const what = unread.length === 0 ? 'Everything here' : 'Everything that was read';
      terminal.print(
        name === undefined ? `${what} is approved.` : `${JSON.stringify(name)} has nothing to approve here.`,
      );
      return 0;
    }
    const deps = { now: () => new Date(context.now()) };
    for (const change of changes) {
      const { place } = change.server;
      const hash = approvalHash(change.server);
      const where = `${tilde(place.file, world.home)}:${place.line}`;
      terminal.print(`${where} ${jsonText(place.name)}${change.consent ? ', changed' : ', new'}`);
      terminal.print(...change.diff.map((line) => `  ${line}`), `  hash ${hash.slice(0, 16)}`);
      if (name === undefined) continue;
      const given = args.value('hash');
      const unreadable = whyUnreadable(change.diff);
      if (given === undefined && (unreadable !== undefined || !canAsk(context))) {
        const run = `mcp-proxy accept ${shellWord(name)} --hash ${hash.slice(0, 16)}`;
        if (unreadable !== undefined) throw badArgument(unreadable, `Read it in ${where}, then run: ${run}`);
        throw badArgument('Nobody is here to ask.', `Run: ${run}`);
      }
      const isGiven = given !== undefined && given.length >= 12 && hash.startsWith(given);
      if (given !== undefined && !isGiven)
        throw badArgument(`The content does not have the hash ${JSON.stringify(given)} any more.`);
      if (!isGiven && !(await confirm(context, 'May it run like this?'))) return 1;
      const { changeId } = approve(world, change, deps);
      terminal.print(changeId === undefined ? 'Approved.' : 'Approved; it runs like this from the next start on.');
    }
    return 0;
  },
};
