import { resolve } from 'node:path';
import { decideFolder } from '../../config/copy-folder.ts';
import { expandEntry } from '../../config/expand.ts';
import type { Config } from '../../config/load.ts';
import type { ServerEntry } from '../../config/server-entry.ts';
import { decideSharing } from '../../config/sharing.ts';
import { visibleServers } from '../../config/visibility.ts';
import type { ExplainReport, Sharing } from '../../link/control.ts';
import { findPlace, isRepository, type SessionPlace } from '../../link/project-root.ts';
import { takePositionals } from '../args.ts';
import type { Command, CommandContext } from '../command.ts';
import { getConfigured, readConfigured } from '../configured.ts';
import { formatSharing, shortPath } from '../render/format.ts';
import { wrapText } from '../render/text-width.ts';

const usage = 'explain <server> [--project DIR] [--json]';

export const explain: Command = {
  usage: [usage],
  about:
    'Says how a server runs for a project and why: who shares the copy, what is started where, which variables it gets and which are missing. Starts nothing; without a daemon it says what the config file tells.',
  options: [
    { long: 'project', value: 'DIR', help: 'For a session in this folder (default: the one you are in)' },
    { long: 'json', help: 'For programs' },
  ],
  examples: [{ line: 'explain serena', does: 'Which copy of Serena a session in this folder uses, and why' }],
  run: async (context, args) => {
    const [name = ''] = takePositionals(args, ['server'], usage);
    const projectDir = resolve(context.cwd, args.value('project') ?? '.');
    const { daemon, terminal } = context;
    const client = await terminal.progress('Asking the daemon', () => daemon.find());
    if (!client) return explainFromFile(context, { name, projectDir, isJson: args.has('json') });
    const report = await client.explain({ name, projectDir });
    if (args.has('json')) terminal.json(report);
    else printReport(context, report);
    return 0;
  },
};

function printReport({ terminal, home, hint }: CommandContext, report: ExplainReport): void {
  const facts: [string, string | undefined][] = [
    ['project', shortPath(report.projectRoot || report.projectDir, home)],
    ['seen here', report.isVisible ? 'yes' : 'no'],
    ['shared', `${formatSharing(report.sharing)}. ${report.sharingReason}`],
    ['copy', report.instanceKey],
    ['command', report.command?.join(' ')],
    ['url', report.url],
    ['folder', report.cwd],
    ['variables', report.environment.join(', ')],
    ['missing', report.missing.join(', ')],
  ];
  terminal.print(terminal.paint('bold', report.server));
  for (const [label, value] of facts) {
    if (!value) continue;
    const [first = '', ...more] = wrapText(value, terminal.width - 13);
    terminal.print(`  ${label.padEnd(9)}  ${first}`, ...more.map((line) => `             ${line}`));
  }
  for (const line of report.lines) terminal.print(...wrapText(hint(line), terminal.width));
}

type Question = { name: string; projectDir: string; isJson: boolean };

function explainFromFile(context: CommandContext, { name, projectDir, isJson }: Question): 0 {
  const { terminal, home } = context;
  const configured = readConfigured(context);
  const entry = getConfigured(configured, name);
  const place = findPlace(projectDir, home);
  const { projectRoot } = place;
  const isVisible = visibleServers(configured.config.servers, projectRoot).includes(entry);
  const { sharing, reason } = decideSharing(entry, configured.config.knownServers);
  if (isJson) {
    const facts = { server: name, projectDir, projectRoot, isVisible, sharing, sharingReason: reason, running: false };
    terminal.json(facts);
    return 0;
  }
  terminal.print(
    terminal.paint('bold', name),
    `  project    ${shortPath(projectRoot, home)}`,
    `  seen here  ${isVisible ? 'yes' : entry.enabled ? 'no' : 'no, it is disabled'}`,
    `  shared     ${formatSharing(sharing)}`,
    `             ${reason}`,
    ...(isVisible ? folderRows(entry, { sharing, place, known: configured.config.knownServers, home }) : []),
    'No daemon runs; a running one also knows the variables of the sessions and the copies.',
  );
  return 0;
}

type FolderFacts = { sharing: Sharing; place: SessionPlace; known: Config['knownServers']; home: string };

/** Nothing where the values of a session decide, or an empty folder is used. */
function folderRows(entry: ServerEntry, { sharing, place, known, home }: FolderFacts): string[] {
  const { folder, projectRoot } = place;
  const filled = expandEntry(entry, { values: {}, folder, projectRoot, sessionLifeId: '' });
  if (!filled.ok || sharing === 'shared' || entry.command === undefined) return [];
  const { args, env, cwd } = filled.spec;
  const question = { entry, sharing, args, env, cwd, folder, projectRoot, isRepository, knownServers: known };
  const { start, reason } = decideFolder(question);
  return [`  folder     ${shortPath(start, home)}`, `             ${reason}`];
}
